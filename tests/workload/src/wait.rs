// SPDX-License-Identifier: GPL-2.0

//! `wait-below`, `wait-above`: wait for a cgroup's dirty and writeback bytes to reach a value.

use crate::cgroup::Reader;
use crate::cgroup::Source;
use crate::error::Result;
use crate::error::bytes;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;
use std::time::Instant;

#[derive(clap::Args)]
pub struct Args {
    /// The cgroup's directory.
    #[arg(long)]
    cgroup: PathBuf,
    /// The value in bytes.
    #[arg(long, value_parser = bytes)]
    bytes: u64,
    /// Give up, and fail, after this many seconds.
    #[arg(long)]
    timeout: f64,
    /// The source of the figures.
    #[arg(long, value_enum, default_value_t = Source::Stat)]
    source: Source,
}

#[derive(Clone, Copy)]
pub enum Side {
    Below,
    Above,
}

pub fn run(args: &Args, side: Side) -> Result<()> {
    let mut reader = Reader::open(&args.cgroup, args.source)?;
    let start = Instant::now();
    loop {
        let now = reader.read()?.total();
        let elapsed = start.elapsed();
        let (reached, word) = match side {
            Side::Below => (now <= args.bytes, "below"),
            Side::Above => (now >= args.bytes, "above"),
        };
        if reached {
            println!("ms={} now={now}", elapsed.as_millis());
            return Ok(());
        }
        if elapsed.as_secs_f64() >= args.timeout {
            return Err(format!(
                "{}: holds {now} bytes, not {word} {} after {} s",
                args.cgroup.display(),
                args.bytes,
                args.timeout
            ));
        }
        sleep(Duration::from_millis(10));
    }
}
