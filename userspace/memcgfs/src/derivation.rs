// SPDX-License-Identifier: GPL-2.0

//! The limit in force, derived from raw figures with the module's own arithmetic, and the cgroup that binds.
//!
//! A writer has to pass the limits of its own cgroup, of each cgroup above it and of the system. The limit in force is
//! the least that a cgroup sets. But a wider one binds earlier when others have used it up, so that of the places where
//! writers are slowed right now, the fullest binds; without any of those, the limit in force does.

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

/// How a cgroup's limit came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derivation {
    /// The cgroup, then those above it without the root; empty for the root.
    pub levels: Vec<Level>,
    /// The system-wide limits.
    pub system: SystemLevel,
    /// The limit in force for the cgroup, in bytes; the system's for the root.
    pub limit: u64,
    /// The background limit in force, in bytes.
    pub background: u64,
    /// The level that sets the limit in force.
    pub tightest: Place,
    /// The level that its writers meet first as things are now.
    pub binding: Place,
}

/// One of the levels that a writer has to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// That of `Derivation::levels`.
    Level(usize),
    /// The system.
    System,
}

/// One cgroup's part in it. All sizes are bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// The cgroup.
    pub cgroup: Cgroup,
    /// What is set.
    pub config: Config,
    /// Page cache on the LRU lists, of the subtree.
    pub file: u64,
    /// What may still be charged, by `memory.max` and `memory.high` here and above; `None` without any.
    pub headroom: Option<u64>,
    /// What could be dirty.
    pub dirtyable: u64,
    /// The limit that `vm.dirty_*` imply here.
    pub derived_limit: u64,
    /// What holds here: the limit that is set, or the derived one for the cgroup asked about and where a background limit
    /// is set.
    pub bound: Option<Bound>,
    /// The background limit that is set here, or implied by a limit that is.
    pub own_background: Option<u64>,
    /// Dirty bytes and those under writeback, of the subtree.
    pub held: u64,
    /// The floor, where one is asked for.
    pub floor: Option<Floor>,
    /// What the kernel says.
    pub reported: Option<DirtyStat>,
}

/// A floor, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floor {
    /// What the cgroup asks for.
    pub asked: u64,
    /// What it gets after those above it and its siblings were heard.
    pub granted: u64,
}

/// The system's part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemLevel {
    /// What could be dirty, in bytes.
    pub dirtyable: u64,
    /// What holds.
    pub bound: Bound,
    /// Dirty bytes and those under writeback.
    pub held: u64,
    /// The raw figures, in pages.
    pub raw: System,
}

/// How much a limit that depends on memory may differ between two samples, as memory changes: by
/// a thirty-second and 64 pages.
pub fn drift(limit: u64) -> u64 {
    (limit / 32).saturating_add(page::bytes(64))
}

impl Derivation {
    /// Derive it; `None` if the cgroup vanished or the kernel reports no figures.
    pub fn derive(host: &Host, cgroup: &Cgroup) -> Result<Option<Self>> {
        let Some(system) = System::read(host)? else {
            return Ok(None);
        };
        let mut levels = Vec::new();
        let mut headroom = Limit::Max;
        let mut chain: Vec<_> = std::iter::successors(Some(cgroup.clone()), Cgroup::parent)
            .filter(|cgroup| !cgroup.is_root())
            .collect();
        // Headroom and floors are handed down.
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
        // Derived limits hold for the cgroup that the pages belong to, and are not looked for above it, unless the
        // module keeps one there beside a background limit.
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
            // Of equal limits one that was set on this very cgroup is named, else the outermost.
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
        // The system-wide limit does not slow a writer below a floor, be it that of a cgroup above.
        // But then nor may its own memory be too full.
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

    /// What holds at a place.
    pub fn bound(&self, place: Place) -> Option<Bound> {
        match place {
            Place::Level(index) => self.levels.get(index)?.bound,
            Place::System => Some(self.system.bound),
        }
    }

    /// Dirty bytes and those under writeback at a place.
    pub fn held(&self, place: Place) -> u64 {
        match place {
            Place::Level(index) => self.levels.get(index).map_or(0, |level| level.held),
            Place::System => self.system.held,
        }
    }

    /// The limit in force as the kernel reports it.
    pub fn reported(&self) -> Option<u64> {
        match self.levels.first() {
            Some(level) => level.reported.as_ref()?.limit?.at(),
            None => self.system.raw.reported_limit.map(page::bytes),
        }
    }

    /// Whether the kernel reports the derived limit.
    pub fn agrees(&self) -> Option<bool> {
        let reported = self.reported()?;
        Some(self.limit.abs_diff(reported) <= drift(reported))
    }
}

impl Level {
    /// Whether nothing is set here, and there are enough dirty pages for `vm.dirty_*` to slow writers.
    fn is_slowed_by_derived(&self) -> bool {
        let derived = self.bound.filter(|_| self.own_background.is_none());
        derived.is_some_and(|bound| self.held > bound.slows_at)
    }

    /// Whether it holds no more than the floor that it was granted.
    pub fn is_below_floor(&self) -> bool {
        self.floor
            .is_some_and(|floor| floor.granted != 0 && self.held <= floor.granted)
    }
}

impl SystemLevel {
    /// What happens to writers whom no floor exempts.
    pub fn state(&self) -> State {
        self.bound.state(self.held)
    }

    /// What follows from the system's figures.
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
