// SPDX-License-Identifier: GPL-2.0

//! Continuous sampling of thousands of cgroups at little cost: each sample reads one file of each
//! cgroup. Directories and settings are read only when the number of cgroups changes, and
//! periodically.

use super::row::Row;
use memcgfs::derivation::grants;
use memcgfs::derivation::Listing;
use memcgfs::derivation::State;
use memcgfs::derivation::SystemLevel;
use memcgfs::system::System;
use memcgfs::Cgroup;
use memcgfs::Host;
use memcgfs::Usage;
use memcgfs::Walk;
use std::collections::HashMap;
use std::path::PathBuf;

/// The sampler.
pub struct Sampler {
    host: Host,
    top: Cgroup,
    /// The ancestors of the top without the root, topmost first.
    above: Vec<Row>,
    /// The rows in tree order, parents first.
    rows: Vec<Row>,
    /// The system's figures at the last sample.
    system: Option<SystemLevel>,
    /// The number of the top's descendants at the last listing, if the kernel reports it.
    descendants: Option<u64>,
    /// The number of samples since the last listing.
    age: u32,
    /// The number of cgroups that could not be listed, so that their descendants are missing.
    unlisted: usize,
    /// The number of cgroups that could not be read or listed at the last sample.
    pub unreadable: usize,
}

/// The cgroups are listed again after at most this many samples: one may have been created while
/// another was removed.
const OLD: u32 = 10;

impl Sampler {
    pub fn new(host: Host, top: Cgroup) -> Self {
        let above = std::iter::successors(top.parent(), Cgroup::parent);
        let above = above.filter(|cgroup| !cgroup.is_root());
        let mut above: Vec<_> = above.map(|cgroup| Row::new(cgroup, 0)).collect();
        above.reverse();
        Self {
            host,
            top,
            above,
            rows: Vec::new(),
            system: None,
            descendants: None,
            age: OLD,
            unlisted: 0,
            unreadable: 0,
        }
    }

    /// Returns the rows of the last sample.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Returns the system's figures at the last sample.
    pub fn system(&self) -> Option<&SystemLevel> {
        self.system.as_ref()
    }

    /// Takes a sample of all cgroups.
    pub fn look(&mut self) {
        let descendants = self.top.descendants().ok().flatten();
        self.age += 1;
        let is_listed = self.age > OLD || descendants != self.descendants;
        if is_listed {
            self.list();
            self.descendants = descendants;
            self.age = 0;
        }
        let mut listing = Listing::new(&self.host, &self.top).unwrap_or_default();
        self.system = listing.system().cloned().map(SystemLevel::new);
        for row in &mut self.above {
            // Use a separate listing, because the existing one starts further down.
            let usage = Listing::new(&self.host, &row.cgroup)
                .and_then(|mut listing| Usage::read(&row.cgroup, 0, &mut listing));
            row.renew(usage.ok().flatten().unwrap_or_default());
        }
        let mut unreadable = 0;
        let before = self.rows.len();
        self.rows.retain_mut(
            |row| match Usage::read(&row.cgroup, row.depth, &mut listing) {
                Ok(Some(usage)) => {
                    row.renew(usage);
                    true
                }
                Ok(None) => false,
                Err(_) => {
                    unreadable += 1;
                    row.renew(Usage::default());
                    true
                }
            },
        );
        self.unreadable = unreadable + self.unlisted;
        if self.rows.len() != before {
            // Where a cgroup vanished, others may have been created.
            self.age = OLD;
        }
        self.renew_settings(is_listed, listing.system());
        self.renew_states();
    }

    fn list(&mut self) {
        let mut known: HashMap<PathBuf, Row> = self
            .rows
            .drain(..)
            .map(|row| (row.cgroup.dir().to_owned(), row))
            .collect();
        self.unlisted = 0;
        for found in Walk::new(self.top.clone(), None) {
            // A cgroup that cannot be listed is shown without its descendants.
            let Ok((cgroup, depth)) = found else {
                self.unlisted += 1;
                continue;
            };
            let row = known.remove(cgroup.dir());
            self.rows
                .push(row.unwrap_or_else(|| Row::new(cgroup, depth)));
        }
    }

    /// Reads the settings of rows that are due, and updates the limits that follow from them.
    fn renew_settings(&mut self, all: bool, system: Option<&System>) {
        let mut any = all;
        for row in self.above.iter_mut().chain(&mut self.rows) {
            if all || row.is_outdated() {
                row.read_settings();
                any = true;
            }
        }
        if !any {
            return;
        }
        let of_top = grants::of_top(&self.host, system, &self.top).unwrap_or(0);
        let asked: Vec<_> = self
            .rows
            .iter()
            .map(|row| (row.depth, row.settings.asked))
            .collect();
        for (row, granted) in self.rows.iter_mut().zip(grants::grants(of_top, &asked)) {
            row.settings.granted = granted;
        }
    }

    /// Updates the state of writers, which are subject to the limits of their cgroup, of its
    /// ancestors, and of the system unless there is a floor.
    fn renew_states(&mut self) {
        let system = self.system.as_ref().map(SystemLevel::state);
        let mut worst: Option<State> = None;
        for row in &mut self.above {
            worst = worst.max(row.own_state());
            row.state = worst;
        }
        // For each level, the worst state of the ancestors so far, and whether there is a floor.
        let mut above: Vec<(Option<State>, bool)> = Vec::new();
        for row in &mut self.rows {
            above.truncate(row.depth);
            let (worst, floor) = above.last().copied().unwrap_or((worst, false));
            let floor = floor || row.is_below_floor();
            if row.cgroup.is_root() {
                // The root has the system-wide limit, which applies to its descendants on other
                // terms.
                row.state = system;
                above.push((None, false));
                continue;
            }
            let worst = worst.max(row.own_state());
            row.state = match floor {
                true => worst,
                // Without a known limit, no state can be derived.
                false => worst.and(worst.max(system)),
            };
            above.resize(row.depth, (worst, floor));
            above.push((worst, floor));
        }
    }

    /// Reads the inherited memory of these rows only, as it takes another file.
    pub fn read_inherited(&mut self, indices: impl IntoIterator<Item = usize>) {
        for index in indices {
            if let Some(row) = self.rows.get_mut(index) {
                let stat = row.cgroup.recharge_stat().ok().flatten();
                row.inherited = stat.and_then(|stat| stat.inherited);
            }
        }
    }
}
