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
    /// So many events were lost, because nobody read them in time; `None` where the kernel does not tell how many.
    Lost(Option<u64>),
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The name of the task, with what is not UTF-8 replaced.
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

/// What happened. Sizes are bytes; what a tracepoint does not tell is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A writer was made to wait.
    Throttle {
        /// For how long, in microseconds.
        pause_usec: Option<u64>,
        /// Dirty bytes and those under writeback.
        dirty: Option<u64>,
        /// The limit that it was held to.
        limit: Option<u64>,
        /// The device, as `8:0`.
        bdi: Option<String>,
        /// The inode number of the cgroup whose limit it is, which may be above the writer's.
        level_ino: Option<u64>,
    },
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
            // A pause that is negative tells how much better than needed the task was.
            "balance_dirty_pages" => match number::<u64>(fields, "pause") {
                None | Some(0) => Self::Passed,
                Some(millis) => Self::Throttle {
                    pause_usec: Some(millis.saturating_mul(1000)),
                    dirty: pages("dirty"),
                    limit: pages("limit"),
                    bdi: bdi(fields),
                    level_ino: None,
                },
            },
            "memcg_dirty_throttle" => Self::Throttle {
                pause_usec: number(fields, "usec"),
                dirty: pages("dirty"),
                limit: pages("limit"),
                bdi: bdi(fields),
                level_ino: number(fields, "level_ino"),
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
mod tests {
    use super::*;

    fn event(line: &[u8]) -> Option<Event> {
        match Line::parse(line)? {
            Line::Event(event) => Some(event),
            Line::Lost(_) => None,
        }
    }

    const FIELDS: &str = "bdi 8:0: limit=100 setpoint=5 dirty=90 wb_setpoint=1 wb_dirty=1 dirty_ratelimit=1 \
                          task_ratelimit=1 dirtied=1 dirtied_pause=1 paused=3 pause=12 period=15 think=0 cgroup_ino=42";

    #[test]
    fn a_throttle() {
        let line = format!(
            "              dd-1234    [001] .....   123.456789: balance_dirty_pages: {FIELDS}"
        );
        assert_eq!(
            event(line.as_bytes()).unwrap(),
            Event {
                task: "dd".to_owned(),
                tid: 1234,
                time_usec: 123_456_789,
                name: "balance_dirty_pages".to_owned(),
                cgroup_ino: Some(42),
                what: What::Throttle {
                    pause_usec: Some(12_000),
                    dirty: Some(90 * 4096),
                    limit: Some(100 * 4096),
                    bdi: Some("8:0".to_owned()),
                    level_ino: None,
                },
            }
        );
        for pause in ["pause=0", "pause=-3"] {
            let line = line.replace("pause=12", pause);
            assert_eq!(event(line.as_bytes()).unwrap().what, What::Passed);
        }
    }

    #[test]
    fn of_the_series() {
        let table = [
            (
                "memcg_dirty_throttle: bdi 254:0: dirty=16000 limit=16384 usec=2500 level_ino=7 cgroup_ino=42",
                What::Throttle {
                    pause_usec: Some(2500),
                    dirty: Some(16000 * 4096),
                    limit: Some(64 << 20),
                    bdi: Some("254:0".to_owned()),
                    level_ino: Some(7),
                },
            ),
            (
                "memcg_recharge: pages=3 from_ino=7 cgroup_ino=42",
                What::Recharge {
                    bytes: Some(3 * 4096),
                    from_ino: Some(7),
                },
            ),
            (
                "memcg_redirect: pages=512 err=0 cgroup_ino=42",
                What::Redirect {
                    bytes: Some(2 << 20),
                    error: None,
                },
            ),
            (
                "memcg_redirect: pages=1 err=-28 cgroup_ino=42",
                What::Redirect {
                    bytes: Some(4096),
                    error: Some(28),
                },
            ),
            (
                "memcg_redirect: pages=x err=-2147483648 cgroup_ino=42",
                What::Redirect {
                    bytes: None,
                    error: None,
                },
            ),
        ];
        for (text, what) in table {
            let line = format!("              dd-1234    [001] .....   123.456789: {text}");
            let event = event(line.as_bytes()).unwrap();
            assert_eq!((event.cgroup_ino, event.what), (Some(42), what), "{text}");
        }
    }

    #[test]
    fn odd_tasks() {
        for task in [
            "a-1 [0] x",
            "- - - -",
            "kworker/u8:1-ev",
            "a: b: c",
            "<...>",
            "(sd-pam)",
        ] {
            let line = format!("{task:>16}-7       [000] d..2.     1.000002: flush_foreign: bdi 8:0: cgroup_ino=5 frn_bdi_id=1 frn_memcg_id=9");
            let event = event(line.as_bytes()).unwrap();
            assert_eq!((event.task.as_str(), event.tid), (task, 7), "{line}");
            assert_eq!(event.what, What::FlushForeign { memcg_id: Some(9) });
        }
        let line = b"           raw\xff\xfe-7 (      5) [000]     1.000002: memcg_other: cgroup_ino=5 pages=3";
        let event = event(line).unwrap();
        assert_eq!(event.task, "raw\u{fffd}\u{fffd}");
        assert_eq!(event.what, What::Other("cgroup_ino=5 pages=3".to_owned()));
    }

    #[test]
    fn neither() {
        assert_eq!(
            Line::parse(b"CPU:3 [LOST 17 EVENTS]"),
            Some(Line::Lost(Some(17)))
        );
        assert_eq!(Line::parse(b"CPU:3 [LOST EVENTS]"), Some(Line::Lost(None)));
        for line in [
            &b""[..],
            b"# tracer: nop",
            b"CPU:3 [LOST many EVENTS]",
            b"              dd-1234",
            b"              dd-1234    [001]",
            b"              dd-1234    [001] ..... 1.5: x: y",
            b"              dd-1234    [001] ..... 1.000000: x y",
            b"----------------",
            b"\xff-\xff",
        ] {
            assert_eq!(Line::parse(line), None, "{line:?}");
        }
    }
}
