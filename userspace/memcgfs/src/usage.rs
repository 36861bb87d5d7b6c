// SPDX-License-Identifier: GPL-2.0

//! The figures that change constantly, from as few files as possible: a single one if the module is
//! loaded.

use crate::cgroup::Cgroup;
use crate::derivation::Listing;
use crate::error::Result;
use crate::snapshot::Snapshot;
use crate::stat::DirtyStat;
use crate::value::Limit;

/// A cgroup's dirty pages and the state of its writers. Values that the kernel does not report are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Dirty bytes of the subtree.
    pub dirty: Option<u64>,
    /// Bytes under writeback.
    pub writeback: Option<u64>,
    /// The limit in force.
    pub limit: Option<Limit<u64>>,
    /// The background limit in force.
    pub background_limit: Option<Limit<u64>>,
    /// Time that writers were made to wait, in microseconds.
    pub throttled_usec: Option<u64>,
    /// The number of waits.
    pub throttled_count: Option<u64>,
    /// The number of tasks waiting now.
    pub throttled_now: Option<u64>,
    /// Time that writeback was held back, in microseconds.
    pub paced_usec: Option<u64>,
}

impl Usage {
    /// Reads the usage of a cgroup at this depth below the top of a listing; `None` if it vanished.
    /// If the kernel does not report the limits in force, they are derived.
    pub fn read(cgroup: &Cgroup, depth: usize, listing: &mut Listing) -> Result<Option<Self>> {
        if let Some(stat) = cgroup.dirty_stat()? {
            return Ok(Some(stat.into()));
        }
        let Some(stat) = cgroup.memory_stat()? else {
            return Ok(cgroup.exists().then(Self::default));
        };
        let usage = Self {
            dirty: stat.file_dirty,
            writeback: stat.file_writeback,
            ..Self::default()
        };
        let in_force = listing.limits(&Snapshot::unset(cgroup.clone(), stat), depth)?;
        Ok(Some(match in_force {
            Some(in_force) => Self {
                limit: in_force.limit,
                background_limit: in_force.background,
                ..usage
            },
            None => usage,
        }))
    }

    /// Returns the dirty bytes and bytes under writeback.
    pub fn held(&self) -> Option<u64> {
        Some(self.dirty?.saturating_add(self.writeback.unwrap_or(0)))
    }
}

impl From<DirtyStat> for Usage {
    fn from(stat: DirtyStat) -> Self {
        Self {
            dirty: stat.dirty,
            writeback: stat.writeback,
            limit: stat.limit,
            background_limit: stat.background_limit,
            throttled_usec: stat.throttled_usec,
            throttled_count: stat.throttled_count,
            throttled_now: stat.throttled_now,
            paced_usec: stat.paced_usec,
        }
    }
}
