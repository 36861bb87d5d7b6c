// SPDX-License-Identifier: GPL-2.0

//! Which mounted file systems attribute writeback to cgroups. On others, pages are dirtied in a
//! cgroup but written back on behalf of the root, and no cgroup's limit can pace that.

use crate::error::Result;
use crate::host::Host;
use crate::mount::Mount;
use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Whether a file system attributes writeback to cgroups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribution {
    /// It does.
    Yes,
    /// It could, but a mount option prevents that.
    Forbidden(&'static str),
    /// The underlying file system decides.
    Below,
    /// It does not.
    No,
}

/// A mounted file system that writes back pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writing {
    /// Its first mount point.
    pub point: PathBuf,
    /// Its type.
    pub fs_type: String,
    /// Whether it attributes writeback.
    pub attribution: Attribution,
}

/// File systems that set SB_I_CGROUPWB.
const ATTRIBUTING: [&str; 6] = ["ext2", "ext3", "ext4", "btrfs", "xfs", "f2fs"];

/// File systems without a device that write back pages nevertheless.
const NETWORK: [&str; 10] = [
    "9p", "afs", "ceph", "cifs", "fuse", "nfs", "nfs4", "smb3", "ubifs", "virtiofs",
];

/// Returns the mounted file systems that can hold dirty pages, each of them once.
pub fn writing(host: &Host) -> Result<Vec<Writing>> {
    let known = host.file_systems()?;
    let has_device = |fs_type: &str| {
        known
            .iter()
            .any(|(name, device)| name == fs_type && *device)
    };
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for mount in host.mounts()? {
        let Some(attribution) = attribution(&mount, has_device) else {
            continue;
        };
        if seen.insert(mount.device) {
            found.push(Writing {
                point: mount.point,
                fs_type: mount.fs_type,
                attribution,
            });
        }
    }
    Ok(found)
}

/// Returns the attribution; `None` for file systems that are never written back: read-only and
/// pseudo file systems.
fn attribution(mount: &Mount, has_device: impl Fn(&str) -> bool) -> Option<Attribution> {
    let option = |wanted: &str| {
        let mut options = mount.options.as_bytes().split(|&byte| byte == b',');
        options.any(|option| option == wanted.as_bytes())
    };
    if option("ro") {
        return None;
    }
    // The type of a fuse file system may have a subtype after a dot.
    let fs_type = mount.fs_type.split('.').next().unwrap_or_default();
    match fs_type {
        "overlay" => Some(Attribution::Below),
        // With this option data is journaled as well, and the journal belongs to no cgroup.
        "ext3" | "ext4" if option("data=journal") => Some(Attribution::Forbidden("data=journal")),
        _ if ATTRIBUTING.contains(&fs_type) => Some(Attribution::Yes),
        _ if NETWORK.contains(&fs_type) || has_device(fs_type) => Some(Attribution::No),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types() {
        use Attribution::*;
        let table = [
            ("ext4", "rw", Some(Yes)),
            ("ext4", "rw,data=journal", Some(Forbidden("data=journal"))),
            ("ext4", "rw,data=ordered", Some(Yes)),
            ("ext4", "ro", None),
            ("ext2", "rw", Some(Yes)),
            ("xfs", "rw", Some(Yes)),
            ("btrfs", "rw", Some(Yes)),
            ("f2fs", "rw", Some(Yes)),
            ("vfat", "rw", Some(No)),
            ("nfs4", "rw", Some(No)),
            ("fuse.sshfs", "rw", Some(No)),
            ("overlay", "rw", Some(Below)),
            ("tmpfs", "rw", None),
            ("proc", "rw", None),
            ("", "", None),
        ];
        for (fs_type, options, expected) in table {
            let mount = Mount {
                device: "8:1".into(),
                root: "/".into(),
                point: "/mnt".into(),
                fs_type: fs_type.to_owned(),
                source: "none".into(),
                options: options.into(),
                memcg: None,
            };
            let device = |name: &str| ["ext4", "vfat"].contains(&name);
            assert_eq!(attribution(&mount, device), expected, "{fs_type} {options}");
        }
    }
}
