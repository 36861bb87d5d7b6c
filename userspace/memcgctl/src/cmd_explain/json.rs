// SPDX-License-Identifier: GPL-2.0

//! The explanation as JSON, in raw bytes.

use super::throttling::Throttling;
use crate::json::Name;
use memcgfs::derivation::Bound;
use memcgfs::derivation::Derivation;
use memcgfs::derivation::Place;
use memcgfs::waiting::Since;
use memcgfs::Cgroup;
use memcgfs::Limit;
use serde::Serialize;

/// The whole explanation. Absent values have no key.
#[derive(Serialize)]
pub struct Explanation {
    #[serde(flatten)]
    name: Name,
    limit: u64,
    background_limit: u64,
    /// The limit that the kernel reports, and whether it agrees, apart from changes of memory
    /// between two samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    reported_limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agrees: Option<bool>,
    /// The level with the limit in force, and the level whose limit writers meet first now.
    tightest: Where,
    binding: Where,
    levels: Vec<LevelReport>,
    system: SystemReport,
    throttled: ThrottledReport,
    advice: String,
}

#[derive(Serialize)]
#[serde(tag = "place", rename_all = "snake_case")]
enum Where {
    Cgroup(Name),
    System,
}

#[derive(Serialize)]
struct BoundReport {
    limit: u64,
    background_limit: u64,
    slows_at: u64,
    stops_at: u64,
    /// Whether it is set here rather than derived from `vm.dirty_*`.
    set: bool,
}

#[derive(Serialize)]
struct LevelReport {
    #[serde(flatten)]
    name: Name,
    held: u64,
    file: u64,
    /// `null` for no limit.
    headroom: Option<u64>,
    dirtyable: u64,
    derived_limit: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_force: Option<BoundReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    floor_asked: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    floor_granted: Option<u64>,
}

#[derive(Serialize)]
struct SystemReport {
    held: u64,
    dirtyable: u64,
    in_force: BoundReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    reported_limit: Option<u64>,
}

#[derive(Serialize)]
struct ThrottledReport {
    now: bool,
    sample_usec: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    usec_in_sample: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count_in_sample: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usec: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_now: Option<u64>,
    waiting: Vec<TaskReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paced_usec_in_sample: Option<u64>,
    /// `null` for `max`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pace_usec: Option<Option<u64>>,
    /// According to the averages of io.pressure: `now`, `seconds`, `minute`, `minutes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<&'static str>,
}

#[derive(Serialize)]
struct TaskReport {
    tid: u32,
    name: String,
    place: String,
}

impl From<Bound> for BoundReport {
    fn from(bound: Bound) -> Self {
        Self {
            limit: bound.limit,
            background_limit: bound.background,
            slows_at: bound.slows_at,
            stops_at: bound.stops_at,
            set: bound.set,
        }
    }
}

pub fn explanation(
    cgroup: &Cgroup,
    derivation: &Derivation,
    throttling: &Throttling,
    advice: String,
) -> Explanation {
    let place = |place| match place {
        Place::Level(index) => match derivation.levels.get(index) {
            Some(level) => Where::Cgroup(Name::new(&level.cgroup.path())),
            None => Where::System,
        },
        Place::System => Where::System,
    };
    let levels = derivation.levels.iter().map(|level| LevelReport {
        name: Name::new(&level.cgroup.path()),
        held: level.held,
        file: level.file,
        headroom: level.headroom,
        dirtyable: level.dirtyable,
        derived_limit: level.derived_limit,
        in_force: level.bound.map(BoundReport::from),
        floor_asked: level.floor.map(|floor| floor.asked),
        floor_granted: level.floor.map(|floor| floor.granted),
    });
    let system = &derivation.system;
    Explanation {
        name: Name::new(&cgroup.path()),
        limit: derivation.limit,
        background_limit: derivation.background,
        reported_limit: derivation.reported(),
        agrees: derivation.agrees(),
        tightest: place(derivation.tightest),
        binding: place(derivation.binding),
        levels: levels.collect(),
        system: SystemReport {
            held: system.held,
            dirtyable: system.dirtyable,
            in_force: system.bound.into(),
            reported_limit: system.raw.reported_limit.map(memcgfs::page::bytes),
        },
        throttled: throttled(throttling),
        advice,
    }
}

fn throttled(throttling: &Throttling) -> ThrottledReport {
    let counts = throttling.counts.as_ref();
    ThrottledReport {
        now: throttling.now(),
        sample_usec: u64::try_from(throttling.span.as_micros()).unwrap_or(u64::MAX),
        usec_in_sample: counts.map(|counts| counts.more_usec),
        count_in_sample: counts.map(|counts| counts.more_count),
        usec: counts.map(|counts| counts.usec),
        count: counts.map(|counts| counts.count),
        waiting_now: throttling.waiting_now,
        paced_usec_in_sample: throttling.paced,
        pace_usec: throttling.pace.map(Limit::at),
        waiting: throttling
            .waiting
            .iter()
            .map(|task| TaskReport {
                tid: task.tid,
                name: task.name.clone(),
                place: task.place.clone(),
            })
            .collect(),
        since: throttling
            .pressure
            .filter(|_| throttling.now())
            .map(|pressure| match pressure.since() {
                Since::Never => "now",
                Since::Seconds => "seconds",
                Since::Minute => "minute",
                Since::Minutes => "minutes",
            }),
    }
}
