// SPDX-License-Identifier: GPL-2.0

//! Whether a cgroup's writers are throttled.

use memcgfs::waiting::waiting;
use memcgfs::waiting::Pressure;
use memcgfs::waiting::Waiting;
use memcgfs::Cgroup;
use memcgfs::DirtyStat;
use memcgfs::Error;
use memcgfs::Host;
use memcgfs::Limit;
use std::thread;
use std::time::Duration;

/// The throttling of a cgroup's writers.
pub struct Throttling {
    /// How long the writers were watched.
    pub span: Duration,
    /// The time and number of waits, in total and while watching, if the kernel counts them.
    pub counts: Option<Counts>,
    /// The number of writers that waited at the end, if the kernel reports it.
    pub waiting_now: Option<u64>,
    /// The tasks that were waiting at the end.
    pub waiting: Vec<Waiting>,
    /// The time that writeback was held back while watching, in microseconds.
    pub paced: Option<u64>,
    /// The pace of writeback in force, in microseconds.
    pub pace: Option<Limit<u64>>,
    pub pressure: Option<Pressure>,
}

/// Totals since the cgroup was created, and the increase while it was watched.
pub struct Counts {
    pub usec: u64,
    pub count: u64,
    pub more_usec: u64,
    pub more_count: u64,
}

impl Throttling {
    /// Returns whether writers are throttled now.
    pub fn now(&self) -> bool {
        // Older modules count a wait only when it is over, so a long one is only visible in its
        // task.
        self.waiting_now.is_some_and(|now| now != 0)
            || !self.waiting.is_empty()
            || self.counts.as_ref().is_some_and(|c| c.more_count != 0)
    }
}

/// Reads the counters before and after the span.
pub fn watch(host: &Host, cgroup: &Cgroup, span: Duration) -> Result<Throttling, Error> {
    let counts = |stat: &DirtyStat| Some((stat.throttled_usec?, stat.throttled_count?));
    let first = cgroup.dirty_stat()?.unwrap_or_default();
    thread::sleep(span);
    let last = cgroup.dirty_stat()?.unwrap_or_default();
    let (before, after) = (counts(&first), counts(&last));
    let paced = last.paced_usec.zip(first.paced_usec);
    Ok(Throttling {
        span,
        counts: before.zip(after).map(|(before, after)| Counts {
            usec: after.0,
            count: after.1,
            more_usec: after.0.saturating_sub(before.0),
            more_count: after.1.saturating_sub(before.1),
        }),
        waiting_now: last.throttled_now,
        waiting: waiting(host, cgroup)?,
        paced: paced.map(|(after, before)| after.saturating_sub(before)),
        pace: last.pace_usec,
        pressure: Pressure::read(cgroup)?,
    })
}
