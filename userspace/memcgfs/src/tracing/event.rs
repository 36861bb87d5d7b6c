// SPDX-License-Identifier: GPL-2.0

//! A line of `trace_pipe`: task, time and event.
//!
//! ```text
//!               dd-1234    [001] .....   123.456789: balance_dirty_pages: bdi 8:0: limit=100 … cgroup_ino=42
//! ```

use crate::page;
use std::str::FromStr;

/// The content of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// An event.
    Event(Event),
    /// Events were lost because they were not read in time; `None` if the kernel does not report how many.
    Lost(Option<u64>),
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The name of the task, with invalid UTF-8 replaced.
    pub task: String,
    /// Its thread ID.
    pub tid: u32,
    /// The time, in microseconds of the trace clock.
    pub time_usec: u64,
    /// The tracepoint's name.
    pub name: String,
    /// The inode number of the cgroup's directory.
    pub cgroup_ino: Option<u64>,
    /// What happened.
    pub what: What,
}

/// A writer that was made to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// The duration, in microseconds.
    pub pause_usec: Option<u64>,
    /// Dirty bytes and bytes under writeback.
    pub dirty: Option<u64>,
    /// The limit that it waits for, if the kernel reports it.
    pub limit: Option<u64>,
    /// The number of dirty bytes from which writers wait, which is below the limit.
    pub stop: Option<u64>,
    /// The device, such as `8:0`.
    pub bdi: Option<String>,
    /// The inode number of the cgroup that has the limit, which may be an ancestor of the writer's.
    pub level_ino: Option<u64>,
}

/// The kind of event. Sizes are bytes; values that a tracepoint does not report are `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A writer was made to wait.
    Throttle(Throttle),
    /// A writer was checked and may continue.
    Passed,
    /// Pages in another cgroup's inodes are written back, because this cgroup dirtied them.
    FlushForeign {
        /// The kernel's ID of that cgroup.
        memcg_id: Option<u64>,
    },
    /// Memory that another cgroup had inherited was recharged to this one.
    Recharge {
        /// The amount.
        bytes: Option<u64>,
        /// The inode number of the other cgroup.
        from_ino: Option<u64>,
    },
    /// Memory that the task brought in was charged to this cgroup, which is not the task's own.
    Redirect {
        /// The amount.
        bytes: Option<u64>,
        /// The errno, if the charge failed.
        error: Option<i32>,
    },
    /// Writeback of this cgroup was held back in favor of other I/O.
    Paced {
        /// The duration, in microseconds.
        usec: Option<u64>,
        /// The device, such as `8:0`.
        bdi: Option<String>,
    },
    /// Another event, in the kernel's format.
    Other(String),
}

impl Line {
    /// Parses a line; `None` if it is neither an event nor a report of lost ones.
    pub fn parse(line: &[u8]) -> Option<Self> {
        match lost(line) {
            Some(count) => Some(Self::Lost(count)),
            None => Event::parse(line).map(Self::Event),
        }
    }
}

/// Parses `CPU:1 [LOST 123 EVENTS]`, or `CPU:1 [LOST EVENTS]` if the kernel did not count them.
fn lost(line: &[u8]) -> Option<Option<u64>> {
    let text = std::str::from_utf8(line).ok()?.trim();
    let (_, text) = text.strip_prefix("CPU:")?.split_once(" [LOST ")?;
    match text {
        "EVENTS]" => Some(None),
        _ => Some(Some(text.strip_suffix(" EVENTS]")?.parse().ok()?)),
    }
}

impl Event {
    fn parse(line: &[u8]) -> Option<Self> {
        // The name of a task may contain anything, but is padded to 16 characters, which gives the
        // position of the hyphen after it.
        let hyphens = line.iter().enumerate().filter(|(_, byte)| **byte == b'-');
        let mut places: Vec<_> = hyphens.map(|(place, _)| place).collect();
        places.sort_by_key(|place| *place != 16);
        places.into_iter().find_map(|place| {
            let (task, rest) = line.split_at_checked(place)?;
            Self::parse_behind(task, std::str::from_utf8(rest.get(1..)?).ok()?)
        })
    }

