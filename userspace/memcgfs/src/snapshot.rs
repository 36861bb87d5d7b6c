// SPDX-License-Identifier: GPL-2.0

//! All figures of one cgroup, read one after the other.

use crate::cgroup::Cgroup;
use crate::error::Result;
use crate::knobs;
use crate::knobs::Knob;
use crate::page;
use crate::stat::DirtyStat;
use crate::stat::MemoryStat;
use crate::stat::RechargeStat;
use crate::value::Limit;
use crate::value::Value;

/// The content of a cgroup's files.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The cgroup.
    pub cgroup: Cgroup,
    /// The knobs that it has, in the order of the list.
    pub settings: Vec<(&'static Knob, Value)>,
    /// The module's figures.
    pub dirty_stat: Option<DirtyStat>,
    /// The kernel's figures, read where the module's are absent.
    pub memory_stat: Option<MemoryStat>,
    /// Memory inherited from removed cgroups.
    pub recharge_stat: Option<RechargeStat>,
}

impl Snapshot {
    /// Reads the figures; `None` if the cgroup vanished.
    pub fn read(cgroup: Cgroup) -> Result<Option<Self>> {
        let mut settings = Vec::new();
        for knob in knobs::settable() {
            if let Some(value) = cgroup.value(knob)? {
                settings.push((knob, value));
            }
        }
        let dirty_stat = cgroup.dirty_stat()?;
        let memory_stat = match dirty_stat {
            Some(_) => None,
            None => cgroup.memory_stat()?,
        };
        let recharge_stat = cgroup.recharge_stat()?;
        // Files are also absent if the cgroup was removed; only a check afterwards can tell the
        // difference.
        Ok(cgroup.exists().then_some(Self {
            cgroup,
            settings,
            dirty_stat,
            memory_stat,
            recharge_stat,
        }))
    }

    /// Creates the snapshot of a cgroup on a kernel without knobs.
    pub(crate) fn unset(cgroup: Cgroup, memory_stat: MemoryStat) -> Self {
        Self {
            cgroup,
            settings: Vec::new(),
            dirty_stat: None,
            memory_stat: Some(memory_stat),
            recharge_stat: None,
        }
    }

    /// Returns the figures of the ancestors of a cgroup, topmost first. Ancestors that vanished
    /// meanwhile are left out.
    pub fn above(cgroup: &Cgroup) -> Result<Vec<Self>> {
        let mut snapshots = Vec::new();
        let mut next = cgroup.parent();
        while let Some(ancestor) = next {
            next = ancestor.parent();
            snapshots.extend(Self::read(ancestor)?);
        }
        snapshots.reverse();
        Ok(snapshots)
    }

    /// Returns the value of a knob.
    pub fn setting(&self, knob: &Knob) -> Option<Value> {
        let mut settings = self.settings.iter();
        settings
            .find(|(known, _)| *known == knob)
            .map(|(_, value)| *value)
    }

    /// Returns the dirty bytes, on any kernel.
    pub fn dirty(&self) -> Option<u64> {
        match &self.dirty_stat {
            Some(stat) => stat.dirty,
            None => self.memory_stat.as_ref()?.file_dirty,
        }
    }

    /// Returns the bytes under writeback, on any kernel.
    pub fn writeback(&self) -> Option<u64> {
        match &self.dirty_stat {
            Some(stat) => stat.writeback,
            None => self.memory_stat.as_ref()?.file_writeback,
        }
    }

    /// Returns the bytes inherited from removed cgroups.
    pub fn inherited(&self) -> Option<u64> {
        self.recharge_stat.as_ref()?.inherited
    }

    /// Returns the limit in force.
    pub fn limit(&self) -> Option<Limit<u64>> {
        self.dirty_stat.as_ref()?.limit
    }

    /// Returns the background limit in force.
    pub fn background_limit(&self) -> Option<Limit<u64>> {
        self.dirty_stat.as_ref()?.background_limit
    }

    /// Returns the number of tasks that wait for dirty limits now.
    pub fn throttled_now(&self) -> Option<u64> {
        self.dirty_stat.as_ref()?.throttled_now
    }

    /// Returns whether a limit is set here, in bytes or as a ratio.
    pub fn has_own_limit(&self) -> bool {
        self.is_set(&knobs::DIRTY_LIMIT) || self.is_set(&knobs::DIRTY_RATIO)
    }

    /// Returns whether a background limit is set here, in bytes or as a ratio.
    pub fn has_own_background(&self) -> bool {
        self.is_set(&knobs::DIRTY_BACKGROUND_LIMIT) || self.is_set(&knobs::DIRTY_BACKGROUND_RATIO)
    }

    fn is_set(&self, knob: &Knob) -> bool {
        self.setting(knob).is_some_and(|value| !value.is_max())
    }

    /// Returns the limit set here, in bytes: as set, or as the kernel converts a ratio.
    pub(crate) fn own_limit(&self) -> Option<u64> {
        let bytes = self.setting(&knobs::DIRTY_LIMIT).and_then(Value::bytes);
        match bytes {
            None if self.has_own_limit() => self.limit()?.at(),
            bytes => bytes,
        }
    }

    /// Returns the limit that the module enforces here, in bytes: the one that is set, or the
    /// derived one if only a background limit is set. It applies to the whole subtree.
    pub(crate) fn kept_limit(&self) -> Option<u64> {
        match self.own_limit() {
            None if self.has_own_background() => self.limit()?.at(),
            limit => limit,
        }
    }

    /// Returns the background limit that is set here, or that follows from a limit set here, in
    /// bytes.
    pub(crate) fn own_background(&self) -> Option<u64> {
        match self.background_as_set() {
            Some(set) if self.keeps_background() => Some(set),
            None if self.has_own_background() => self.background_limit()?.at(),
            // In whole pages, as in the kernel.
            _ => Some(page::bytes(page::pages(self.kept_limit()?) / 2)),
        }
    }

    /// Returns whether a background limit that is set here is in force. If the limit is not higher,
    /// half of the limit is in force instead.
    pub(crate) fn keeps_background(&self) -> bool {
        let below = |limit: Option<u64>| {
            let set = self.background_as_set();
            set.zip(limit).is_none_or(|(set, limit)| set < limit)
        };
        self.has_own_background()
            && below(self.own_limit())
            && below(self.limit().and_then(Limit::at))
    }

    fn background_as_set(&self) -> Option<u64> {
        self.setting(&knobs::DIRTY_BACKGROUND_LIMIT)
            .and_then(Value::bytes)
    }
}
