// SPDX-License-Identifier: GPL-2.0

//! The charges of a cgroup, and which cgroup pays for memory that its tasks bring in and for the pages of a mount.

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
    /// All of it.
    pub memory: Option<u64>,
    /// How much it may be.
    pub max: Option<Limit<u64>>,
    /// Page cache without shared memory.
    pub file: Option<u64>,
    /// Shared memory.
    pub shmem: Option<u64>,
}

impl Charges {
    /// Read them.
    pub fn read(cgroup: &Cgroup) -> Result<Self> {
        let stat = cgroup.memory_stat()?.unwrap_or_default();
        Ok(Self {
            memory: cgroup.size("memory.current")?.and_then(Limit::at),
            max: cgroup.size("memory.max")?,
            // The kernel's figure for page cache counts shared memory, too.
            file: stat
                .file
                .map(|file| file.saturating_sub(stat.shmem.unwrap_or(0))),
            shmem: stat.shmem,
        })
    }
}

/// The paths of the cgroups that pay for memory that the tasks of a cgroup bring in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payers {
    /// Of page cache.
    pub file: OsString,
    /// Of shared memory.
    pub shmem: OsString,
}

impl Payers {
    /// Derive them from the cgroup's knobs and those of the cgroups above, the outermost first; `None` where the kernel
    /// does not let one pay for another.
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
    /// The cgroup that it names, as the kernel shows it.
    pub memcg: OsString,
    /// The cgroup that pays now: after that one was removed the nearest that is left above it; `None` if that is
    /// outside of what is mounted.
    pub payer: Option<Cgroup>,
    /// Whether that one was removed.
    pub orphan: bool,
}

impl ChargedMount {
    /// Those among the mounts that name a cgroup.
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

/// The cgroup, or the nearest above it that is there and has a memory controller.
fn living(mut cgroup: Cgroup) -> Option<Cgroup> {
    while !cgroup.file("memory.stat").exists() {
        cgroup = cgroup.parent()?;
    }
    Some(cgroup)
}
