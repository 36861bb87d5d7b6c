// SPDX-License-Identifier: GPL-2.0

//! Measures the bandwidth of a device by writing a new file.

use anyhow::anyhow;
use memcgfs::devices;
use memcgfs::escaped;
use memcgfs::in_words;
use memcgfs::Host;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process;
use std::time::Duration;
use std::time::Instant;

/// The maximum time and size of the measurement.
const LONGEST: Duration = Duration::from_secs(3);
const MOST: u64 = 512 << 20;

/// The number of bytes written between two readings of the clock.
const PART: usize = 4 << 20;

/// Returns the device that a directory is on, if that is a block device.
pub fn device_of(host: &Host, dir: &Path) -> anyhow::Result<Option<String>> {
    let metadata = fs::metadata(dir)
        .map_err(|error| anyhow!("cannot look at {}: {}", escaped(dir), in_words(&error)))?;
    let device = metadata.dev();
    let (major, minor) = (nix::sys::stat::major(device), nix::sys::stat::minor(device));
    Ok(devices::disk(host, &format!("{major}:{minor}")))
}

/// Measures the bandwidth in bytes per second.
pub fn bandwidth(dir: &Path) -> anyhow::Result<u64> {
    let path = dir.join(format!(".memcgctl-{}", process::id()));
    let measured = File::create_new(&path).and_then(|file| {
        // Unlink the file at once, so that it is freed at the end in any case.
        fs::remove_file(&path)?;
        write(file)
    });
    measured.map_err(|error| anyhow!("cannot write to {}: {}", escaped(dir), in_words(&error)))
}

fn write(mut file: File) -> io::Result<u64> {
    // Do not write zeros, which devices may optimize away.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut part = vec![0u8; PART];
    for word in part.chunks_exact_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        word.copy_from_slice(&state.to_ne_bytes());
    }
    let start = Instant::now();
    let mut written = 0;
    while written < MOST && start.elapsed() < LONGEST {
        file.write_all(&part)?;
        file.sync_data()?;
        written += PART as u64;
    }
    let micros = start.elapsed().as_micros().max(1);
    let rate = u128::from(written) * 1_000_000 / micros;
    Ok(u64::try_from(rate).unwrap_or(u64::MAX))
}
