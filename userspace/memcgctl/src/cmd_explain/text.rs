// SPDX-License-Identifier: GPL-2.0

//! The explanation as text: the limit in force and the advice, then the levels, then the raw figures.

use super::throttling::Throttling;
use crate::report::seconds;
use crate::report::size;
use crate::report::vm_setting;
use crate::table;
use memcgfs::derivation::Derivation;
use memcgfs::derivation::Level;
use memcgfs::derivation::Place;
use memcgfs::derivation::State;
use memcgfs::escaped;
use memcgfs::knobs;
use memcgfs::limits;
use memcgfs::units::Bytes;
use memcgfs::usec::Usec;
use memcgfs::waiting::Since;
use memcgfs::Cgroup;
use memcgfs::Limit;
use std::fmt::Write;

pub fn text(
    cgroup: &Cgroup,
    derivation: &Derivation,
    throttling: &Throttling,
    advice: &str,
) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:15} {value}");
    };
    line("cgroup", escaped(cgroup.path()));
    line("limit in force", in_force(derivation));
    line("binds", binds(derivation));
    for (name, value) in throttled(throttling) {
        line(name, value);
    }
    line("what to do", advice.to_owned());
    text.push('\n');
    text.push_str(&levels(derivation));
    text.push('\n');
    text.push_str(&raw(derivation));
    text
}

/// Returns the name of a place in messages.
pub fn name(derivation: &Derivation, place: Place) -> String {
    match place {
        Place::System => "the system".to_owned(),
        Place::Level(index) => derivation
            .levels
            .get(index)
            .map_or_else(String::new, |level| escaped(level.cgroup.path())),
    }
}

fn in_force(derivation: &Derivation) -> String {
    let limit = Bytes(derivation.limit);
    let why = match derivation.tightest {
        Place::System => vm(derivation),
        Place::Level(index) => {
            let set = derivation
                .levels
                .get(index)
                .map(|level| set(level, derivation));
            let set = set.unwrap_or_default();
            match index {
                0 => set,
                _ => format!("{set} of {}", name(derivation, derivation.tightest)),
            }
        }
    };
    let kernel = match (derivation.agrees(), derivation.reported()) {
        (Some(true), _) => "; the kernel says the same".to_owned(),
        (Some(false), Some(reported)) => format!("; but the kernel says {}", Bytes(reported)),
        _ => String::new(),
    };
    format!("{limit}: {why}{kernel}")
}

fn binds(derivation: &Derivation) -> String {
    let place = derivation.binding;
    let held = derivation.held(place);
    let Some(bound) = derivation.bound(place) else {
        return "-".to_owned();
    };
    let state = match bound.state(held) {
        State::Stopped => "all writers wait",
        State::Slowed => "writers are slowed",
        State::Free => "no writer is slowed",
    };
    format!(
        "{}: holds {} of {}; {state} (slowed from {}, stopped from {})",
        name(derivation, place),
        Bytes(held),
        Bytes(bound.limit),
        Bytes(bound.slows_at),
        Bytes(bound.stops_at)
    )
}

fn throttled(throttling: &Throttling) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let span = memcgfs::Span(throttling.span);
    let yes = if throttling.now() { "yes" } else { "no" };
    lines.push((
        "throttled",
        match &throttling.counts {
            Some(counts) => format!(
                "{yes}: {} in {} waits within {span}; {} in {} waits since the cgroup was made",
                seconds(counts.more_usec),
                counts.more_count,
                seconds(counts.usec),
                counts.count
            ),
            None => format!(
                "{yes}, judging by the tasks that wait; this kernel does not count throttling"
            ),
        },
    ));
    let count = throttling.waiting_now.unwrap_or(0);
    if throttling.waiting.is_empty() && count != 0 {
        let writers = if count == 1 { "writer" } else { "writers" };
        lines.push(("waiting now", format!("{count} {writers}")));
    }
    if !throttling.waiting.is_empty() {
        let names: Vec<_> = throttling
            .waiting
            .iter()
            .take(8)
            .map(|task| format!("{} ({})", escaped(&task.name), task.tid))
            .collect();
        let more = match throttling.waiting.len() {
            8.. => format!(" and others, {} in all", throttling.waiting.len()),
            _ => String::new(),
        };
        lines.push(("waiting now", names.join(", ") + &more));
    }
    if throttling.now() {
        let since = throttling.pressure.map(|pressure| match pressure.since() {
            Since::Never => "a moment",
            Since::Seconds => "less than a minute",
            Since::Minute => "a few minutes",
            Since::Minutes => "several minutes or longer",
        });
        lines.push((
            "since",
            match since {
                Some(since) => {
                    format!("{since}, according to io.pressure; the kernel keeps no exact time")
                }
                None => "unknown: the kernel keeps no time, and there is no io.pressure".to_owned(),
            },
        ));
    }
    if let (Some(paced), Some(Limit::At(pace))) = (throttling.paced, throttling.pace) {
        let pace = Usec(pace);
        lines.push((
            "paced",
            match paced {
                0 => format!("writeback was not held back within {span} (pace {pace})"),
                _ => format!(
                    "writeback held back for {}ms within {span} so that others get through (pace {pace})",
                    paced / 1000
                ),
            },
        ));
    }
    lines
}

