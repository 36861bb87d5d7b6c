// SPDX-License-Identifier: GPL-2.0

//! A cgroup's charges: their amount, the cgroups and mounts it pays for, and the cgroup that pays
//! for it.

use crate::json::Name;
use memcgfs::escaped;
use memcgfs::units::Bytes;
use memcgfs::ChargedMount;
use memcgfs::Charges;
use memcgfs::Limit;
use memcgfs::Payers;
use memcgfs::Payments;
use memcgfs::Snapshot;
use serde::Serialize;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// A cgroup's charges. Absent values have no key.
#[derive(Serialize)]
pub struct Charging {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// `null` for `max`.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_max: Option<Option<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shmem: Option<u64>,
    /// The cgroup that pays for memory that its tasks bring in.
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_by: Option<PaidBy>,
    /// The mounts whose pages it pays for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mounts: Vec<MountReport>,
}

#[derive(Serialize)]
struct PaidBy {
    file: Name,
    shmem: Name,
}

/// A mount whose pages are all charged to one cgroup.
#[derive(Serialize)]
pub struct MountReport {
    /// The mount point.
    point: String,
    /// The mount point in bytes, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    point_bytes: Option<Vec<u8>>,
    fs_type: String,
    source: String,
    /// The cgroup in its `memcg=` option, relative to the reader's cgroup namespace.
    #[serde(flatten)]
    memcg: Name,
    /// The cgroup that pays now, if that is visible.
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_by: Option<Name>,
    /// The cgroup for the text output.
    #[serde(skip)]
    words: String,
}

impl MountReport {
    pub fn new(charged: &ChargedMount) -> Self {
        let mount = &charged.mount;
        let point = mount.point.as_os_str();
        let removed = match charged.orphan {
            true => format!(
                ", in place of {}, which was removed",
                escaped(&charged.memcg)
            ),
            false => String::new(),
        };
        Self {
            words: format!("{} ({}){removed}", escaped(point), escaped(&mount.fs_type)),
            point: point.to_string_lossy().into_owned(),
            point_bytes: point.to_str().is_none().then(|| point.as_bytes().to_vec()),
            fs_type: mount.fs_type.clone(),
            source: mount.source.to_string_lossy().into_owned(),
            memcg: Name::new(&charged.memcg),
            paid_by: charged.payer.as_ref().map(|payer| Name::new(&payer.path())),
        }
    }
}

impl Charging {
    /// Reads the charges of a cgroup, given its ancestors' memory.persistent and all mounts with
    /// memcg=.
    pub fn read(
        snapshot: &Snapshot,
        above: &[Snapshot],
        mounts: &[ChargedMount],
    ) -> memcgfs::Result<Self> {
        let charges = Charges::read(&snapshot.cgroup)?;
        let pays = |charged: &&ChargedMount| charged.payer.as_ref() == Some(&snapshot.cgroup);
        Ok(Self {
            memory: charges.memory,
            memory_max: charges.max.map(Limit::at),
            file: charges.file,
            shmem: charges.shmem,
            paid_by: Payers::derive(snapshot, above).map(|payers| PaidBy {
                file: Name::new(&payers.file),
                shmem: Name::new(&payers.shmem),
            }),
            mounts: mounts.iter().filter(pays).map(MountReport::new).collect(),
        })
    }

    /// Returns lines of a name and a value; `own` is the cgroup's path.
    pub fn lines(&self, own: &OsStr) -> Vec<(&'static str, String)> {
        let mut lines = Vec::new();
        if self.memory.is_some() {
            let [memory, max, file, shmem] = self.figures();
            let text = format!("{memory} of {max}; page cache {file}, shared memory {shmem}");
            lines.push(("charged", text));
        }
        if let Some(paid_by) = &self.paid_by {
            for (what, payer) in [
                ("file paid by", &paid_by.file),
                ("shmem paid by", &paid_by.shmem),
            ] {
                let payer = match payer.path == own {
                    true => "itself".to_owned(),
                    false => format!("{} (its memory.persistent)", escaped(&payer.path)),
                };
                lines.push((what, payer));
            }
        }
        for mount in &self.mounts {
            lines.push(("pays for mount", mount.words.clone()));
        }
        lines
    }

    /// Returns the charged memory: the total, its maximum, page cache, shared memory.
    pub fn figures(&self) -> [String; 4] {
        let size = |bytes: Option<u64>| bytes.map(|bytes| Bytes(bytes).to_string());
        let max = self
            .memory_max
            .map(|max| size(max).unwrap_or("max".to_owned()));
        [size(self.memory), max, size(self.file), size(self.shmem)]
            .map(|text| text.unwrap_or_else(|| "-".to_owned()))
    }

    /// Describes in one line what it pays for and which cgroup pays for it; `declared` is what it
    /// pays for in place of its descendants.
    pub fn payments(&self, own: &OsStr, declared: Option<Payments>) -> String {
        let mut parts = Vec::new();
        let declared = declared
            .unwrap_or_default()
            .words()
            .collect::<Vec<_>>()
            .join(" and ");
        if !declared.is_empty() {
            parts.push(format!("pays for {declared} below"));
        }
        for mount in &self.mounts {
            parts.push(format!("pays for mount {}", mount.words));
        }
        if let Some(paid_by) = &self.paid_by {
            for (kind, payer) in [("file", &paid_by.file), ("shmem", &paid_by.shmem)] {
                if payer.path != own {
                    parts.push(format!("{kind} paid by {}", escaped(&payer.path)));
                }
            }
        }
        parts.join(", ")
    }
}
