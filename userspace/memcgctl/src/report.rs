// SPDX-License-Identifier: GPL-2.0

//! The report on one cgroup, as JSON and as text.

mod why;

pub use why::vm_setting;

use crate::charging::Charging;
use crate::json::Name;
use crate::json::Raw;
use memcgfs::derivation;
use memcgfs::escaped;
use memcgfs::knobs::Knob;
use memcgfs::units::Bytes;
use memcgfs::usec::Usec;
use memcgfs::BackgroundOrigin;
use memcgfs::DirtyStat;
use memcgfs::Limit;
use memcgfs::Origin;
use memcgfs::Snapshot;
use memcgfs::Value;
use memcgfs::VmDirty;
use serde::Serialize;
use serde::Serializer;
use why::why_background;
use why::Why;

/// A cgroup's figures. Absent values have no key; `null` is `max`.
#[derive(Serialize)]
pub struct Report {
    #[serde(flatten)]
    name: Name,
    #[serde(serialize_with = "settings")]
    set: Vec<(&'static Knob, Value)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_force: Option<InForce>,
    why: Why,
    #[serde(skip_serializing_if = "Option::is_none")]
    dirty: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    writeback: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherited: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttled_usec: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    throttled_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    throttled_now: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    writeback_started: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paced_usec: Option<u64>,
    /// The charges, if requested.
    #[serde(flatten)]
    charging: Option<Charging>,
    /// The origin of the background limit, in words.
    #[serde(skip)]
    why_background: String,
}

/// The limits in force.
#[derive(Serialize)]
struct InForce {
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<Max>,
    #[serde(skip_serializing_if = "Option::is_none")]
    background_limit: Option<Max>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pace_usec: Option<Max>,
    /// Whether the limits were derived here because the kernel does not report them.
    #[serde(skip_serializing_if = "is_false")]
    derived: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// A size or a time; `null` for `max`.
#[derive(Clone, Copy, Serialize)]
#[serde(transparent)]
struct Max(Option<u64>);

impl Report {
    /// Creates the report on a cgroup, given its ancestors, the limits in force, the system's
    /// settings and optionally its charges.
    pub fn new(
        snapshot: &Snapshot,
        above: &[Snapshot],
        in_force: Option<derivation::InForce>,
        vm: &VmDirty,
        charging: Option<Charging>,
    ) -> Self {
        let stat = snapshot.dirty_stat.as_ref();
        let figure = |field: fn(&DirtyStat) -> Option<u64>| stat.and_then(field);
        let max = |limit: Limit<u64>| Max(limit.at());
        Self {
            name: Name::new(&snapshot.cgroup.path()),
            set: snapshot.settings.clone(),
            in_force: in_force.map(|in_force| InForce {
                limit: in_force.limit.map(max),
                background_limit: in_force.background.map(max),
                pace_usec: stat.and_then(|stat| stat.pace_usec).map(max),
                derived: in_force.derived,
            }),
            why: Why::new(Origin::derive(snapshot, above), vm),
            dirty: snapshot.dirty(),
            writeback: snapshot.writeback(),
            inherited: snapshot.inherited(),
            throttled_usec: figure(|stat| stat.throttled_usec),
            throttled_count: figure(|stat| stat.throttled_count),
            throttled_now: figure(|stat| stat.throttled_now),
            writeback_started: figure(|stat| stat.writeback_started),
            paced_usec: figure(|stat| stat.paced_usec),
            charging,
            why_background: why_background(BackgroundOrigin::derive(snapshot, above), vm),
        }
    }

    pub fn dirty(&self) -> String {
        size(self.dirty)
    }

    pub fn writeback(&self) -> String {
        size(self.writeback)
    }

    pub fn inherited(&self) -> String {
        size(self.inherited)
    }

    pub fn limit(&self) -> String {
        limit(self.in_force.as_ref().and_then(|in_force| in_force.limit))
    }

    pub fn background_limit(&self) -> String {
        limit(
            self.in_force
                .as_ref()
                .and_then(|in_force| in_force.background_limit),
        )
    }

