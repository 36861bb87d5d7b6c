// SPDX-License-Identifier: GPL-2.0

//! The limit in force, derived from raw figures with the module's own arithmetic, and the level
//! whose limit writers meet first.
//!
//! A writer has to stay within the limits of its own cgroup, of each ancestor and of the system.
//! The limit in force is the lowest that a cgroup sets. But a higher limit may be reached earlier
//! if other writers have used it up. So among the levels at which writers are slowed right now, the
//! fullest is the one that matters; if there is none, it is the level with the limit in force.

mod bound;
pub mod grants;
mod listing;
mod raw;

pub use bound::Bound;
pub use bound::State;
pub use listing::InForce;
pub use listing::Listing;

use crate::cgroup::Cgroup;
use crate::error::Result;
use crate::floors;
use crate::host::Host;
use crate::limits::Config;
use crate::page;
use crate::stat::DirtyStat;
use crate::system::System;
use crate::units::Bytes;
use crate::units::Pages;
use crate::value::Limit;
use raw::least;
use raw::Raw;

/// The derivation of a cgroup's limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derivation {
    /// The cgroup and its ancestors without the root; empty for the root.
    pub levels: Vec<Level>,
    /// The system-wide limits.
    pub system: SystemLevel,
    /// The limit in force for the cgroup, in bytes; the system's for the root.
    pub limit: u64,
    /// The background limit in force, in bytes.
    pub background: u64,
    /// The level that sets the limit in force.
    pub tightest: Place,
    /// The level whose limit its writers meet first at present.
    pub binding: Place,
}

/// One of the levels whose limits a writer has to stay within.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The level with this index in `Derivation::levels`.
    Level(usize),
    /// The system.
    System,
}

/// The figures of one cgroup. All sizes are bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// The cgroup.
    pub cgroup: Cgroup,
    /// The values of its files.
    pub config: Config,
    /// Page cache of the subtree on the LRU lists.
    pub file: u64,
    /// Memory that may still be charged, given `memory.max` and `memory.high` here and above;
    /// `None` if neither is set.
    pub headroom: Option<u64>,
    /// Memory that could be dirty.
    pub dirtyable: u64,
    /// The limit derived here from `vm.dirty_*`.
    pub derived_limit: u64,
    /// The limit that applies here: one that is set, or the derived one for the cgroup asked about
    /// and wherever a background limit is set.
    pub bound: Option<Bound>,
    /// The background limit that is set here, or implied by a limit set here.
    pub own_background: Option<u64>,
    /// Dirty bytes and bytes under writeback of the subtree.
    pub held: u64,
    /// The floor, if one is requested.
    pub floor: Option<Floor>,
    /// The figures that the kernel reports.
    pub reported: Option<DirtyStat>,
}

/// A floor, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floor {
    /// The floor that the cgroup requests.
    pub asked: u64,
    /// The part that it is granted, given the grants of its ancestors and the requests of its
    /// siblings.
    pub granted: u64,
}

/// The figures of the whole system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemLevel {
    /// Memory that could be dirty, in bytes.
    pub dirtyable: u64,
    /// The system-wide limit.
    pub bound: Bound,
    /// Dirty bytes and bytes under writeback.
    pub held: u64,
    /// The raw figures, in pages.
    pub raw: System,
}

/// Returns how much a limit that depends on memory may change between two samples: by a
/// thirty-second and 64 pages.
pub fn drift(limit: u64) -> u64 {
    (limit / 32).saturating_add(page::bytes(64))
}

impl Derivation {
    /// Derives the limit; `None` if the cgroup vanished or the kernel reports no figures.
    pub fn derive(host: &Host, cgroup: &Cgroup) -> Result<Option<Self>> {
        let Some(system) = System::read(host)? else {
            return Ok(None);
        };
        let mut levels = Vec::new();
        let mut headroom = Limit::Max;
        let mut chain: Vec<_> = std::iter::successors(Some(cgroup.clone()), Cgroup::parent)
            .filter(|cgroup| !cgroup.is_root())
            .collect();
        // Headroom and floors are derived from the top down.
        chain.reverse();
        let mut grant = floors::top_grant(Pages(system.derive().limit));
        for cgroup in chain {
            let Some(raw) = Raw::read(cgroup)? else {
                return Ok(None);
            };
            headroom = least(headroom, raw.room);
            let mut level = raw.level(&system, headroom.at());
            grant = raw.grant(grant)?;
            if level.config.min != Bytes(0) {
                level.floor = Some(Floor {
                    asked: page::bytes(level.config.min_pages(page::shift()).0),
                    granted: page::bytes(grant.0),
                });
            }
            levels.push(level);
        }
        levels.reverse();
        // Of the derived limits only that of the cgroup that owns the pages applies, not those of
        // its ancestors, unless the module enforces one because of a background limit.
        for above in levels.iter_mut().skip(1) {
            if above.own_background.is_none() {
                above.bound = None;
            }
        }
        Ok(Some(Self::put_together(levels, SystemLevel::new(system))))
    }

