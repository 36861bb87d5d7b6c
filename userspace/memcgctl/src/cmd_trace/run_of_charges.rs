// SPDX-License-Identifier: GPL-2.0

//! Runs of charges of one task to one cgroup: copying a file causes one charge for each of its
//! pages, which are combined into one event.

use memcgfs::tracing::Event;
use memcgfs::tracing::What;

/// Such charges as one event: the first event, with the sum of the bytes.
pub struct Run {
    pub event: Event,
    /// The number of charges.
    pub charges: u64,
}

/// The longest run, in microseconds, so that ongoing charges are reported while they happen.
const LONGEST: u64 = 1_000_000;

impl Run {
    pub fn begin(event: Event) -> Self {
        Self { event, charges: 1 }
    }

    /// Adds the event. Returns whether it belongs to the same run.
    pub fn takes(&mut self, next: &Event) -> bool {
        let same = self.event.tid == next.tid
            && self.event.task == next.task
            && self.event.cgroup_ino == next.cgroup_ino
            && next.time_usec.saturating_sub(self.event.time_usec) < LONGEST;
        match (&mut self.event.what, &next.what) {
            (
                What::Redirect {
                    bytes: Some(sum),
                    error,
                },
                What::Redirect {
                    bytes: Some(bytes),
                    error: next,
                },
            ) if same && error == next => {
                *sum = sum.saturating_add(*bytes);
                self.charges += 1;
                true
            }
            _ => false,
        }
    }
}
