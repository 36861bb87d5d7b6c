// SPDX-License-Identifier: GPL-2.0

//! The level at which writers stop, for the sake of a limit.
//!
//! What a writer is about to dirty is charged before, so writers alone never pass the level at
//! which they stop, and that could be the limit itself. But some pages are dirtied by who cannot
//! wait: a file system's own tables, a system call that stores into a mapping while it holds locks,
//! the rest of a large folio of which a few bytes were written. They are charged whether there is
//! room or not, and so that they find some, a [`MARGIN`] is left to them, or a sixteenth of a
//! small limit.

use super::limits::effective;
use super::limits::Config;
use super::limits::Effective;
use super::limits::Inputs;
use super::units::Pages;

/// The most below a limit that writers leave to those who cannot wait.
pub const MARGIN: Pages = Pages(64);

/// The least that anybody is compared with.
const LEAST: Pages = Pages(1);

/// Where the writers of a cgroup stop, whose limit is `limit`; at least one page.
pub fn stop(limit: Pages) -> Pages {
    limit.less(Pages(limit.0 / 16).min(MARGIN)).max(LEAST)
}

/// From where on a writer waits before it begins, where nobody is let past `stop`; at least one
/// page. The kernel leaves the last eighth to those who have begun and hold locks.
pub fn waits(stop: Pages) -> Pages {
    stop.less(Pages(stop.0 / 8).max(LEAST)).max(LEAST)
}

/// From where on a writer may have to wait before others do: whose device, or child cgroup, holds
/// more than its share leaves a quarter to those that have less.
pub fn slows(stop: Pages) -> Pages {
    waits(stop).less(Pages(stop.0 / 4)).max(LEAST)
}

/// Where the kernel acts on what a cgroup has dirty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stops {
    /// Dirty and writeback pages at which its writers stop.
    pub writers: Pages,
    /// Dirty pages above which its flushers run.
    pub background: Pages,
}

/// Computes the levels that `config` puts in place of the kernel's own, if any.
///
/// With a background limit alone, the derived limit is kept in the same way.
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
            // Whoever waits has to know that something is being written.
            .min(writers.less(LEAST)),
    })
}
