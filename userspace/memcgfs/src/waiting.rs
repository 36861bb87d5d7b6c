// SPDX-License-Identifier: GPL-2.0

//! The tasks of a cgroup that currently wait for dirty limits, and since when there have been such
//! waits.

use crate::cgroup::Cgroup;
use crate::error::Result;
use crate::files;
use crate::host::Host;

/// A task that is waiting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its thread ID.
    pub tid: u32,
    /// Its name.
    pub name: String,
    /// The kernel function in which it waits.
    pub place: String,
}

/// The maximum number of tasks that are examined.
const MOST: usize = 10_000;

/// The functions in which writers wait: the kernel's own throttling, and that of the patch series.
const PLACES: [&str; 2] = ["balance_dirty_pages", "memcg_dirty_"];

/// A function with a similar name, in which writers to memory.dirty_writeback wait.
const FLUSHING: &str = "memcg_dirty_writeback";

fn is_throttled(place: &str) -> bool {
    !place.contains(FLUSHING) && PLACES.iter().any(|known| place.contains(known))
}

/// Returns the tasks of the cgroup and its descendants that wait for dirty limits. Tasks that may
/// not be examined, or that exit meanwhile, are left out.
pub fn waiting(host: &Host, cgroup: &Cgroup) -> Result<Vec<Waiting>> {
    let mut found = Vec::new();
    let mut left = MOST;
    let mut queue = vec![cgroup.clone()];
    while let Some(cgroup) = queue.pop() {
        for tid in cgroup.threads().unwrap_or_default() {
            if left == 0 {
                return Ok(found);
            }
            left -= 1;
            let place = files::read(&host.proc(&format!("{tid}/wchan")));
            let Ok(Some(place)) = place else { continue };
            let place = place.trim();
            if is_throttled(place) {
                found.push(Waiting {
                    tid,
                    name: host.task_name(tid).unwrap_or_default(),
                    place: place.to_owned(),
                });
            }
        }
        queue.extend(cgroup.children()?);
    }
    found.sort_by_key(|task| task.tid);
    Ok(found)
}

/// The share of time in which some task of a cgroup was stalled on I/O, in hundredths of a percent,
/// averaged over three spans. Waiting for a dirty limit counts as a stall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pressure {
    /// Over ten seconds.
    pub avg10: u32,
    /// Over a minute.
    pub avg60: u32,
    /// Over five minutes.
    pub avg300: u32,
}

/// How long there has been pressure, as far as three averages show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// There is hardly any.
    Never,
    /// For less than a minute.
    Seconds,
    /// For a minute or two.
    Minute,
    /// For several minutes.
    Minutes,
}

impl Pressure {
    /// Reads the pressure; `None` if the kernel does not report it.
    pub fn read(cgroup: &Cgroup) -> Result<Option<Self>> {
        // If it was disabled, the file may exist but fail to open.
        Ok(cgroup
            .pressure("io")
            .ok()
            .flatten()
            .and_then(|text| Self::parse(&text)))
    }

    /// Parses `some avg10=1.23 avg60=0.50 avg300=0.10 total=12345` and similar lines.
    pub fn parse(text: &str) -> Option<Self> {
        let line = text.lines().find_map(|line| line.strip_prefix("some "))?;
        let average = |key: &str| {
            let mut words = line.split_whitespace();
            let number = words.find_map(|word| word.strip_prefix(key)?.strip_prefix('='))?;
            let (whole, hundredths) = number.split_once('.')?;
            let whole: u32 = whole.parse().ok()?;
            let hundredths: u32 = hundredths.parse().ok().filter(|part| *part < 100)?;
            whole.checked_mul(100)?.checked_add(hundredths)
        };
        Some(Self {
            avg10: average("avg10")?,
            avg60: average("avg60")?,
            avg300: average("avg300")?,
        })
    }

    /// Estimates how long there has been pressure. Pressure that began t seconds ago shows up in an
    /// average over n seconds as 1 - exp(-t/n) of its strength, so an average that is far below
    /// that over ten seconds shows that the pressure has not lasted long.
    pub fn since(&self) -> Since {
        match self {
            Self { avg10, .. } if *avg10 < 100 => Since::Never,
            Self { avg10, avg60, .. } if *avg60 < avg10 / 3 => Since::Seconds,
            Self { avg10, avg300, .. } if *avg300 < avg10 / 3 => Since::Minute,
            _ => Since::Minutes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let table = [
            ("balance_dirty_pages", true),
            ("balance_dirty_pages_ratelimited_flags", true),
            ("memcg_dirty_wait", true),
            ("memcg_dirty_pass.isra.0", true),
            ("memcg_dirty_writeback", false),
            ("folio_wait_bit_common", false),
            ("0", false),
        ];
        for (place, throttled) in table {
            assert_eq!(is_throttled(place), throttled, "{place}");
        }
    }

    #[test]
    fn pressure() {
        let parse = |avg10: &str, avg60: &str, avg300: &str| {
            Pressure::parse(&format!(
                "some avg10={avg10} avg60={avg60} avg300={avg300} total=5\nfull avg10=0.00\n"
            ))
        };
        let table = [
            ("0.00", "0.00", "0.00", Since::Never),
            ("80.10", "20.00", "5.00", Since::Seconds),
            ("80.10", "60.00", "20.00", Since::Minute),
            ("80.10", "80.00", "79.99", Since::Minutes),
            ("100.00", "100.00", "100.00", Since::Minutes),
        ];
        for (avg10, avg60, avg300, since) in table {
            assert_eq!(parse(avg10, avg60, avg300).unwrap().since(), since);
        }
        for (avg10, avg60) in [
            ("1", "0.0"),
            ("-1.00", "0.00"),
            ("1.100", "0.00"),
            ("x", "y"),
        ] {
            assert_eq!(parse(avg10, avg60, "0.00"), None);
        }
        assert_eq!(Pressure::parse(""), None);
    }
}
