// SPDX-License-Identifier: GPL-2.0

//! A sample as a line of a recording, in JSON: only the cgroups that changed, and periodically all of them.

use crate::cmd_top::row::Row;
use crate::cmd_top::sampler::Sampler;
use crate::cmd_top::source::SystemFigures;
use memcgfs::derivation::State;
use memcgfs::escaped;
use memcgfs::Limit;
use memcgfs::Usage;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

/// The version of the format.
const VERSION: u32 = 1;

/// The maximum number of samples that must be replayed to show one.
const WHOLE: u32 = 64;

/// A sample.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Frame {
    pub version: u32,
    /// Microseconds since 1970.
    pub time_usec: u64,
    /// Whether it includes all cgroups; otherwise only those that changed since the previous
    /// sample.
    pub whole: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<System>,
    pub cgroups: Vec<Figures>,
    /// The cgroups removed since the previous sample.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
}

/// The system's figures, in bytes.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct System {
    dirty: u64,
    writeback: u64,
    limit: u64,
    writers: Writers,
}

/// Whether writers are slowed or stopped.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Writers {
    Free,
    Slowed,
    Stopped,
}

/// A cgroup's figures. Values that the kernel does not report have no key.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Figures {
    pub cgroup: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dirty: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    writeback: Option<u64>,
    /// `null` for `max`.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    limit: Option<Option<u64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    throttled_now: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    throttled_usec_per_second: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    throttled_per_1000_seconds: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paced_usec_per_second: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inherited: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    writers: Option<Writers>,
}

/// Deserializes a key that is present, possibly as `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl From<State> for Writers {
    fn from(state: State) -> Self {
        match state {
            State::Free => Self::Free,
            State::Slowed => Self::Slowed,
            State::Stopped => Self::Stopped,
        }
    }
}

impl From<Writers> for State {
    fn from(writers: Writers) -> Self {
        match writers {
            Writers::Free => Self::Free,
            Writers::Slowed => Self::Slowed,
            Writers::Stopped => Self::Stopped,
        }
    }
}

impl From<System> for SystemFigures {
    fn from(system: System) -> Self {
        Self {
            dirty: system.dirty,
            writeback: system.writeback,
            limit: system.limit,
            state: system.writers.into(),
        }
    }
}

impl Figures {
    fn new(row: &Row) -> Self {
        let usage = &row.usage;
        Self {
            cgroup: escaped(row.cgroup.path()),
            dirty: usage.dirty,
            writeback: usage.writeback,
            limit: usage.limit.map(Limit::at),
            throttled_now: usage.throttled_now,
            throttled_usec_per_second: row.wait,
            throttled_per_1000_seconds: row.waits,
            paced_usec_per_second: row.paced,
            inherited: row.inherited,
            writers: row.state.map(Writers::from),
        }
    }

    /// Copies the figures into a row.
    pub fn fill(&self, row: &mut Row) {
        row.usage = Usage {
            dirty: self.dirty,
            writeback: self.writeback,
            limit: self.limit.map(Limit::from),
            throttled_now: self.throttled_now,
            ..Usage::default()
        };
        row.wait = self.throttled_usec_per_second;
        row.waits = self.throttled_per_1000_seconds;
        row.paced = self.paced_usec_per_second;
        row.inherited = self.inherited;
        row.state = self.writers.map(State::from);
    }
}

/// Converts samples into frames.
#[derive(Default)]
pub struct Recorder {
    /// The number of frames so far.
    frames: u32,
    before: BTreeMap<String, Figures>,
}

impl Recorder {
    /// Returns the frame of a sampler's last sample.
    pub fn frame(&mut self, sampler: &Sampler) -> Frame {
        let whole = self.frames % WHOLE == 0;
        self.frames = self.frames.wrapping_add(1);
        let mut before = std::mem::take(&mut self.before);
        let mut cgroups = Vec::new();
        for row in sampler.rows() {
            let figures = Figures::new(row);
            let old = before.remove(&figures.cgroup);
            if whole || old.as_ref() != Some(&figures) {
                cgroups.push(figures.clone());
            }
            self.before.insert(figures.cgroup.clone(), figures);
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let system = sampler.system().map(SystemFigures::new);
        Frame {
            version: VERSION,
            time_usec: since.map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(0)),
            whole,
            system: system.map(|system| System {
                dirty: system.dirty,
                writeback: system.writeback,
                limit: system.limit,
                writers: system.state.into(),
            }),
            cgroups,
            gone: match whole {
                true => Vec::new(),
                false => before.into_keys().collect(),
            },
        }
    }
}
