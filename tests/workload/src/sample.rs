// SPDX-License-Identifier: GPL-2.0

//! `sample`: records a cgroup's dirty and writeback bytes at a fixed interval, as CSV and as a line
//! of figures.
//!
//! Nothing is written before the end: sampling must not dirty pages itself.

use crate::cgroup;
use crate::cgroup::Reader;
use crate::cgroup::Reading;
use crate::cgroup::Source;
use crate::control;
use crate::error::Context;
use crate::error::Result;
use crate::error::bytes;
use crate::stats::mean;
use crate::stats::percentile;
use nix::errno::Errno;
use nix::poll::PollFd;
use nix::poll::PollFlags;
use nix::poll::ppoll;
use nix::sys::signalfd::SignalFd;
use nix::sys::time::TimeSpec;
use std::fmt::Write;
use std::fs;
use std::os::fd::AsFd;
use std::os::fd::FromRawFd;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

/// Ends after `--seconds`, when `--pid` exits, or on SIGTERM or SIGINT, whichever comes first.
#[derive(clap::Args)]
pub struct Args {
    /// The cgroup's directory.
    #[arg(long)]
    cgroup: PathBuf,
    /// Time between two samples.
    #[arg(long, default_value_t = 10)]
    interval_ms: u64,
    /// The maximum duration in seconds.
    #[arg(long)]
    seconds: Option<f64>,
    /// Sample until this process exits.
    #[arg(long)]
    pid: Option<i32>,
    /// The CSV file to write samples to: `us,dirty,writeback`.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Report the figures against this limit as well.
    #[arg(long, value_parser = bytes)]
    limit: Option<u64>,
    /// The source of the figures.
    #[arg(long, value_enum, default_value_t = Source::Stat)]
    source: Source,
    /// Sample as SCHED_FIFO of this priority, so that busy writers do not delay samples.
    #[arg(long)]
    rt: Option<i32>,
}

/// Returns a descriptor that becomes readable when the process exits.
fn open_pid(pid: i32) -> Result<OwnedFd> {
    // SAFETY: The call takes two plain integers.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let fd = Errno::result(fd).context(format_args!("process {pid}"))?;
    // SAFETY: The kernel has just returned this descriptor, so nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

struct Sample {
    at: Duration,
    dirty: u64,
    writeback: u64,
    /// Whether the limit was exceeded, at least in the first reading.
    first_above: bool,
}

/// Reads the figures; if they exceed the limit, they are read again, and the lower reading counts.
/// Also returns whether they were read again.
///
/// The kernel prints the dirty bytes first and reads those under writeback a moment later. Pages
/// that change from one to the other in between, some MiB when writeback starts, are in both
/// figures. In addition, the processors' counts are not collected atomically: pages dirtied on one
/// may be included before those whose writeback has ended on another are excluded, and this remains
/// so until the next collection. Hence the counts must be collected between the two readings. A
/// real excess is still there in the second one: no disk is fast enough to remove it.
fn read_consistent(
    reader: &mut Reader,
    mount: &Path,
    limit: Option<u64>,
) -> Result<(Reading, bool)> {
    let first = reader.read()?;
    if limit.is_none_or(|limit| first.total() <= limit) {
        return Ok((first, false));
    }
    cgroup::flush(mount)?;
    let second = reader.read()?;
    let lower = if second.total() < first.total() {
        second
    } else {
        first
    };
    Ok((lower, true))
}

fn collect(args: &Args) -> Result<Vec<Sample>> {
    let mut reader = Reader::open(&args.cgroup, args.source)?;
    let mount = cgroup::mount_of(&args.cgroup)?;
    let signals = SignalFd::new(&control::block_stop_signals()?).context("signalfd")?;
    let process = args.pid.map(open_pid).transpose()?;
    if let Some(priority) = args.rt {
        control::make_realtime(priority)?;
    }
    let mut ends = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
    ends.extend(
        process
            .as_ref()
            .map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN)),
    );

    let interval = Duration::from_millis(args.interval_ms.max(1));
    let end = args.seconds.map(Duration::from_secs_f64);
    let mut samples = Vec::new();
    let mut due = Duration::ZERO;
    let start = Instant::now();
    loop {
        let at = start.elapsed();
        if end.is_some_and(|end| at >= end) {
            return Ok(samples);
        }
        let (reading, first_above) = read_consistent(&mut reader, mount, args.limit)?;
        samples.push(Sample {
            at,
            dirty: reading.dirty,
            writeback: reading.writeback,
            first_above,
        });
        // A late sample is not followed by a burst: samples should be evenly spaced in time.
        while due <= start.elapsed() {
            due += interval;
        }
        let timeout = TimeSpec::from_duration(due.saturating_sub(start.elapsed()));
        if ppoll(&mut ends, Some(timeout), None).context("poll")? > 0 {
            return Ok(samples);
        }
    }
}

/// Formats the figures for a limit: how often it was exceeded, and how well it was used.
///
/// `held_mean` is the mean from the first sample at or above half the limit on (the earliest time
/// at which writers could have been throttled), to exclude the initial ramp. `first_above` is
/// `above` without second readings.
fn against_limit(totals: &[u64], samples: &[Sample], limit: u64) -> String {
    let above = totals.iter().filter(|&&total| total > limit).count();
    let first_above = samples.iter().filter(|s| s.first_above).count();
    let reached = totals.iter().position(|&total| total >= limit / 2);
    let held = reached.map_or(&[][..], |first| &totals[first..]);
    let reached_ms = reached.map_or(-1, |first| samples[first].at.as_millis() as i64);
    format!(
        " above={above} first_above={first_above} above_fraction={:.4} reached_ms={reached_ms} held_n={} held_mean={}",
        above as f64 / totals.len() as f64,
        held.len(),
        mean(held),
    )
}

pub fn run(args: &Args) -> Result<()> {
    let samples = collect(args)?;
    let totals: Vec<u64> = samples.iter().map(|s| s.dirty + s.writeback).collect();
    if let Some(out) = &args.out {
        let mut csv = "us,dirty,writeback\n".to_owned();
        for s in &samples {
            writeln!(csv, "{},{},{}", s.at.as_micros(), s.dirty, s.writeback).context("format")?;
        }
        fs::write(out, csv).context(out.display())?;
    }
    let mut sorted = totals.clone();
    sorted.sort_unstable();
    println!(
        "n={} max={} mean={} p99={}{}",
        totals.len(),
        sorted.last().copied().unwrap_or(0),
        mean(&totals),
        percentile(&sorted, 99),
        args.limit
            .map_or_else(String::new, |limit| against_limit(&totals, &samples, limit)),
    );
    Ok(())
}