    /// Parses `1234    [001] .....   123.456789: name: fields`, with `(  1230)` after the number if
    /// that option is on.
    fn parse_behind(task: &[u8], text: &str) -> Option<Self> {
        let (tid, text) = text.split_once(' ')?;
        let tid = tid.parse().ok()?;
        let mut text = text.trim_start();
        if let Some(tgid) = text.strip_prefix('(') {
            text = tgid.split_once(')')?.1.trim_start();
        }
        let (cpu, text) = text.strip_prefix('[')?.split_once(']')?;
        cpu.parse::<u32>().ok()?;
        // The flags are absent if the option irq-info is off.
        let mut words = text.trim_start().splitn(2, ": ");
        let time = words.next()?.split_whitespace().last()?;
        let (name, fields) = words.next()?.split_once(':')?;
        if name.is_empty() || name.contains(' ') {
            return None;
        }
        let fields = fields.trim();
        Some(Self {
            task: String::from_utf8_lossy(task).trim_start().to_owned(),
            tid,
            time_usec: micros(time)?,
            name: name.to_owned(),
            cgroup_ino: number(fields, "cgroup_ino"),
            what: What::parse(name, fields),
        })
    }
}

impl What {
    fn parse(name: &str, fields: &str) -> Self {
        let pages = |key| number(fields, key).map(page::bytes);
        match name {
            // A negative pause is the time by which the task was slower than necessary.
            "balance_dirty_pages" => match number::<u64>(fields, "pause") {
                None | Some(0) => Self::Passed,
                Some(millis) => Self::Throttle(Throttle {
                    pause_usec: Some(millis.saturating_mul(1000)),
                    dirty: pages("dirty"),
                    limit: pages("limit"),
                    stop: None,
                    bdi: bdi(fields),
                    level_ino: None,
                }),
            },
            "memcg_dirty_throttle" => {
                // Kernels that report only one level call it the limit.
                let (limit, stop) = match pages("stop") {
                    None => (None, pages("limit")),
                    stop => (pages("limit"), stop),
                };
                Self::Throttle(Throttle {
                    pause_usec: number(fields, "usec"),
                    dirty: pages("dirty"),
                    limit,
                    stop,
                    bdi: bdi(fields),
                    level_ino: number(fields, "level_ino"),
                })
            }
            "memcg_dirty_paced" => Self::Paced {
                usec: number(fields, "usec"),
                bdi: bdi(fields),
            },
            "memcg_recharge" => Self::Recharge {
                bytes: pages("pages"),
                from_ino: number(fields, "from_ino"),
            },
            "memcg_redirect" => Self::Redirect {
                bytes: pages("pages"),
                error: errno(fields),
            },
            "flush_foreign" => Self::FlushForeign {
                memcg_id: number(fields, "frn_memcg_id"),
            },
            _ => Self::Other(fields.to_owned()),
        }
    }
}

/// Returns the value of `KEY=NUMBER`.
fn number<T: FromStr>(fields: &str, key: &str) -> Option<T> {
    let mut words = fields.split_whitespace();
    words.find_map(|word| word.strip_prefix(key)?.strip_prefix('=')?.parse().ok())
}

/// Returns the errno in `err=-28`; none for `err=0`.
fn errno(fields: &str) -> Option<i32> {
    let result: i32 = number(fields, "err")?;
    result.checked_neg().filter(|errno| *errno > 0)
}

/// `bdi 8:0: …`
fn bdi(fields: &str) -> Option<String> {
    let (name, _) = fields.strip_prefix("bdi ")?.split_once(": ")?;
    Some(name.to_owned())
}

/// Parses seconds with six decimals.
fn micros(time: &str) -> Option<u64> {
    let (seconds, micros) = time.split_once('.')?;
    if micros.len() != 6 {
        return None;
    }
    let seconds: u64 = seconds.parse().ok()?;
    let micros: u64 = micros.parse().ok()?;
    seconds.checked_mul(1_000_000)?.checked_add(micros)
}

#[cfg(test)]
mod tests;
