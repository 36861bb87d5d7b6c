// SPDX-License-Identifier: GPL-2.0

//! `write`: the hog. Several writers, each a process with a file of its own, overwrite their files
//! round and round.

use crate::cgroup;
use crate::control;
use crate::error::Context;
use crate::error::Result;
use crate::error::bytes;
use crate::sink;
use crate::sink::Mode;
use crate::sink::Target;
use crate::stats::jain;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

/// Writes each file once, or for `--seconds`; SIGTERM or SIGINT end it early, with a report.
#[derive(clap::Args)]
pub struct Args {
    /// Writer k writes FILE.k.
    #[arg(long)]
    file: PathBuf,
    /// Number of bytes to write to each file; the last one given counts.
    #[arg(long, value_parser = bytes, overrides_with = "size")]
    size: u64,
    /// Offset of the first byte in the file.
    #[arg(long, default_value = "0", value_parser = bytes)]
    offset: u64,
    /// Bytes per call; the last one given counts.
    #[arg(long, default_value = "4k", value_parser = bytes, overrides_with = "block")]
    block: u64,
    /// Number of writers.
    #[arg(long, default_value_t = 1)]
    writers: usize,
    /// How to write.
    #[arg(long, value_enum, default_value_t = Mode::Write)]
    mode: Mode,
    /// Number of concurrent writes, for io_uring.
    #[arg(long, default_value_t = 32)]
    depth: u32,
    /// Do not truncate the files: overwrite their content.
    #[arg(long)]
    overwrite: bool,
    /// Sync the file each time that it was written completely.
    #[arg(long)]
    fsync: bool,
    /// Make the writers SCHED_FIFO with this priority.
    #[arg(long)]
    rt: Option<i32>,
    /// At the end of the file start over, until this time has passed.
    #[arg(long)]
    seconds: Option<f64>,
    /// Join this cgroup first.
    #[arg(long)]
    cgroup: Option<PathBuf>,
}

/// The counters that one writer shares with the parent.
struct Counters {
    bytes: &'static AtomicU64,
    again: &'static AtomicU64,
    /// The duration of the longest call, in microseconds.
    stall_us: &'static AtomicU64,
}

const COUNTERS: usize = 3;

fn write_file(
    args: &Args,
    writer: usize,
    end: Option<Instant>,
    stop: &AtomicU64,
    counters: &Counters,
) -> Result<()> {
    if let Some(priority) = args.rt {
        control::make_realtime(priority)?;
    }
    let mut path = args.file.clone().into_os_string();
    path.push(format!(".{writer}"));
    let mut sink = sink::open(
        args.mode,
        &Target {
            path: path.as_ref(),
            offset: args.offset,
            size: args.size,
            block: args.block,
            depth: args.depth,
            truncate: !args.overwrite,
        },
    )?;
    let synced = match args.fsync {
        true => Some(File::open(&path).context("open again")?),
        false => None,
    };
    let mut at = 0;
    let mut longest = Duration::ZERO;
    loop {
        let begin = Instant::now();
        if end.is_some_and(|end| begin >= end) || stop.load(Ordering::Relaxed) != 0 {
            break;
        }
        if at >= args.size {
            if let Some(file) = &synced {
                file.sync_all().context("fsync")?;
            }
            if end.is_none() {
                break;
            }
            at = 0;
        }
        let done = sink.put(args.offset + at)?;
        longest = longest.max(begin.elapsed());
        counters
            .stall_us
            .store(longest.as_micros() as u64, Ordering::Relaxed);
        counters.bytes.fetch_add(done, Ordering::Relaxed);
        at += args.block;
    }
    counters.bytes.fetch_add(sink.finish()?, Ordering::Relaxed);
    counters.again.store(sink.again(), Ordering::Relaxed);
    Ok(())
}

pub fn run(args: &Args) -> Result<()> {
    if args.block == 0 || args.size == 0 || args.writers == 0 {
        return Err("a block, a size and the number of writers cannot be 0".to_owned());
    }
    cgroup::join_if_given(args.cgroup.as_deref())?;
    let signals = control::block_stop_signals()?;
    let shared = control::shared_counters(1 + args.writers * COUNTERS)?;
    let (stop, counters) = (&shared[0], &shared[1..]);
    let counters: Vec<Counters> = counters
        .chunks_exact(COUNTERS)
        .map(|chunk| Counters {
            bytes: &chunk[0],
            again: &chunk[1],
            stall_us: &chunk[2],
        })
        .collect();

    let start = Instant::now();
    let end = args
        .seconds
        .map(|seconds| start + Duration::from_secs_f64(seconds));
    for (writer, counters) in counters.iter().enumerate() {
        control::spawn(|| write_file(args, writer, end, stop, counters))?;
    }
    let failed = control::wait_all(args.writers, &signals, || stop.store(1, Ordering::Relaxed))?;
    let elapsed = start.elapsed().as_secs_f64();

    let each: Vec<u64> = counters
        .iter()
        .map(|c| c.bytes.load(Ordering::Relaxed))
        .collect();
    let total: u64 = each.iter().sum();
    let list: Vec<String> = each.iter().map(u64::to_string).collect();
    println!(
        "bytes={total} seconds={elapsed:.3} rate={:.0} jain={:.4} max_us={} again={} writers={}",
        total as f64 / elapsed,
        jain(&each),
        counters
            .iter()
            .map(|c| c.stall_us.load(Ordering::Relaxed))
            .max()
            .unwrap_or(0),
        counters
            .iter()
            .map(|c| c.again.load(Ordering::Relaxed))
            .sum::<u64>(),
        list.join(","),
    );
    if failed > 0 {
        return Err(format!("{failed} of {} writers failed", args.writers));
    }
    Ok(())
}
