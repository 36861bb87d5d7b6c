// SPDX-License-Identifier: GPL-2.0

//! The limits in force of many cgroups, visited in tree order, parents first, as in a listing.

use super::raw::least;
use super::raw::Raw;
use crate::cgroup::Cgroup;
use crate::error::Result;
use crate::host::Host;
use crate::page;
use crate::snapshot::Snapshot;
use crate::system::System;
use crate::value::Limit;

/// The limits in force, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InForce {
    /// The limit.
    pub limit: Option<Limit<u64>>,
    /// The background limit.
    pub background: Option<Limit<u64>>,
    /// Whether they were derived here from other figures, because the kernel does not report them.
    pub derived: bool,
}

/// The source of a listing's limits: the kernel reports them, or they are derived from other figures.
#[derive(Debug, Default)]
pub struct Listing {
    system: Option<System>,
    /// The depth of the listing's top below the root.
    start: usize,
    /// Memory that may still be charged, given the limits at and above each level.
    rooms: Vec<Limit<u64>>,
}

impl Listing {
    /// Creates a listing that starts at `top`.
    pub fn new(host: &Host, top: &Cgroup) -> Result<Self> {
        let mut listing = Self {
            system: System::read(host)?,
            start: top.name().components().count(),
            rooms: Vec::new(),
        };
        for snapshot in Snapshot::above(top)? {
            let depth = snapshot.cgroup.name().components().count();
            listing.visit(&snapshot, depth)?;
        }
        Ok(listing)
    }

    /// Returns the system's figures.
    pub fn system(&self) -> Option<&System> {
        self.system.as_ref()
    }

    /// Returns the limits of a cgroup at this depth below the top; `None` if there are none.
    pub fn limits(&mut self, snapshot: &Snapshot, depth: usize) -> Result<Option<InForce>> {
        self.visit(snapshot, self.start + depth)
    }

    fn visit(&mut self, snapshot: &Snapshot, level: usize) -> Result<Option<InForce>> {
        if let Some(stat) = &snapshot.dirty_stat {
            return Ok(Some(InForce {
                limit: stat.limit,
                background: stat.background_limit,
                derived: false,
            }));
        }
        let Some(system) = &self.system else {
            return Ok(None);
        };
        if snapshot.cgroup.is_root() {
            return Ok(Some(InForce::of_system(system)));
        }
        if snapshot.memory_stat.is_none() {
            return Ok(None);
        }
        let raw = Raw::of(snapshot.clone())?;
        self.rooms.truncate(level);
        let above = self.rooms.last().copied().unwrap_or(Limit::Max);
        let room = least(above, raw.room);
        self.rooms.resize(level, above);
        self.rooms.push(room);
        let bound = raw.level(system, room.at()).bound;
        Ok(bound.map(|bound| InForce {
            limit: Some(Limit::At(bound.limit)),
            background: Some(Limit::At(bound.background)),
            derived: true,
        }))
    }
}

impl InForce {
    /// Returns the system-wide limits: as the kernel reports them, or else derived from its
    /// figures.
    pub fn of_system(system: &System) -> Self {
        let derived = system.derive();
        let bytes = |pages| Some(Limit::At(page::bytes(pages)));
        Self {
            limit: bytes(system.reported_limit.unwrap_or(derived.limit)),
            background: bytes(system.reported_background.unwrap_or(derived.background)),
            derived: system.reported_limit.is_none(),
        }
    }
}
