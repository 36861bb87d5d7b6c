// SPDX-License-Identifier: GPL-2.0

//! Advice in one sentence on what to change.

use super::text::name;
use super::throttling::Throttling;
use memcgfs::derivation::Derivation;
use memcgfs::derivation::Level;
use memcgfs::derivation::Place;
use memcgfs::knobs;
use memcgfs::limits::Setting;
use memcgfs::units::Bytes;

/// Returns the advice, given the limit that writers meet first, whether they are throttled, and
/// whether the module's files exist.
pub fn sentence(derivation: &Derivation, throttling: &Throttling, has_files: bool) -> String {
    let place = derivation.binding;
    let slowed = derivation
        .bound(place)
        .is_some_and(|bound| derivation.held(place) >= bound.slows_at);
    if !throttling.now() && !slowed {
        return "nothing: its writers are not slowed by dirty limits now".to_owned();
    }
    match place {
        _ if !has_files => without_files(derivation, place),
        Place::System => system(derivation),
        Place::Level(index) => match derivation.levels.get(index) {
            Some(level) => cgroup(derivation, level, place),
            None => String::new(),
        },
    }
}

fn cgroup(derivation: &Derivation, level: &Level, place: Place) -> String {
    let name = name(derivation, place);
    let Some(bound) = level.bound else {
        return String::new();
    };
    // Suggest twice as much, to make a noticeable difference.
    let twice = Bytes(bound.limit.saturating_mul(2));
    let knob = knobs::DIRTY_LIMIT.name;
    match level.config.limit {
        Setting::Bytes(bytes) if Bytes(bound.limit) < bytes => format!(
            "the limit of {name} is capped at the memory that can be dirty: raise its memory.max or memory.high, or that \
             of a cgroup above it"
        ),
        Setting::Bytes(_) => format!(
            "raise {knob} of {name}, for example to {twice}, if the device keeps up and the memory can be spared; \
             otherwise leave it: it holds the writers to the speed of the device"
        ),
        Setting::Ratio(_) => format!(
            "raise {} of {name}, or set {knob} there, for example to {twice}, which does not change with free memory",
            knobs::DIRTY_RATIO.name
        ),
        Setting::Max => format!(
            "set {knob} of {name}, for example to {twice}: it replaces what the kernel derives from vm.dirty_* for this cgroup"
        ),
    }
}

fn system(derivation: &Derivation) -> String {
    let knob = vm_knob(derivation);
    match derivation.levels.first() {
        Some(level) => format!(
            "the system as a whole is full: limit the cgroup that dirties most (memcgctl top), give {} a floor with {}, or \
             raise {knob}",
            name(derivation, Place::Level(0)),
            match level.floor {
                Some(_) => "a larger memory.dirty_min",
                None => knobs::DIRTY_MIN.name,
            }
        ),
        None => format!("limit the cgroup that dirties most (memcgctl top), or raise {knob}"),
    }
}

/// Returns the advice for a kernel without the module.
fn without_files(derivation: &Derivation, place: Place) -> String {
    let knob = vm_knob(derivation);
    let (name, headroom) = match place {
        Place::Level(index) => (
            name(derivation, place),
            derivation
                .levels
                .get(index)
                .and_then(|level| level.headroom),
        ),
        Place::System => ("each cgroup".to_owned(), None),
    };
    let room = match headroom {
        Some(_) => format!(", or the memory.max or memory.high of {name} or above it"),
        None => String::new(),
    };
    format!("raise {knob}{room}; a limit for {name} alone needs the module memcg_knobs")
}

/// Returns the setting that determines the system-wide limit.
fn vm_knob(derivation: &Derivation) -> &'static str {
    let setting = derivation.system.raw.vm.limit_setting();
    setting.map_or("vm.dirty_ratio", |(knob, _)| knob)
}
