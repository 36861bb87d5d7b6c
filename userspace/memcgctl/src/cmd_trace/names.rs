// SPDX-License-Identifier: GPL-2.0

//! Cgroups by the inode numbers that tracepoints report.

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
    /// What was found, also of what has gone since: the kernel gives no number twice. `None` for what was looked for in
    /// vain.
    known: HashMap<u64, Option<Cgroup>>,
    looked: Option<Instant>,
    /// Whether the trace was saved: nothing in it is newer than the first search.
    saved: bool,
}

/// What an event's cgroups have to do with those of interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// One of them is of interest.
    Wanted,
    /// None is.
    Unwanted,
    /// Its name is unknown, because it was removed before it was looked up.
    Gone,
    /// It will be known after the next search.
    Later,
}

/// The least time between two searches.
const PATIENCE: Duration = Duration::from_secs(1);

/// More numbers that were looked for in vain are forgotten.
const VAIN: usize = 1 << 16;

impl Names {
    pub fn new(root: Cgroup, below: Option<Cgroup>, saved: bool) -> Self {
        Self {
            root,
            below,
            known: HashMap::new(),
            looked: None,
            saved,
        }
    }

    /// The path of a cgroup, if it is or was there.
    pub fn path(&mut self, ino: Option<u64>) -> Option<OsString> {
        self.cgroup(ino).map(Cgroup::path)
    }

    /// The cgroup of this number, if it is or was there.
    pub fn cgroup(&mut self, ino: Option<u64>) -> Option<&Cgroup> {
        let ino = ino?;
        if !self.known.contains_key(&ino) && self.is_due() {
            self.look();
        }
        self.known.get(&ino)?.as_ref()
    }

    /// Whether an event of these cgroups is of interest; with `now`, it is not put off.
    pub fn interest(&mut self, inos: [Option<u64>; 2], now: bool) -> Interest {
        let Some(below) = self.below.clone() else {
            return Interest::Wanted;
        };
        let unknown = |ino: &u64| !self.known.contains_key(ino);
        let unknown: Vec<u64> = inos.into_iter().flatten().filter(unknown).collect();
        if !unknown.is_empty() {
            match self.is_due() {
                false if self.saved => {}
                false if !now => return Interest::Later,
                _ => self.look(),
            }
            // What came to be before the search and was not found by it never will be.
            for ino in unknown {
                self.known.entry(ino).or_insert(None);
            }
        }
        let mut interest = Interest::Unwanted;
        for ino in inos.into_iter().flatten() {
            match self.known.get(&ino).and_then(Option::as_ref) {
                Some(cgroup) if cgroup.dir().starts_with(below.dir()) => return Interest::Wanted,
                Some(_) => {}
                None => interest = Interest::Gone,
            }
        }
        interest
    }

    fn is_due(&self) -> bool {
        let again = |looked: Instant| !self.saved && looked.elapsed() >= PATIENCE;
        self.looked.is_none_or(again)
    }

    /// Search all of them.
    fn look(&mut self) {
        self.looked = Some(Instant::now());
        if self.known.values().filter(|known| known.is_none()).count() > VAIN {
            self.known.retain(|_, known| known.is_some());
        }
        // What cannot be listed has no name, that is all.
        for (cgroup, _) in Walk::new(self.root.clone(), None).flatten() {
            if let Some(ino) = cgroup.inode() {
                self.known.insert(ino, Some(cgroup));
            }
        }
    }
}
