// SPDX-License-Identifier: GPL-2.0

//! Actors that write and read the files of the module and of the memory controller.

use super::world::Actor;
use super::world::Outcome;
use super::world::children;
use super::world::put;
use crate::error::Result;
use crate::grammar;
use crate::grammar::Kind;
use nix::errno::Errno;
use std::fs;
use std::path::Path;

/// Sets limits, ratios, floors, paces and payments of any cgroup, and writes to its triggers.
pub fn limit(actor: &mut Actor<'_>) -> Result<Outcome> {
    let group = actor.group();
    let (name, kind) = *actor.random.pick(&grammar::GROUP_FILES);
    let value = if actor.random.one_in(4) {
        grammar::any(&mut actor.random, kind)
    } else {
        grammar::good(&mut actor.random, kind).into_bytes()
    };
    let file = group.join(name);
    actor.say(format_args!("{} {}", file.display(), value.escape_ascii()));
    if kind == Kind::Trigger {
        let seconds = 1 + actor.random.below(4);
        return trigger(actor, &file, value, seconds);
    }
    match put(&file, &value) {
        Ok(()) => Ok(Outcome::Done),
        Err(errno) if grammar::may_answer(kind, errno) => Ok(Outcome::Refused),
        Err(errno) => Err(format!(
            "{}: {}: {errno}",
            file.display(),
            value.escape_ascii()
        )),
    }
}

/// Makes a write that may take long; SIGKILL ends it.
fn trigger(actor: &mut Actor<'_>, file: &Path, value: Vec<u8>, seconds: u64) -> Result<Outcome> {
    actor.child(None, seconds, |_| {
        put(file, &value).map_err(|errno| errno.to_string())
    })
}

pub fn switch(actor: &mut Actor<'_>) -> Result<Outcome> {
    let (name, kind) = *actor.random.pick(&grammar::MACHINE_FILES);
    let value = grammar::good(&mut actor.random, kind);
    actor.say(format_args!("{name} {value}"));
    match put(&Path::new(grammar::SWITCHES).join(name), value.as_bytes()) {
        Ok(()) => Ok(Outcome::Done),
        // The module is not loaded.
        Err(Errno::ENOENT | Errno::ENODEV) => Ok(Outcome::Refused),
        Err(errno) => Err(format!("{name}: {value}: {errno}")),
    }
}

/// Reads all files of a cgroup.
pub fn look(actor: &mut Actor<'_>) -> Result<Outcome> {
    fn look_at(dir: &Path) -> Outcome {
        let mut outcome = Outcome::Refused;
        for name in [
            "memory.stat",
            "memory.numa_stat",
            "memory.events",
            "io.stat",
            "cgroup.stat",
        ] {
            drop(fs::read(dir.join(name)));
        }
        for name in grammar::GROUP_STATS {
            if fs::read(dir.join(name)).is_ok() {
                outcome = Outcome::Done;
            }
        }
        for (name, _) in grammar::GROUP_FILES {
            drop(fs::read(dir.join(name)));
        }
        for child in children(dir) {
            look_at(&child);
        }
        outcome
    }
    let group = actor.group();
    drop(fs::read(Path::new(grammar::SWITCHES).join("recharge_stat")));
    drop(fs::read("/proc/self/mountinfo"));
    drop(fs::read("/proc/meminfo"));
    drop(fs::read("/proc/vmstat"));
    Ok(look_at(&group))
}

/// Lowers and raises the memory controller's own limits, and triggers reclaim.
pub fn pressure(actor: &mut Actor<'_>) -> Result<Outcome> {
    let group = actor.group();
    let size = |actor: &mut Actor<'_>, least: u64| match actor.random.below(3) {
        0 => "max".to_owned(),
        _ => format!("{}k", least << actor.random.below(8)),
    };
    let (name, value) = match actor.random.below(8) {
        0 => ("memory.max", size(actor, 4 << 10)),
        1 => ("memory.high", size(actor, 1 << 10)),
        2 => ("memory.low", format!("{}M", actor.random.below(32))),
        3 => ("memory.min", format!("{}k", actor.random.below(4096))),
        4 => ("memory.swap.max", size(actor, 1 << 10)),
        5 => ("memory.zswap.max", size(actor, 64)),
        6 => ("memory.oom.group", format!("{}", actor.random.below(2))),
        _ => (
            "memory.reclaim",
            format!("{}k", 64 << actor.random.below(10)),
        ),
    };
    actor.say(format_args!("{} {name} {value}", group.display()));
    let file = group.join(name);
    actor.child(None, 5, |_| {
        put(&file, value.as_bytes()).map_err(|errno| errno.to_string())
    })
}
