// SPDX-License-Identifier: GPL-2.0

//! Periodic actions, like those of a logger or a reader, and their durations.
//!
//! Deadlines are absolute: a late turn is followed immediately by the missed ones, but never by
//! more than the schedule has. So the achieved rate is at most the requested one, and is lower only
//! if a stall could not be made up for by the end. Late turns are counted in any case: a turn is on
//! time if it ends before the next one is due.

use crate::error::Result;
use crate::stats::percentile;
use std::thread::sleep;
use std::time::Duration;
use std::time::Instant;

#[derive(clap::Args)]
pub struct Schedule {
    /// Times per second.
    #[arg(long, default_value_t = 125)]
    rate: u32,
    /// How long to run.
    #[arg(long)]
    seconds: u32,
}

/// Calls `turn` according to the schedule, and prints the figures.
pub fn take(schedule: &Schedule, mut turn: impl FnMut() -> Result<()>) -> Result<()> {
    let rate = schedule.rate.max(1);
    let period = Duration::from_secs(1) / rate;
    let scheduled = rate * schedule.seconds;
    let end = Duration::from_secs(schedule.seconds.into());
    let mut latencies = Vec::with_capacity(scheduled as usize);
    let mut on_time = 0;

    let start = Instant::now();
    for k in 0..scheduled {
        sleep((start + period * k).saturating_duration_since(Instant::now()));
        let before = Instant::now();
        if before - start >= end {
            break;
        }
        turn()?;
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
