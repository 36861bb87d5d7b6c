// SPDX-License-Identifier: GPL-2.0

//! The raw figures of one cgroup, and the values that follow from these alone.

use super::Bound;
use super::Level;
use crate::cgroup::Cgroup;
use crate::error::Result;
use crate::floors;
use crate::knobs;
use crate::limits::effective;
use crate::limits::Config;
use crate::limits::Inputs;
use crate::page;
use crate::snapshot::Snapshot;
use crate::stat::DirtyStat;
use crate::system::Domain;
use crate::system::System;
use crate::units::Pages;
use crate::value::Limit;
use crate::value::Value;

/// The content of a cgroup's files.
pub(super) struct Raw {
    snapshot: Snapshot,
    config: Config,
    file: u64,
    dirty: u64,
    /// Memory that may still be charged, given the limits of this cgroup alone.
    pub(super) room: Limit<u64>,
}

impl Raw {
    pub(super) fn read(cgroup: Cgroup) -> Result<Option<Self>> {
        match Snapshot::read(cgroup)? {
            Some(snapshot) => Self::of(snapshot).map(Some),
            None => Ok(None),
        }
    }

    /// Reads the remaining figures of a cgroup after its snapshot.
    pub(super) fn of(snapshot: Snapshot) -> Result<Self> {
        let cgroup = &snapshot.cgroup;
        let stat = match &snapshot.memory_stat {
            Some(stat) => stat.clone(),
            None => cgroup.memory_stat()?.unwrap_or_default(),
        };
        let size = |name| Ok(cgroup.size(name)?.unwrap_or(Limit::Max));
        let ceiling = least(size("memory.max")?, size("memory.high")?);
        let used = match ceiling {
            Limit::Max => 0,
            Limit::At(_) => size("memory.current")?.at().unwrap_or(0),
        };
        let sum = |a: Option<u64>, b: Option<u64>| a.unwrap_or(0).saturating_add(b.unwrap_or(0));
        Ok(Self {
            config: config(&snapshot),
            file: stat.file_lru.unwrap_or(0),
            dirty: sum(stat.file_dirty, stat.file_writeback),
            room: ceiling
                .at()
                .map(|ceiling| ceiling.saturating_sub(used))
                .into(),
            snapshot,
        })
    }

    /// Derives the limit here, given the memory that may still be charged.
    pub(super) fn level(&self, system: &System, headroom: Option<u64>) -> Level {
        let stat = self.snapshot.dirty_stat.clone();
        let exact = |stat: &DirtyStat| Some(stat.dirty?.saturating_add(stat.writeback?));
        let held = stat.as_ref().and_then(exact).unwrap_or(self.dirty);
        // Dirty pages are page cache, even if the statistics do not include them yet.
        let file = self.file.max(held);
        let derived = system.derive_for(&Domain {
            file: page::pages(file),
            dirty: page::pages(self.dirty),
            headroom: headroom.map(page::pages),
        });
        let own = effective(
            &self.config,
            &Inputs {
                dirtyable: Pages(derived.dirtyable),
                system_limit: Pages(derived.limit),
                system_background: Pages(derived.background),
                page_shift: page::shift(),
            },
        );
        let (limit, own_background) = (
            own.limit.map(|limit| limit.0),
            own.background.map(|limit| limit.0),
        );
        let background = own_background.unwrap_or(derived.background);
        let bound = match (limit, own_background) {
            (None, None) => Bound::derived(derived.limit, derived.background),
            (limit, _) => Bound::kept(limit.unwrap_or(derived.limit), background, limit.is_some()),
        };
        Level {
            cgroup: self.snapshot.cgroup.clone(),
            config: self.config,
            file,
            headroom,
            dirtyable: page::bytes(derived.dirtyable),
            derived_limit: page::bytes(derived.limit),
            bound: Some(bound),
            own_background: own_background.map(page::bytes),
            held,
            floor: None,
            reported: stat,
        }
    }

    /// Returns the floor that this cgroup is granted out of its parent's grant.
    pub(super) fn grant(&self, above: Pages) -> Result<Pages> {
        let own = self.config.min_pages(page::shift());
        let mut sum = 0u64;
        if let Some(parent) = self.snapshot.cgroup.parent().filter(|_| own != Pages(0)) {
            for sibling in parent.children()? {
                if let Some(min) = sibling.value(&knobs::DIRTY_MIN)? {
                    let asks = with_min(Config::default(), min).min_pages(page::shift());
                    sum = sum.saturating_add(asks.0);
                }
            }
        }
        Ok(floors::grant(own, Pages(sum), above))
    }
}

/// Converts the content of the files to the module's configuration. Values that the module would
/// reject are not in force and are left out.
fn config(snapshot: &Snapshot) -> Config {
    let mut config = Config::default();
    for (knob, value) in &snapshot.settings {
        let next = match (*value, knob.name) {
            (Value::Bytes(bytes), name) if name == knobs::DIRTY_LIMIT.name => {
                config.with_limit_bytes(bytes.size(), page::shift())
            }
            (Value::Bytes(bytes), name) if name == knobs::DIRTY_BACKGROUND_LIMIT.name => {
                config.with_background_bytes(bytes.size(), page::shift())
            }
            (Value::Ratio(ratio), name) if name == knobs::DIRTY_RATIO.name => {
                Ok(config.with_limit_ratio(ratio.at()))
            }
            (Value::Ratio(ratio), name) if name == knobs::DIRTY_BACKGROUND_RATIO.name => {
                Ok(config.with_background_ratio(ratio.at()))
            }
            (min, name) if name == knobs::DIRTY_MIN.name => Ok(with_min(config, min)),
            _ => Ok(config),
        };
        config = next.unwrap_or(config);
    }
    config
}

pub(super) fn with_min(config: Config, min: Value) -> Config {
    match min {
        Value::Bytes(bytes) => config.with_min(bytes.size(), page::shift()),
        _ => config,
    }
}

/// Returns the lower of two bounds.
pub(super) fn least(a: Limit<u64>, b: Limit<u64>) -> Limit<u64> {
    match (a.at(), b.at()) {
        (Some(a), Some(b)) => Limit::At(a.min(b)),
        (a, b) => a.or(b).into(),
    }
}