    /// Returns the value of a knob.
    pub fn setting(&self, knob: &Knob) -> String {
        let mut settings = self.set.iter();
        let found = settings.find(|(known, _)| *known == knob);
        found.map_or_else(|| "-".to_owned(), |(_, value)| value.to_string())
    }

    pub fn throttled(&self) -> String {
        self.throttled_usec.map_or_else(|| "-".to_owned(), seconds)
    }

    /// Returns the bytes charged to it.
    pub fn memory(&self) -> Option<u64> {
        self.charging.as_ref()?.memory
    }

    /// Returns the number of writers that wait now.
    pub fn waiting(&self) -> String {
        self.throttled_now
            .map_or_else(|| "-".to_owned(), |count| count.to_string())
    }

    /// Returns the dirty bytes and bytes under writeback.
    pub fn held(&self) -> Option<u64> {
        Some(self.dirty?.saturating_add(self.writeback.unwrap_or(0)))
    }

    /// Returns the limits in force and their origins, as lines of a name and a value.
    pub fn limit_lines(&self) -> Vec<(&'static str, String)> {
        let Some(in_force) = &self.in_force else {
            return vec![("limit in force", format!("- ({})", self.why()))];
        };
        let derived = match in_force.derived {
            true => "; derived, as this kernel does not report it",
            false => "",
        };
        let limit = format!("{} ({}{derived})", self.limit(), self.why());
        let background = format!("{} ({})", self.background_limit(), self.why_background);
        let mut lines = vec![
            ("limit in force", limit),
            ("background limit in force", background),
        ];
        if let Some(Max(pace)) = in_force.pace_usec {
            let pace = pace.map_or_else(|| "none".to_owned(), |usec| Usec(usec).to_string());
            lines.push(("pace in force", pace));
        }
        lines
    }

    pub fn why(&self) -> String {
        self.why.words()
    }

    /// Returns its charges: the total, its maximum, page cache, shared memory, what it pays for and
    /// which cgroup pays for it.
    pub fn charges(&self) -> [String; 5] {
        let Some(charging) = &self.charging else {
            return [const { String::new() }; 5];
        };
        let declared = self.set.iter().find_map(|(_, value)| match value {
            Value::Payments(payments) => Some(*payments),
            _ => None,
        });
        let [memory, max, file, shmem] = charging.figures();
        let payments = charging.payments(&self.name.path, declared);
        [memory, max, file, shmem, payments]
    }

    /// Returns lines of a name and a value, for a single cgroup.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![
            ("cgroup", escaped(&self.name.path)),
            ("dirty", self.dirty()),
            ("writeback", self.writeback()),
        ];
        lines.extend(self.limit_lines());
        if self.inherited.is_some() {
            lines.push(("inherited", self.inherited()));
        }
        if let (Some(usec), Some(count)) = (self.throttled_usec, self.throttled_count) {
            lines.push(("throttled", format!("{}, {count} times", seconds(usec))));
        }
        if self.throttled_now.is_some() {
            lines.push(("writers waiting now", self.waiting()));
        }
        if let Some(count) = self.writeback_started {
            lines.push(("writeback started", format!("{count} times")));
        }
        if let Some(usec) = self.paced_usec {
            lines.push(("writeback held back", seconds(usec)));
        }
        if let Some(charging) = &self.charging {
            lines.extend(charging.lines(&self.name.path));
        }
        for (knob, value) in &self.set {
            lines.push((knob.name, value.to_string()));
        }
        lines
    }
}

/// Formats a size, or a dash if there is none.
pub fn size(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "-".to_owned(), |bytes| Bytes(bytes).to_string())
}

fn limit(limit: Option<Max>) -> String {
    match limit {
        None => "-".to_owned(),
        Some(Max(None)) => "max".to_owned(),
        Some(Max(bytes)) => size(bytes),
    }
}

/// Formats a time in milliseconds' precision.
pub fn seconds(usec: u64) -> String {
    format!("{}.{:03}s", usec / 1_000_000, usec / 1_000 % 1_000)
}

/// Serializes the settings as a map in the order of the list, by their short names.
fn settings<S: Serializer>(
    settings: &[(&'static Knob, Value)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(
        settings
            .iter()
            .map(|(knob, value)| (knob.short_name(), Raw::Value(*value))),
    )
}
