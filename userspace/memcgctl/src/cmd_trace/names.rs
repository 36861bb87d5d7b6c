// SPDX-License-Identifier: GPL-2.0

//! Cgroups by the inode numbers that tracepoints tell.

use memcgfs::Cgroup;
use memcgfs::Walk;
use std::collections::HashMap;
use std::ffi::OsString;
use std::time::Duration;
use std::time::Instant;

/// What is known of them. A number that is not known is looked for, but not over and over.
pub struct Names {
    root: Cgroup,
    /// Only this cgroup and those below it are of interest.
    below: Option<Cgroup>,
    known: HashMap<u64, Cgroup>,
    looked: Option<Instant>,
}

/// The least time between two searches.
const PATIENCE: Duration = Duration::from_secs(1);

impl Names {
    pub fn new(root: Cgroup, below: Option<Cgroup>) -> Self {
        Self {
            root,
            below,
            known: HashMap::new(),
            looked: None,
        }
    }

    /// The path of a cgroup, if it is there.
    pub fn path(&mut self, ino: Option<u64>) -> Option<OsString> {
        self.find(ino?).map(Cgroup::path)
    }

    /// Whether an event of this cgroup is of interest.
    pub fn is_wanted(&mut self, ino: Option<u64>) -> bool {
        let Some(below) = self.below.clone() else {
            return true;
        };
        let found = ino.and_then(|ino| self.find(ino));
        found.is_some_and(|cgroup| cgroup.dir().starts_with(below.dir()))
    }

    fn find(&mut self, ino: u64) -> Option<&Cgroup> {
        let recently = self
            .looked
            .is_some_and(|looked| looked.elapsed() < PATIENCE);
        if !self.known.contains_key(&ino) && !recently {
            self.looked = Some(Instant::now());
            self.known.clear();
            // What can not be listed has no name, that is all.
            for (cgroup, _) in Walk::new(self.root.clone(), None).flatten() {
                if let Some(ino) = cgroup.inode() {
                    self.known.insert(ino, cgroup);
                }
            }
        }
        self.known.get(&ino)
    }
}
