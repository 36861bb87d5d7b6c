// SPDX-License-Identifier: GPL-2.0

//! The figures that change from moment to moment, from as few files as will do: one where the module is loaded.

use crate::cgroup::Cgroup;
use crate::error::Result;
use crate::stat::DirtyStat;
use crate::value::Limit;

/// What a cgroup holds and how its writers fare. What the kernel does not tell is `None`.
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
    /// How long writers were made to wait, in microseconds.
    pub throttled_usec: Option<u64>,
    /// How often.
    pub throttled_count: Option<u64>,
}

impl Usage {
    /// Read it; `None` if the cgroup vanished.
    pub fn read(cgroup: &Cgroup) -> Result<Option<Self>> {
        if let Some(stat) = cgroup.dirty_stat()? {
            return Ok(Some(stat.into()));
        }
        if let Some(stat) = cgroup.memory_stat()? {
            return Ok(Some(Self {
                dirty: stat.file_dirty,
                writeback: stat.file_writeback,
                ..Self::default()
            }));
        }
        Ok(cgroup.exists().then(Self::default))
    }

    /// Dirty bytes and those under writeback.
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
        }
    }
}
