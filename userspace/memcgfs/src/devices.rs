// SPDX-License-Identifier: GPL-2.0

//! Devices that pages are written back to: their backlogs and the kernel's bandwidth estimates.

use crate::error::Action;
use crate::error::Error;
use crate::error::Result;
use crate::files;
use crate::host::Host;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

/// A device. All sizes are bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// The name that the kernel uses for it in writeback, such as `8:0`.
    pub number: String,
    /// The block device's name, such as `sda`.
    pub name: Option<String>,
    /// Dirty bytes.
    pub reclaimable: u64,
    /// Bytes under writeback.
    pub writeback: u64,
    /// Its part of the system-wide limit, according to its share of writeback.
    pub limit: u64,
    /// Bytes written so far.
    pub written: u64,
    /// The kernel's bandwidth estimate, in bytes per second.
    pub bandwidth: u64,
    /// Whether its own limit applies even while the system is below its limit.
    pub strict: bool,
}

impl Device {
    /// Returns the time it takes to write the backlog at that bandwidth.
    pub fn drains_in(&self) -> Option<Duration> {
        let waiting = u128::from(self.reclaimable) + u128::from(self.writeback);
        let millis = (waiting * 1000).checked_div(self.bandwidth.into())?;
        u64::try_from(millis).ok().map(Duration::from_millis)
    }
}

/// Returns the devices that have been written to, the one with the largest backlog first.
pub fn read(host: &Host) -> Result<Vec<Device>> {
    let dir = host.sys("kernel/debug/bdi");
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::Unsupported(
                "the kernel's figures of devices are in debugfs; as root: mount -t debugfs debugfs /sys/kernel/debug",
            ));
        }
        Err(error) => return Err(Error::io(Action::List, &dir, error)),
    };
    let mut devices = Vec::new();
    for entry in entries.flatten() {
        let Some(text) = files::read(&entry.path().join("stats"))? else {
            continue;
        };
        let mut device = parse(&text);
        device.number = entry.file_name().to_string_lossy().into_owned();
        device.name = name(host, &device.number)?;
        let strict = host
            .sys("class/bdi")
            .join(&device.number)
            .join("strict_limit");
        device.strict = files::read(&strict)?.is_some_and(|text| text.trim() == "1");
        if device.written != 0 || device.reclaimable != 0 || device.writeback != 0 {
            devices.push(device);
        }
    }
    devices.sort_by(|one, other| (other.written, &one.number).cmp(&(one.written, &other.number)));
    Ok(devices)
}

/// Returns the number of the device that a user names: `8:0`, `sda`, `/dev/sda`, or a partition.
/// For a partition it is that of its disk, which is what pages are written back to.
pub fn number(host: &Host, wanted: &Path) -> Result<String> {
    let text = wanted.to_string_lossy();
    if host.sys("class/bdi").join(&*text).is_dir() && text.contains(':') {
        return Ok(text.into_owned());
    }
    let name = wanted.strip_prefix("/dev").unwrap_or(wanted);
    match disk_at(&host.sys("class/block").join(name)) {
        Some(number) => Ok(number),
        None => Err(Error::NoDevice {
            wanted: OsString::from(wanted),
        }),
    }
}

/// Returns the number of the disk that a block device is, or is a partition of.
pub fn disk(host: &Host, number: &str) -> Option<String> {
    disk_at(&host.sys("dev/block").join(number))
}

fn disk_at(dir: &Path) -> Option<String> {
    let mut dir = fs::canonicalize(dir).ok()?;
    // A partition's directory is inside that of its disk.
    if dir.join("partition").exists() {
        dir.pop();
    }
    let number = files::read(&dir.join("dev")).ok()??;
    Some(number.trim().to_owned())
}

/// Returns the name of a block device, given its number.
fn name(host: &Host, number: &str) -> Result<Option<String>> {
    let uevent = host.sys("dev/block").join(number).join("uevent");
    let text = files::read(&uevent)?.unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("DEVNAME="));
    Ok(name.map(str::to_owned))
}

/// Parses `BdiWriteback:  12 kB` and similar lines.
fn parse(text: &str) -> Device {
    let figure = |key: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        number.unwrap_or(0).saturating_mul(1024)
    };
    Device {
        writeback: figure("BdiWriteback"),
        reclaimable: figure("BdiReclaimable"),
        limit: figure("BdiDirtyThresh"),
        written: figure("BdiWritten"),
        bandwidth: figure("BdiWriteBandwidth"),
        ..Device::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        let text = "\
BdiWriteback:             2048 kB
BdiReclaimable:           6144 kB
BdiDirtyThresh:         100000 kB
DirtyThresh:            200000 kB
BdiDirtied:              99999 kB
BdiWritten:              51200 kB
BdiWriteBandwidth:       20480 kBps
b_dirty:                     3
";
        let device = parse(text);
        assert_eq!((device.writeback, device.reclaimable), (2 << 20, 6 << 20));
        assert_eq!((device.bandwidth, device.written), (20 << 20, 50 << 20));
        assert_eq!(device.drains_in(), Some(Duration::from_millis(400)));
        assert_eq!(parse("").drains_in(), None);
        assert_eq!(
            parse("BdiWriteback: x kB\nBdiWriteBandwidth"),
            Device::default()
        );
    }
}
