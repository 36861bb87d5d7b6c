// SPDX-License-Identifier: GPL-2.0

//! The level at which writers stop to keep a limit.
//!
//! Pages are charged before a writer dirties them, so writers alone never exceed the level at which
//! they stop, and that level could be the limit itself. But some pages are dirtied where waiting is
//! impossible: a file system's own metadata, a system call that stores into a mapping while it
//! holds locks, the rest of a large folio of which a few bytes were written. These are charged
//! whether there is room or not. To leave room for them, writers stop [`MARGIN`] below the limit,
//! or a sixteenth below a small one.

use super::limits::effective;
use super::limits::Config;
use super::limits::Effective;
use super::limits::Inputs;
use super::units::Pages;

/// The maximum distance below a limit at which writers stop.
pub const MARGIN: Pages = Pages(64);

/// The minimum of every level.
const LEAST: Pages = Pages(1);

/// Returns the level at which the writers of a cgroup with the limit `limit` stop; at least one
/// page.
pub fn stop(limit: Pages) -> Pages {
    limit.less(Pages(limit.0 / 16).min(MARGIN)).max(LEAST)
}

/// Returns the level from which a writer waits before it begins, if no writer may exceed `stop`; at
/// least one page. The kernel leaves the last eighth to writers that have begun and hold locks.
pub fn waits(stop: Pages) -> Pages {
    stop.less(Pages(stop.0 / 8).max(LEAST)).max(LEAST)
}

/// Returns the level from which some writers may have to wait earlier than others: those whose
/// device, or child cgroup, has more than its share leave a quarter to those that have less.
pub fn slows(stop: Pages) -> Pages {
    waits(stop).less(Pages(stop.0 / 4)).max(LEAST)
}

/// The levels at which the kernel acts on a cgroup's dirty pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stops {
    /// The dirty and writeback pages at which the cgroup's writers stop.
    pub writers: Pages,
    /// The dirty pages above which the cgroup's flushers run.
    pub background: Pages,
}

/// Computes the levels with which `config` replaces the kernel's own, if any.
///
/// If only a background limit is set, the derived limit is enforced in the same way.
pub fn stops(config: &Config, inputs: &Inputs) -> Option<Stops> {
    let own = effective(config, inputs);
    if own == Effective::default() {
        return None;
    }
    let writers = stop(own.limit_in_force(inputs));

    Some(Stops {
        writers,
        background: own
            .background_in_force(inputs)
            .max(LEAST)
            // A waiting writer relies on writeback being in progress.
            .min(writers.less(LEAST)),
    })
}
