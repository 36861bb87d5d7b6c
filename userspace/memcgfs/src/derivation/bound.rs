// SPDX-License-Identifier: GPL-2.0

//! A limit, the levels at which it slows and stops writers, and the state that follows from the number of dirty bytes.

use crate::levels::slows;
use crate::levels::stop;
use crate::levels::waits;
use crate::page;
use crate::units::Pages;

/// A limit and the levels that follow from it, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The limit.
    pub limit: u64,
    /// The background limit.
    pub background: u64,
    /// From here on some writers wait: those with more than their share, or all of them briefly.
    pub slows_at: u64,
    /// From here on all writers wait.
    pub stops_at: u64,
    /// Whether it was set, in bytes or as a ratio; otherwise it is derived from `vm.dirty_*`.
    pub set: bool,
}

/// Whether writers are slowed or stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// No writer waits.
    Free,
    /// Some writers wait: those with more than their share, or all of them briefly.
    Slowed,
    /// All writers wait.
    Stopped,
}

impl Bound {
    /// Returns the bound for limits that the kernel has in force, in bytes: set in the cgroup or
    /// derived for it.
    pub fn in_force(limit: u64, background: u64, set: bool) -> Self {
        let (limit, background) = (page::pages(limit), page::pages(background));
        match set {
            true => Self::kept(limit, background, true),
            false => Self::derived(limit, background),
        }
    }

    /// Returns the state of writers for this number of dirty bytes and bytes under writeback.
    pub fn state(&self, held: u64) -> State {
        match held {
            held if held >= self.stops_at => State::Stopped,
            held if held >= self.slows_at => State::Slowed,
            _ => State::Free,
        }
    }

    /// Returns the fill level in thousandths of the level at which writers stop; `None` while no
    /// writer is slowed.
    pub(super) fn fill(&self, held: u64) -> Option<u64> {
        (held >= self.slows_at).then(|| held.saturating_mul(1000) / self.stops_at.max(1))
    }

    /// Returns the bound that the kernel's own throttling enforces for a derived limit: it slows
    /// writers from halfway between the background limit and the limit on.
    pub(super) fn derived(limit: u64, background: u64) -> Self {
        Self {
            limit: page::bytes(limit),
            background: page::bytes(background),
            slows_at: page::bytes(limit.saturating_add(background) / 2),
            stops_at: page::bytes(limit),
            set: false,
        }
    }

    /// Returns the bound that the module enforces for a limit.
    pub(super) fn kept(limit: u64, background: u64, set: bool) -> Self {
        let stop = stop(Pages(limit));
        Self {
            limit: page::bytes(limit),
            background: page::bytes(background),
            slows_at: page::bytes(slows(stop).0),
            stops_at: page::bytes(waits(stop).0),
            set,
        }
    }
}
