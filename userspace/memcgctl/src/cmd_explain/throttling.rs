// SPDX-License-Identifier: GPL-2.0

//! Whether a cgroup's writers are throttled.

use crate::context::Context;
use memcgfs::waiting::waiting;
use memcgfs::waiting::Pressure;
use memcgfs::waiting::Waiting;
use memcgfs::Cgroup;
use memcgfs::DirtyStat;
use memcgfs::Error;
use std::thread;
use std::time::Duration;

/// What was seen of a cgroup's writers.
pub struct Throttling {
    /// How long they were watched.
    pub span: Duration,
    /// How long writers waited and how often, in all and meanwhile, where the kernel counts it.
    pub counts: Option<Counts>,
    /// Who was waiting at the end.
    pub waiting: Vec<Waiting>,
    pub pressure: Option<Pressure>,
}

/// Totals since the cgroup was made, and what came on top meanwhile.
pub struct Counts {
    pub usec: u64,
    pub count: u64,
    pub more_usec: u64,
    pub more_count: u64,
}

impl Throttling {
    /// Whether writers are throttled now.
    pub fn now(&self) -> bool {
        // A wait is counted when it is over, so that a long one shows up by the task alone.
        !self.waiting.is_empty() || self.counts.as_ref().is_some_and(|c| c.more_count != 0)
    }
}

/// Look at the counters twice.
pub fn watch(context: &Context, cgroup: &Cgroup, span: Duration) -> Result<Throttling, Error> {
    let counts = |stat: &DirtyStat| Some((stat.throttled_usec?, stat.throttled_count?));
    let look = || Ok(cgroup.dirty_stat()?.as_ref().and_then(counts));
    let before = look()?;
    thread::sleep(span);
    let after = look()?;
    Ok(Throttling {
        span,
        counts: before.zip(after).map(|(before, after)| Counts {
            usec: after.0,
            count: after.1,
            more_usec: after.0.saturating_sub(before.0),
            more_count: after.1.saturating_sub(before.1),
        }),
        waiting: waiting(&context.host, cgroup)?,
        pressure: Pressure::read(cgroup)?,
    })
}