/// Describes the setting of a level and its effect.
fn set(level: &Level, derivation: &Derivation) -> String {
    let bound = level.bound.filter(|bound| bound.set);
    match (level.config.limit, bound) {
        (limits::Setting::Bytes(bytes), Some(bound)) if Bytes(bound.limit) < bytes => format!(
            "{} = {bytes}, but no more than can be dirty",
            knobs::DIRTY_LIMIT.name,
        ),
        (limits::Setting::Bytes(bytes), _) => {
            format!("{} = {bytes}", knobs::DIRTY_LIMIT.name)
        }
        (limits::Setting::Ratio(ratio), _) => {
            format!(
                "{} = {ratio}% of {}",
                knobs::DIRTY_RATIO.name,
                Bytes(level.dirtyable)
            )
        }
        (limits::Setting::Max, _) => {
            format!("{} of {} dirtyable", vm(derivation), Bytes(level.dirtyable))
        }
    }
}

/// Describes the setting that determines the system-wide limit.
fn vm(derivation: &Derivation) -> String {
    let setting = derivation.system.raw.vm.limit_setting();
    setting.map_or_else(|| "vm.dirty_*".to_owned(), vm_setting)
}

/// Returns a line for each level.
fn levels(derivation: &Derivation) -> String {
    let heads = [
        "LEVEL",
        "HELD",
        "LIMIT",
        "BACKGROUND",
        "SLOWED",
        "STOPPED",
        "DIRTYABLE",
        "FLOOR",
        "FROM",
    ];
    let mut rows = vec![heads.map(str::to_owned)];
    let mut row = |place, dirtyable, floor: String, from: String| {
        let bound = derivation.bound(place);
        let mark = if place == derivation.binding {
            "*"
        } else {
            " "
        };
        rows.push([
            format!("{mark}{}", name(derivation, place)),
            Bytes(derivation.held(place)).to_string(),
            size(bound.map(|bound| bound.limit)),
            size(bound.map(|bound| bound.background)),
            size(bound.map(|bound| bound.slows_at)),
            size(bound.map(|bound| bound.stops_at)),
            Bytes(dirtyable).to_string(),
            floor,
            from,
        ]);
    };
    for (index, level) in derivation.levels.iter().enumerate() {
        let floor = level.floor.map_or_else(
            || "-".to_owned(),
            |floor| format!("{}/{}", Bytes(floor.granted), Bytes(floor.asked)),
        );
        let from = match level.bound {
            Some(_) => set(level, derivation),
            None => "nothing set".to_owned(),
        };
        row(Place::Level(index), level.dirtyable, floor, from);
    }
    let system = &derivation.system;
    row(
        Place::System,
        system.dirtyable,
        "-".to_owned(),
        vm(derivation),
    );
    table::lines(&rows)
}

/// Returns the raw figures.
fn raw(derivation: &Derivation) -> String {
    let raw = &derivation.system.raw;
    let pages = |pages| Bytes(memcgfs::page::bytes(pages));
    let mut text = format!(
        "system: free {} - reserved {} + page cache {} = dirtyable {}; dirty {}, writeback {}\n",
        pages(raw.free),
        pages(raw.reserve),
        pages(raw.file),
        pages(raw.dirtyable()),
        pages(raw.dirty),
        pages(raw.writeback)
    );
    for level in &derivation.levels {
        let headroom = level
            .headroom
            .map_or_else(|| "max".to_owned(), |bytes| Bytes(bytes).to_string());
        let _ = writeln!(
            text,
            "{}: page cache {} + clean elsewhere, at most headroom {headroom} = dirtyable {}",
            escaped(level.cgroup.path()),
            Bytes(level.file),
            Bytes(level.dirtyable)
        );
    }
    text
}
