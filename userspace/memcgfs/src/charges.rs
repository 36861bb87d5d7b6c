// SPDX-License-Identifier: GPL-2.0

//! The charges of a cgroup, and which cgroup pays for the memory that its tasks bring in and for
//! the pages of a mount.

use crate::cgroup::Cgroup;
use crate::error::Result;
use crate::hierarchy::Hierarchy;
use crate::knobs;
use crate::mount::Mount;
use crate::payments::Payments;
use crate::snapshot::Snapshot;
use crate::value::Limit;
use crate::value::Value;
use std::ffi::OsString;
use std::iter;
use std::path::Path;

/// Bytes charged to a cgroup and its descendants. Values that the kernel does not report are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charges {
    /// All memory.
    pub memory: Option<u64>,
    /// The maximum that may be charged.
    pub max: Option<Limit<u64>>,
    /// Page cache without shared memory.
    pub file: Option<u64>,
    /// Shared memory.
    pub shmem: Option<u64>,
}

impl Charges {
    /// Reads the charges.
    pub fn read(cgroup: &Cgroup) -> Result<Self> {
        let stat = cgroup.memory_stat()?.unwrap_or_default();
        Ok(Self {
            memory: cgroup.size("memory.current")?.and_then(Limit::at),
            max: cgroup.size("memory.max")?,
            // The kernel's figure for page cache includes shared memory.
            file: stat
                .file
                .map(|file| file.saturating_sub(stat.shmem.unwrap_or(0))),
            shmem: stat.shmem,
        })
    }
}

/// The paths of the cgroups that pay for the memory that the tasks of a cgroup bring in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payers {
    /// The payer of page cache.
    pub file: OsString,
    /// The payer of shared memory.
    pub shmem: OsString,
}

impl Payers {
    /// Derives the payers from the knobs of the cgroup and of its ancestors, topmost first; `None`
    /// if the kernel does not support payments.
    pub fn derive(snapshot: &Snapshot, above: &[Snapshot]) -> Option<Self> {
        snapshot.setting(&knobs::PERSISTENT)?;
        let nearest = |pays: fn(Payments) -> bool| {
            let mut upwards = iter::once(snapshot).chain(above.iter().rev());
            let declarer = upwards.find(|snapshot| {
                matches!(snapshot.setting(&knobs::PERSISTENT), Some(Value::Payments(paid)) if pays(paid))
            });
            declarer.unwrap_or(snapshot).cgroup.path()
        };
        Some(Self {
            file: nearest(|paid| paid.file),
            shmem: nearest(|paid| paid.shmem),
        })
    }
}

/// A mount whose pages are all charged to one cgroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChargedMount {
    /// The mount.
    pub mount: Mount,
    /// The cgroup given in its `memcg=` option, as the kernel shows it.
    pub memcg: OsString,
    /// The cgroup that pays now: if the given one was removed, its nearest living ancestor; `None`
    /// if that is outside of the mounted hierarchy.
    pub payer: Option<Cgroup>,
    /// Whether the given cgroup was removed.
    pub orphan: bool,
}

impl ChargedMount {
    /// Returns those mounts that have a `memcg=` option.
    pub fn among(mounts: Vec<Mount>, hierarchy: Option<&Hierarchy>) -> Vec<Self> {
        let charged = |mount: Mount| {
            let memcg = mount.memcg.clone()?;
            let named = hierarchy.and_then(|hierarchy| hierarchy.shown(Path::new(&memcg)));
            let payer = named.clone().and_then(living);
            Some(Self {
                orphan: payer != named,
                payer,
                memcg,
                mount,
            })
        };
        mounts.into_iter().filter_map(charged).collect()
    }
}

/// Returns the cgroup, or its nearest ancestor that exists and has the memory controller.
fn living(mut cgroup: Cgroup) -> Option<Cgroup> {
    while !cgroup.file("memory.stat").exists() {
        cgroup = cgroup.parent()?;
    }
    Some(cgroup)
}
