// SPDX-License-Identifier: GPL-2.0

//! `waits`: samples where in the kernel a process waits, by reading its /proc/PID/wchan until it
//! exits.

use crate::error::Context;
use crate::error::Result;
use std::collections::BTreeMap;
use std::fs;
use std::thread::sleep;
use std::time::Duration;

#[derive(clap::Args)]
pub struct Args {
    /// The process.
    #[arg(long)]
    pid: u32,
    /// Time between two samples.
    #[arg(long, default_value_t = 5)]
    interval_ms: u64,
}

/// The content of the file while the process is not sleeping.
const RUNNING: &str = "0";

pub fn run(args: &Args) -> Result<()> {
    let path = format!("/proc/{}/wchan", args.pid);
    let mut seen = BTreeMap::<String, u64>::new();
    let mut n = 0;
    loop {
        match fs::read_to_string(&path) {
            Ok(place) => *seen.entry(place).or_default() += 1,
            // This error means that the process has exited.
            Err(error)
                if n > 0 && matches!(error.raw_os_error(), Some(libc::ESRCH | libc::ENOENT)) =>
            {
                break;
            }
            Err(error) => return Err(error).context(path),
        }
        n += 1;
        sleep(Duration::from_millis(args.interval_ms));
    }
    let running = seen.remove(RUNNING).unwrap_or(0);
    let mut places: Vec<_> = seen.into_iter().collect();
    places.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let words: Vec<String> = places
        .iter()
        .map(|(place, count)| format!(" {place}={count}"))
        .collect();
    println!("n={n} running={running}{}", words.concat());
    Ok(())
}
