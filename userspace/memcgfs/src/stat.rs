// SPDX-License-Identifier: GPL-2.0

//! Flat keyed files: lines of a key and a number. Unknown keys are ignored, absent ones are `None`.

use crate::error::Error;
use crate::error::Result;
use crate::size::parse_bytes;
use crate::value::Limit;
use std::path::Path;

/// `memory.dirty_stat`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirtyStat {
    /// Dirty bytes of the subtree.
    pub dirty: Option<u64>,
    /// Bytes of the subtree under writeback.
    pub writeback: Option<u64>,
    /// The limit in force.
    pub limit: Option<Limit<u64>>,
    /// The background limit in force.
    pub background_limit: Option<Limit<u64>>,
    /// Time that writers waited, in microseconds; including waits in progress if `throttled_now` is
    /// reported.
    pub throttled_usec: Option<u64>,
    /// The number of waits.
    pub throttled_count: Option<u64>,
    /// The number of tasks waiting now.
    pub throttled_now: Option<u64>,
    /// The number of times that writeback was started.
    pub writeback_started: Option<u64>,
    /// The pace of writeback in force, in microseconds.
    pub pace_usec: Option<Limit<u64>>,
    /// Time that writeback was held back, in microseconds.
    pub paced_usec: Option<u64>,
}

/// The page cache in `memory.stat`, on every kernel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryStat {
    /// Bytes of page cache, including shared memory.
    pub file: Option<u64>,
    /// Bytes of shared memory.
    pub shmem: Option<u64>,
    /// Dirty bytes of page cache.
    pub file_dirty: Option<u64>,
    /// Bytes of page cache under writeback.
    pub file_writeback: Option<u64>,
    /// Bytes of page cache on the LRU lists.
    pub file_lru: Option<u64>,
}

/// `memory.recharge_stat`, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RechargeStat {
    /// Memory charged here that a removed cgroup left behind.
    pub inherited: Option<u64>,
    /// Memory moved here from a cgroup that had inherited it.
    pub recharged_in: Option<u64>,
    /// Memory moved from here to its users.
    pub recharged_out: Option<u64>,
    /// Memory that could not be moved to its users.
    pub recharge_failed: Option<u64>,
}

impl DirtyStat {
    /// Parses the content of a file; `path` is for messages.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let flat = Flat { path, text };
        Ok(Self {
            dirty: flat.number("dirty")?,
            writeback: flat.number("writeback")?,
            limit: flat.limit("limit")?,
            background_limit: flat.limit("background_limit")?,
            throttled_usec: flat.number("throttled_usec")?,
            throttled_count: flat.number("throttled_count")?,
            throttled_now: flat.number("throttled_now")?,
            writeback_started: flat.number("writeback_started")?,
            pace_usec: flat.limit("pace_usec")?,
            paced_usec: flat.number("paced_usec")?,
        })
    }
}

impl MemoryStat {
    /// Parses the content of a file; `path` is for messages.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let flat = Flat { path, text };
        Ok(Self {
            file: flat.number("file")?,
            shmem: flat.number("shmem")?,
            file_dirty: flat.number("file_dirty")?,
            file_writeback: flat.number("file_writeback")?,
            file_lru: match (flat.number("inactive_file")?, flat.number("active_file")?) {
                (Some(inactive), Some(active)) => Some(inactive.saturating_add(active)),
                _ => None,
            },
        })
    }
}

impl RechargeStat {
    /// Parses the content of a file; `path` is for messages.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let flat = Flat { path, text };
        Ok(Self {
            inherited: flat.number("inherited")?,
            recharged_in: flat.number("recharged_in")?,
            recharged_out: flat.number("recharged_out")?,
            recharge_failed: flat.number("recharge_failed")?,
        })
    }
}

/// Lines of a key and a number.
pub(crate) struct Flat<'a> {
    path: &'a Path,
    text: &'a str,
}

impl<'a> Flat<'a> {
    pub(crate) fn new(path: &'a Path, text: &'a str) -> Self {
        Self { path, text }
    }

    fn limit(&self, key: &str) -> Result<Option<Limit<u64>>> {
        for line in self.text.lines() {
            let Some((found, value)) = line.split_once(' ') else {
                continue;
            };
            if found == key {
                let bytes = parse_bytes(value.as_bytes()).map_err(|_| Error::Content {
                    path: self.path.to_owned(),
                    found: line.to_owned(),
                })?;
                return Ok(Some(bytes.into()));
            }
        }
        Ok(None)
    }

    pub(crate) fn number(&self, key: &str) -> Result<Option<u64>> {
        match self.limit(key)? {
            None => Ok(None),
            Some(Limit::At(number)) => Ok(Some(number)),
            Some(Limit::Max) => Err(Error::Content {
                path: self.path.to_owned(),
                found: format!("{key} max"),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dirty(text: &str) -> Result<DirtyStat> {
        DirtyStat::parse(Path::new("stat"), text)
    }

    #[test]
    fn whole() {
        let stat = dirty(
            "dirty 8192\nwriteback 4096\nlimit 67108864\nbackground_limit max\n\
             throttled_usec 12\nthrottled_count 3\nthrottled_now 2\nwriteback_started 1\npace_usec 25000\n\
             paced_usec 7\n",
        );
        assert_eq!(
            stat.unwrap(),
            DirtyStat {
                dirty: Some(8192),
                writeback: Some(4096),
                limit: Some(Limit::At(67108864)),
                background_limit: Some(Limit::Max),
                throttled_usec: Some(12),
                throttled_count: Some(3),
                throttled_now: Some(2),
                writeback_started: Some(1),
                pace_usec: Some(Limit::At(25_000)),
                paced_usec: Some(7),
            }
        );
    }

    #[test]
    fn recharge_stat() {
        let text = "inherited 4096\nrecharged_in 0\nrecharged_out 8192\n";
        assert_eq!(
            RechargeStat::parse(Path::new("stat"), text).unwrap(),
            RechargeStat {
                inherited: Some(4096),
                recharged_in: Some(0),
                recharged_out: Some(8192),
                recharge_failed: None,
            }
        );
    }

    #[test]
    fn absent_and_unknown_keys() {
        assert_eq!(dirty("").unwrap(), DirtyStat::default());
        let stat = dirty("dirty_more 7\nnonsense\ndirty 1\n").unwrap();
        assert_eq!(stat.dirty, Some(1));
        assert_eq!(stat.limit, None);
    }

    #[test]
    fn nonsense_is_named() {
        for text in [
            "dirty -1\n",
            "dirty \n",
            "dirty 1 2\n",
            "dirty 99999999999999999999\n",
            "dirty max\n",
        ] {
            let error = dirty(text).unwrap_err().to_string();
            assert!(
                error.starts_with("stat: not understood: \"dirty"),
                "{error}"
            );
        }
    }

    #[test]
    fn memory_stat() {
        let stat = MemoryStat::parse(
            Path::new("stat"),
            "anon 5\nfile_dirty 3\nfile_writeback 0\n",
        );
        let stat = stat.unwrap();
        assert_eq!((stat.file_dirty, stat.file_writeback), (Some(3), Some(0)));
    }
}
