// SPDX-License-Identifier: GPL-2.0

//! What is told of one cgroup, in JSON and in words.

use crate::charging::Charging;
use crate::json::Name;
use crate::json::Raw;
use memcgfs::escaped;
use memcgfs::knobs;
use memcgfs::knobs::Knob;
use memcgfs::size::Bytes;
use memcgfs::BackgroundOrigin;
use memcgfs::DirtyStat;
use memcgfs::HalfOf;
use memcgfs::Limit;
use memcgfs::Origin;
use memcgfs::Snapshot;
use memcgfs::Value;
use memcgfs::VmDirty;
use serde::Serialize;
use serde::Serializer;

/// A cgroup's figures. What is absent has no key; `null` is `max`.
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
    inherited: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    throttled_usec: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    throttled_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    writeback_started: Option<u64>,
    /// Where they are wanted.
    #[serde(flatten)]
    charging: Option<Charging>,
    /// Where the background limit comes from, in words.
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
}

/// A size, `null` for `max`.
#[derive(Clone, Copy, Serialize)]
#[serde(transparent)]
struct Max(Option<u64>);

/// Where the limit in force comes from.
#[derive(Serialize)]
#[serde(tag = "from", rename_all = "snake_case")]
enum Why {
    Own {
        knob: &'static str,
        /// The kernel holds it lower than it was set.
        capped: bool,
    },
    Ancestor {
        #[serde(flatten)]
        name: Name,
        limit: u64,
    },
    System {
        #[serde(skip_serializing_if = "Option::is_none")]
        knob: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<u64>,
    },
}

impl Why {
    fn new(origin: Origin, vm: &VmDirty) -> Self {
        match origin {
            Origin::OwnBytes { capped } => Self::Own {
                knob: knobs::DIRTY_LIMIT.name,
                capped,
            },
            Origin::OwnRatio => Self::Own {
                knob: knobs::DIRTY_RATIO.name,
                capped: false,
            },
            Origin::Ancestor { cgroup, limit } => Self::Ancestor {
                name: Name::new(&cgroup),
                limit,
            },
            Origin::System => {
                let (knob, value) = vm.limit_setting().unzip();
                Self::System { knob, value }
            }
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Own {
                knob,
                capped: false,
            } => format!("own {knob}"),
            Self::Own { knob, capped: true } => {
                format!("own {knob}, but no more than can be dirty")
            }
            Self::Ancestor { name, limit } => {
                format!("ancestor {} with {}", escaped(&name.path), Bytes(*limit))
            }
            Self::System { knob, value } => system(knob.zip(*value)),
        }
    }
}

fn why_background(origin: BackgroundOrigin, vm: &VmDirty) -> String {
    match origin {
        BackgroundOrigin::Own(knob) => format!("own {}", knob.name),
        BackgroundOrigin::Half(HalfOf::Own) => "half of the limit".to_owned(),
        BackgroundOrigin::Half(HalfOf::Ancestor(cgroup)) => {
            format!("half of the limit of ancestor {}", escaped(cgroup))
        }
        BackgroundOrigin::Half(HalfOf::System) => "half of the system's limit".to_owned(),
        BackgroundOrigin::Ancestor { cgroup, background } => {
            format!("ancestor {} with {}", escaped(cgroup), Bytes(background))
        }
        BackgroundOrigin::System => system(vm.background_setting()),
    }
}

fn system(setting: Option<(&'static str, u64)>) -> String {
    match setting {
        Some(setting) => format!("system, {}", vm_setting(setting)),
        None => "system".to_owned(),
    }
}

/// A setting of `vm.dirty_*`, which is a size if its name ends in `bytes`, else a percentage.
pub fn vm_setting((knob, value): (&'static str, u64)) -> String {
    match knob.ends_with("bytes") {
        true => format!("{knob} = {}", Bytes(value)),
        false => format!("{knob} = {value}%"),
    }
}

impl Report {
    /// The report on a cgroup, given those above it, the system's settings and perhaps its charges.
    pub fn new(
        snapshot: &Snapshot,
        above: &[Snapshot],
        vm: &VmDirty,
        charging: Option<Charging>,
    ) -> Self {
        let stat = snapshot.dirty_stat.as_ref();
        let figure = |field: fn(&DirtyStat) -> Option<u64>| stat.and_then(field);
        let max = |limit: Limit<u64>| Max(limit.at());
        Self {
            name: Name::new(&snapshot.cgroup.path()),
            set: snapshot.settings.clone(),
            in_force: stat.map(|stat| InForce {
                limit: stat.limit.map(max),
                background_limit: stat.background_limit.map(max),
            }),
            why: Why::new(Origin::derive(snapshot, above), vm),
            dirty: snapshot.dirty(),
            writeback: snapshot.writeback(),
            inherited: snapshot.inherited(),
            throttled_usec: figure(|stat| stat.throttled_usec),
            throttled_count: figure(|stat| stat.throttled_count),
            writeback_started: figure(|stat| stat.writeback_started),
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

    /// The value of a knob.
    pub fn setting(&self, knob: &Knob) -> String {
        let mut settings = self.set.iter();
        let found = settings.find(|(known, _)| *known == knob);
        found.map_or_else(|| "-".to_owned(), |(_, value)| value.to_string())
    }

    pub fn throttled(&self) -> String {
        self.throttled_usec.map_or_else(|| "-".to_owned(), seconds)
    }

    pub fn why(&self) -> String {
        self.why.words()
    }

    /// Its charges: all of them, how much they may be, page cache, shared memory, for whom it pays and who pays for it.
    pub fn charges(&self) -> [String; 5] {
        let Some(charging) = &self.charging else {
            return [const { String::new() }; 5];
        };
        let declared = self.set.iter().find_map(|(_, value)| match value {
            Value::Kinds(kinds) => Some(*kinds),
            _ => None,
        });
        let [memory, max, file, shmem] = charging.figures();
        let payments = charging.payments(&self.name.path, declared);
        [memory, max, file, shmem, payments]
    }

    /// Lines of a name and what it is, for one cgroup by itself.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![
            ("cgroup", escaped(&self.name.path)),
            ("dirty", self.dirty()),
            ("writeback", self.writeback()),
            (
                "limit in force",
                format!("{} ({})", self.limit(), self.why()),
            ),
        ];
        if self.in_force.is_some() {
            let background = format!("{} ({})", self.background_limit(), self.why_background);
            lines.push(("background limit in force", background));
        }
        if self.inherited.is_some() {
            lines.push(("inherited", self.inherited()));
        }
        if let (Some(usec), Some(count)) = (self.throttled_usec, self.throttled_count) {
            lines.push(("throttled", format!("{}, {count} times", seconds(usec))));
        }
        if let Some(count) = self.writeback_started {
            lines.push(("writeback started", format!("{count} times")));
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

/// A size, or a stroke where there is none.
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

/// A time to the millisecond.
pub fn seconds(usec: u64) -> String {
    format!("{}.{:03}s", usec / 1_000_000, usec / 1_000 % 1_000)
}

/// The settings as a map in the order of the list, by their short names.
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
