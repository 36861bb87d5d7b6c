// SPDX-License-Identifier: GPL-2.0

//! `append`: the victim. It appends one small block each period, as a logger does, and notes how long each append took.
//!
//! Deadlines are absolute: an append that came late is followed by the missed ones at once, but never by more than the
//! schedule holds. So the achieved rate is at most the asked one, and is lower only if a stall was not made up for by the
//! end. What was late all the same is counted: an append is on time if it is done before the next one is due.

use crate::cgroup;
use crate::error::Context;
use crate::error::Result;
use crate::error::bytes;
use crate::stats::percentile;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;
use std::time::Instant;

#[derive(clap::Args)]
pub struct Args {
    /// The file; what it held is dropped.
    #[arg(long)]
    file: PathBuf,
    /// Appends per second.
    #[arg(long, default_value_t = 125)]
    rate: u32,
    /// Bytes per append.
    #[arg(long, default_value = "4k", value_parser = bytes)]
    block: u64,
    /// How long.
    #[arg(long)]
    seconds: u32,
    /// Join this cgroup first.
    #[arg(long)]
    cgroup: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<()> {
    cgroup::join_if_given(args.cgroup.as_deref())?;
    let name = args.file.display();
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&args.file)
        .context(&name)?;
    let block = vec![0x5a; args.block as usize];
    let period = Duration::from_secs(1) / args.rate.max(1);
    let scheduled = args.rate.max(1) * args.seconds;
    let end = Duration::from_secs(args.seconds.into());
    let mut latencies = Vec::with_capacity(scheduled as usize);
    let mut on_time = 0;

    let start = Instant::now();
    for k in 0..scheduled {
        sleep((start + period * k).saturating_duration_since(Instant::now()));
        let before = Instant::now();
        if before - start >= end {
            break;
        }
        file.write_all(&block).context(&name)?;
        latencies.push(before.elapsed().as_micros() as u64);
        if start.elapsed() <= period * (k + 1) {
            on_time += 1;
        }
    }
    let elapsed = start.elapsed().max(end);

    latencies.sort_unstable();
    println!(
        "ops={} scheduled={scheduled} rate={:.2} on_time={:.4} p50_us={} p99_us={} max_us={}",
        latencies.len(),
        latencies.len() as f64 / elapsed.as_secs_f64(),
        f64::from(on_time) / f64::from(scheduled.max(1)),
        percentile(&latencies, 50),
        percentile(&latencies, 99),
        latencies.last().copied().unwrap_or(0),
    );
    Ok(())
}
