// SPDX-License-Identifier: GPL-2.0

//! The files that cgroups of this node have. A runtime fails to start a container if it is told to
//! write to a missing file, so the plugin only uses existing ones.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// The mount point of cgroup2, also in a container.
const MOUNT: &str = "/sys/fs/cgroup";

/// A cgroup that has the files that every cgroup has; if it is the root, its children have them.
#[derive(Clone, Debug)]
pub struct Kernel {
    cgroup: PathBuf,
}

impl Kernel {
    /// Uses the cgroup of this process. Files come and go with the module, so they are checked each
    /// time.
    pub fn here() -> Self {
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let path = own.lines().find_map(|line| line.strip_prefix("0::/"));
        Self::of(Path::new(MOUNT).join(path.unwrap_or_default()))
    }

    /// Uses the cgroup of this directory.
    pub fn of(cgroup: PathBuf) -> Self {
        Self { cgroup }
    }

    /// Returns whether cgroups have this file now.
    pub fn has(&self, file: &str) -> bool {
        self.cgroup.join(file).exists()
            || fs::read_dir(&self.cgroup).is_ok_and(|entries| {
                let mut children = entries.filter_map(Result::ok);
                children.any(|child| child.path().join(file).exists())
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_cgroup_and_of_those_in_the_root() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("system.slice");
        fs::create_dir(&inner).unwrap();
        fs::write(root.path().join("cgroup.procs"), "").unwrap();
        let (of_root, of_inner) = (
            Kernel::of(root.path().to_owned()),
            Kernel::of(inner.clone()),
        );
        assert!(!of_root.has("memory.dirty_min") && !of_inner.has("memory.dirty_min"));
        fs::write(inner.join("memory.dirty_min"), "0\n").unwrap();
        assert!(of_root.has("memory.dirty_min") && of_inner.has("memory.dirty_min"));
    }
}
