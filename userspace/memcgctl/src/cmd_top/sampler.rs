// SPDX-License-Identifier: GPL-2.0

//! Looking at a thousand cgroups over and over, at little cost: one file of each cgroup at each look, and their
//! directories only when there are more or fewer than before, or now and then.

use memcgfs::Cgroup;
use memcgfs::Limit;
use memcgfs::Usage;
use memcgfs::Walk;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

/// A cgroup's line. The lines are in the order of the tree, each before those below it.
#[derive(Clone, Debug)]
pub struct Row {
    /// The cgroup.
    pub cgroup: Cgroup,
    /// How far it is below the top.
    pub depth: usize,
    /// What it holds.
    pub usage: Usage,
    /// How long its writers waited, in microseconds of all of them for each second.
    pub wait: Option<u64>,
    /// How often they did, in thousandths for each second.
    pub waits: Option<u64>,
    /// Bytes inherited from removed cgroups, where somebody asked for it.
    pub inherited: Option<u64>,
    /// When it was looked at.
    at: Instant,
}

impl Row {
    /// How full the limit is, in thousandths.
    pub fn used(&self) -> Option<u64> {
        let limit = self.usage.limit.and_then(Limit::at)?;
        let used = u128::from(self.usage.held()?) * 1000 / u128::from(limit.max(1));
        u64::try_from(used).ok()
    }
}

/// What keeps looking.
pub struct Sampler {
    top: Cgroup,
    rows: Vec<Row>,
    /// How many cgroups the kernel told of when they were listed.
    descendants: Option<u64>,
    /// How many looks ago that was.
    age: u32,
    /// How many could not be listed, so that what is below them is not shown.
    unlisted: usize,
    /// How many could not be read at the last look, or not be listed.
    pub unreadable: usize,
}

/// The cgroups are listed again after so many looks at the latest: one may have come when another went.
const OLD: u32 = 10;

impl Sampler {
    pub fn new(top: Cgroup) -> Self {
        Self {
            top,
            rows: Vec::new(),
            descendants: None,
            age: OLD,
            unlisted: 0,
            unreadable: 0,
        }
    }

    /// The rows of the last look.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Look at all of them.
    pub fn look(&mut self) {
        let descendants = self.top.descendants().ok().flatten();
        self.age += 1;
        if self.age > OLD || descendants != self.descendants {
            self.list();
            self.descendants = descendants;
            self.age = 0;
        }
        let mut unreadable = 0;
        let before = self.rows.len();
        self.rows.retain_mut(|row| match Usage::read(&row.cgroup) {
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
        });
        self.unreadable = unreadable + self.unlisted;
        if self.rows.len() != before {
            // Where one went others may have come.
            self.age = OLD;
        }
    }

    fn list(&mut self) {
        let mut known: HashMap<PathBuf, Row> = self
            .rows
            .drain(..)
            .map(|row| (row.cgroup.dir().to_owned(), row))
            .collect();
        self.unlisted = 0;
        for found in Walk::new(self.top.clone(), None) {
            // What can not be listed is there, but not what is below it.
            let Ok((cgroup, depth)) = found else {
                self.unlisted += 1;
                continue;
            };
            let row = known.remove(cgroup.dir()).unwrap_or_else(|| Row {
                cgroup,
                depth,
                usage: Usage::default(),
                wait: None,
                waits: None,
                inherited: None,
                at: Instant::now(),
            });
            self.rows.push(row);
        }
    }

    /// Read what was inherited, for these rows only: it takes a file more.
    pub fn read_inherited(&mut self, indices: impl IntoIterator<Item = usize>) {
        for index in indices {
            if let Some(row) = self.rows.get_mut(index) {
                let stat = row.cgroup.recharge_stat().ok().flatten();
                row.inherited = stat.and_then(|stat| stat.inherited);
            }
        }
    }
}

impl Row {
    fn renew(&mut self, usage: Usage) {
        let now = Instant::now();
        let time = now.duration_since(self.at);
        self.wait = rate(self.usage.throttled_usec, usage.throttled_usec, 1, time);
        self.waits = rate(
            self.usage.throttled_count,
            usage.throttled_count,
            1000,
            time,
        );
        self.usage = usage;
        self.at = now;
    }
}

/// By how much of a `unit`-th a counter grew in a second.
fn rate(before: Option<u64>, after: Option<u64>, unit: u32, time: Duration) -> Option<u64> {
    let more = u128::from(after?.saturating_sub(before?)) * u128::from(unit) * 1_000_000;
    u64::try_from(more / time.as_micros().max(1)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        let second = Duration::from_secs(1);
        assert_eq!(rate(Some(5), Some(7), 1000, second * 4), Some(500));
        assert_eq!(rate(Some(7), Some(5), 1000, second), Some(0));
        assert_eq!(rate(None, Some(5), 1, second), None);
        assert_eq!(rate(Some(0), Some(u64::MAX), 1, Duration::ZERO), None);
    }
}