    fn put_together(levels: Vec<Level>, system: SystemLevel) -> Self {
        let mut tightest = Place::System;
        let mut lowest = system.bound;
        let mut background = u64::MAX;
        for (index, level) in levels.iter().enumerate() {
            background = background.min(level.own_background.unwrap_or(u64::MAX));
            let Some(bound) = level.bound else { continue };
            background = background.min(bound.background);
            // Of equal limits, prefer one that is set on this very cgroup, else the topmost.
            let wins = match tightest {
                Place::System => true,
                Place::Level(0) if lowest.set => bound.limit < lowest.limit,
                Place::Level(_) => bound.limit <= lowest.limit,
            };
            if wins {
                (tightest, lowest) = (Place::Level(index), bound);
            }
        }
        let mut binding = tightest;
        let mut fullest = None;
        let cgroups = levels.iter().enumerate().map(|(index, level)| {
            let bound = level.bound.map(|bound| (bound, level.held));
            (Place::Level(index), bound)
        });
        // The system-wide limit does not slow a writer below a floor, including a floor of an
        // ancestor, as long as its cgroup's own memory is not too full either.
        let floored = levels.iter().any(Level::is_below_floor)
            && !levels.first().is_some_and(Level::is_slowed_by_derived);
        let whole = (!floored).then_some((system.bound, system.held));
        let all = cgroups.chain([(Place::System, whole)]);
        for (place, bound) in all {
            let fill = bound.and_then(|(bound, held)| bound.fill(held));
            if fill > fullest {
                (binding, fullest) = (place, fill);
            }
        }
        Self {
            limit: lowest.limit,
            background: background.min(lowest.background),
            levels,
            system,
            tightest,
            binding,
        }
    }

    /// Returns the limit that applies at a level.
    pub fn bound(&self, place: Place) -> Option<Bound> {
        match place {
            Place::Level(index) => self.levels.get(index)?.bound,
            Place::System => Some(self.system.bound),
        }
    }

    /// Returns the dirty bytes and bytes under writeback at a level.
    pub fn held(&self, place: Place) -> u64 {
        match place {
            Place::Level(index) => self.levels.get(index).map_or(0, |level| level.held),
            Place::System => self.system.held,
        }
    }

    /// Returns the limit in force as the kernel reports it.
    pub fn reported(&self) -> Option<u64> {
        match self.levels.first() {
            Some(level) => level.reported.as_ref()?.limit?.at(),
            None => self.system.raw.reported_limit.map(page::bytes),
        }
    }

    /// Returns whether the kernel reports the derived limit.
    pub fn agrees(&self) -> Option<bool> {
        let reported = self.reported()?;
        Some(self.limit.abs_diff(reported) <= drift(reported))
    }
}

impl Level {
    /// Returns whether nothing is set here and there are enough dirty pages for `vm.dirty_*` to
    /// slow writers.
    fn is_slowed_by_derived(&self) -> bool {
        let derived = self.bound.filter(|_| self.own_background.is_none());
        derived.is_some_and(|bound| self.held > bound.slows_at)
    }

    /// Returns whether it holds no more than its granted floor.
    pub fn is_below_floor(&self) -> bool {
        self.floor
            .is_some_and(|floor| floor.granted != 0 && self.held <= floor.granted)
    }
}

impl SystemLevel {
    /// Returns the state of writers that no floor exempts.
    pub fn state(&self) -> State {
        self.bound.state(self.held)
    }

    /// Derives the system-wide limits from its figures.
    pub fn new(raw: System) -> Self {
        let derived = raw.derive();
        Self {
            dirtyable: page::bytes(derived.dirtyable),
            bound: Bound::derived(derived.limit, derived.background),
            held: page::bytes(raw.held()),
            raw,
        }
    }
}
