// SPDX-License-Identifier: GPL-2.0

//! Candidates for knobs, switches and their values.

use super::cgroups;
use super::Candidates;
use crate::context::Context;
use memcgfs::devices;
use memcgfs::knobs;
use memcgfs::knobs::Kind;
use memcgfs::switches;
use memcgfs::switches::SwitchKind;

/// Sizes to start from.
const SIZES: [&str; 6] = ["1M", "16M", "64M", "256M", "1G", "max"];

/// Adds the arguments of `set`: cgroups, then knobs; for a knob its values.
pub fn settings(context: &Context, before: &[&str], last: &str, into: &mut Candidates) {
    let system = before.contains(&"--system");
    if let Some((name, _)) = last.split_once('=').filter(|(name, _)| !name.contains('/')) {
        let values = match system {
            true => switches::find(name).map(|switch| of_switch(switch.kind)),
            false => knobs::find(name).map(|knob| of_knob(knob.kind)),
        };
        for value in values.unwrap_or_default() {
            into.add(format!("{name}={value}"), "");
        }
        return;
    }
    if system {
        for switch in &switches::SWITCHES {
            into.add(format!("{}=", switch.name), switch.help);
        }
        return;
    }
    let named = before.iter().any(|word| !word.starts_with('-')) || before.contains(&"--self");
    if named {
        for knob in knobs::settable() {
            into.add(format!("{}=", knob.short_name()), knob.help);
        }
    }
    let is_set = before
        .iter()
        .any(|word| word.contains('=') && !word.starts_with('-'));
    if !is_set && !before.contains(&"--self") {
        cgroups::all(context, last, into);
    }
}

fn of_knob(kind: Kind) -> Vec<&'static str> {
    match kind {
        Kind::Bytes => SIZES.to_vec(),
        Kind::Ratio => vec!["1", "5", "10", "20", "max"],
        Kind::Words => vec!["file", "shmem", "none"],
        Kind::Pace => vec!["10ms", "25ms", "100ms", "1s", "default", "max"],
        Kind::Trigger | Kind::Flat => Vec::new(),
    }
}

fn of_switch(kind: SwitchKind) -> Vec<&'static str> {
    match kind {
        SwitchKind::OnOff => vec!["0", "1"],
        SwitchKind::Scope => vec!["subtree", "any"],
        SwitchKind::Seconds => vec!["0", "60", "600", "3600"],
        SwitchKind::Pace => vec!["0", "10ms", "25ms", "100ms"],
    }
}

pub fn sizes(into: &mut Candidates) {
    for size in SIZES {
        into.add(size, "");
    }
}

pub fn times(into: &mut Candidates) {
    for time in ["100ms", "500ms", "1s", "5s", "1m"] {
        into.add(time, "");
    }
}

pub fn devices(context: &Context, into: &mut Candidates) {
    for device in devices::read(&context.host).unwrap_or_default() {
        let name = device.name.unwrap_or_default();
        if !name.is_empty() {
            into.add(name, device.number.as_str());
        }
        into.add(device.number, "");
    }
}

pub fn file_systems(context: &Context, into: &mut Candidates) {
    for (name, device) in context.host.file_systems().unwrap_or_default() {
        into.add(name, if device { "on a device" } else { "" });
    }
}
