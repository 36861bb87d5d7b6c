// SPDX-License-Identifier: GPL-2.0

//! A line of `trace_pipe`: who, when, what.
//!
//! ```text
//!               dd-1234    [001] .....   123.456789: balance_dirty_pages: bdi 8:0: limit=100 … cgroup_ino=42
//! ```

use crate::page;
use std::str::FromStr;

/// What a line is.
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
    /// When, in microseconds of the trace's clock.
    pub time_usec: u64,
    /// The tracepoint's name.
    pub name: String,
    /// The inode number of the cgroup's directory.
    pub cgroup_ino: Option<u64>,
    /// What happened.
    pub what: What,
}

/// A wait of a writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// For how long, in microseconds.
    pub pause_usec: Option<u64>,
    /// Dirty bytes and those under writeback.
    pub dirty: Option<u64>,
    /// The limit that it waits for, if the kernel reports it.
    pub limit: Option<u64>,
    /// The number of dirty bytes from which writers wait, which is below the limit.
    pub stop: Option<u64>,
    /// The device, as `8:0`.
    pub bdi: Option<String>,
    /// The inode number of the cgroup whose limit it is, which may be an ancestor of the writer's.
    pub level_ino: Option<u64>,
}

/// The kind of event. Sizes are bytes; values that a tracepoint does not report are `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A writer was made to wait.
    Throttle(Throttle),
    /// A writer was looked at and let go.
    Passed,
    /// Pages of another cgroup are written back, because this one dirtied them.
    FlushForeign {
        /// The kernel's number of that cgroup.
        memcg_id: Option<u64>,
    },
    /// What another cgroup had inherited was charged to this one.
    Recharge {
        /// How much.
        bytes: Option<u64>,
        /// The inode number of the other.
        from_ino: Option<u64>,
    },
    /// What the task brought in was charged to this cgroup, which is not the task's own.
    Redirect {
        /// How much.
        bytes: Option<u64>,
        /// The errno, if it was refused.
        error: Option<i32>,
    },
    /// Writeback of this cgroup was held back, so that others get through.
    Paced {
        /// For how long, in microseconds.
        usec: Option<u64>,
        /// The device, as `8:0`.
        bdi: Option<String>,
    },
    /// Something else, as the kernel puts it.
    Other(String),
}

impl Line {
    /// Parse a line; `None` if it is neither.
    pub fn parse(line: &[u8]) -> Option<Self> {
        match lost(line) {
            Some(count) => Some(Self::Lost(count)),
            None => Event::parse(line).map(Self::Event),
        }
    }
}

/// `CPU:1 [LOST 123 EVENTS]`, or `CPU:1 [LOST EVENTS]` where the kernel has not counted them.
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
        // The name of a task may hold anything. But it is padded to 16, so that the hyphen behind it is known.
        let hyphens = line.iter().enumerate().filter(|(_, byte)| **byte == b'-');
        let mut places: Vec<_> = hyphens.map(|(place, _)| place).collect();
        places.sort_by_key(|place| *place != 16);
        places.into_iter().find_map(|place| {
            let (task, rest) = line.split_at_checked(place)?;
            Self::parse_behind(task, std::str::from_utf8(rest.get(1..)?).ok()?)
        })
    }

    /// `1234    [001] .....   123.456789: name: fields`, with `(  1230)` behind the number if that was asked for.
    fn parse_behind(task: &[u8], text: &str) -> Option<Self> {
        let (tid, text) = text.split_once(' ')?;
        let tid = tid.parse().ok()?;
        let mut text = text.trim_start();
        if let Some(tgid) = text.strip_prefix('(') {
            text = tgid.split_once(')')?.1.trim_start();
        }
        let (cpu, text) = text.strip_prefix('[')?.split_once(']')?;
        cpu.parse::<u32>().ok()?;
        // The flags are absent where the option irq-info is off.
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
            // A negative pause is by how much the task was slower than necessary.
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
                // A kernel that reports the one level only calls it the limit.
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

/// The value of `KEY=NUMBER`.
fn number<T: FromStr>(fields: &str, key: &str) -> Option<T> {
    let mut words = fields.split_whitespace();
    words.find_map(|word| word.strip_prefix(key)?.strip_prefix('=')?.parse().ok())
}

/// The errno in `err=-28`; none in `err=0`.
fn errno(fields: &str) -> Option<i32> {
    let result: i32 = number(fields, "err")?;
    result.checked_neg().filter(|errno| *errno > 0)
}

/// `bdi 8:0: …`
fn bdi(fields: &str) -> Option<String> {
    let (name, _) = fields.strip_prefix("bdi ")?.split_once(": ")?;
    Some(name.to_owned())
}

/// Seconds with six decimals.
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
