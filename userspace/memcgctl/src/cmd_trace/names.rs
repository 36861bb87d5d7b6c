// SPDX-License-Identifier: GPL-2.0

//! Lookup of cgroups by the inode numbers that tracepoints report.

use memcgfs::Cgroup;
use memcgfs::Walk;
use std::collections::HashMap;
use std::ffi::OsString;
use std::time::Duration;
use std::time::Instant;

/// The known cgroups. An unknown number is searched for, but not over and over.
pub struct Names {
    root: Cgroup,
    /// Only this cgroup and its descendants are of interest.
    below: Option<Cgroup>,
    /// The cgroups found, including removed ones, as the kernel does not reuse numbers; `None` if
    /// the search failed.
    known: HashMap<u64, Option<Cgroup>>,
    looked: Option<Instant>,
    /// Whether the trace was saved: it contains nothing newer than the first search.
    saved: bool,
}

/// Whether an event's cgroups are of interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// At least one of them is of interest.
    Wanted,
    /// None of them is of interest.
    Unwanted,
    /// The name is unknown, because the cgroup was removed before it was looked up.
    Gone,
    /// This will be known after the next search.
    Later,
}

/// The minimum time between two searches.
const PATIENCE: Duration = Duration::from_secs(1);

/// If there are more failed searches than this, they are forgotten.
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

    /// Returns the path of a cgroup, if it is known.
    pub fn path(&mut self, ino: Option<u64>) -> Option<OsString> {
        self.cgroup(ino).map(Cgroup::path)
    }

    /// Returns the cgroup of this number, if it is known.
    pub fn cgroup(&mut self, ino: Option<u64>) -> Option<&Cgroup> {
        let ino = ino?;
        if !self.known.contains_key(&ino) && self.is_due() {
            self.look();
        }
        self.known.get(&ino)?.as_ref()
    }

    /// Returns whether an event of these cgroups is of interest; with `now`, the decision is not
    /// postponed.
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
            // A cgroup that existed before the search, but was not found, never will be.
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

    /// Searches all cgroups.
    fn look(&mut self) {
        self.looked = Some(Instant::now());
        if self.known.values().filter(|known| known.is_none()).count() > VAIN {
            self.known.retain(|_, known| known.is_some());
        }
        // Cgroups that cannot be listed remain unknown.
        for (cgroup, _) in Walk::new(self.root.clone(), None).flatten() {
            if let Some(ino) = cgroup.inode() {
                self.known.insert(ino, Some(cgroup));
            }
        }
    }
}
