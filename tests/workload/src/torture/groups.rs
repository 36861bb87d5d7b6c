// SPDX-License-Identifier: GPL-2.0

//! Actors that create, use and remove cgroups, and that affect the processes in them.

use super::world::Actor;
use super::world::Outcome;
use super::world::children;
use super::world::put;
use crate::control;
use crate::error::Context;
use crate::error::Result;
use crate::keep;
use nix::sys::wait::wait;
use std::fs;
use std::fs::OpenOptions;
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

const PAGE: usize = 4096;

/// Kills all processes in a cgroup and removes it; returns whether it was removed.
fn remove(actor: &Actor<'_>, group: &Path) -> bool {
    // Ensures an end even if other processes keep joining.
    let end = Instant::now() + Duration::from_secs(5);
    for child in children(group) {
        remove(actor, &child);
    }
    while fs::remove_dir(group).is_err() {
        if !group.exists() || Instant::now() >= end {
            return false;
        }
        let _ = put(&group.join("cgroup.kill"), b"1");
        actor.rest(Duration::from_millis(10));
    }
    true
}

/// Simulates a service that starts, brings in files, maps them, is stopped, and restarts under the
/// same name. Other actors use the same files.
pub fn service(actor: &mut Actor<'_>) -> Result<Outcome> {
    let group = actor.world.top.join("service").join(&actor.name);
    let path = actor.file();
    let own = path.with_file_name(format!("{}.{}", actor.name, actor.random.below(2)));
    let length = NonZeroUsize::new(PAGE * (1 + actor.random.below(512) as usize)).ok_or("none")?;
    actor.say(format_args!("{} {}", group.display(), own.display()));
    if let Err(error) = fs::create_dir(&group) {
        if error.kind() != std::io::ErrorKind::AlreadyExists {
            return Ok(Outcome::Refused);
        }
    }
    let outcome = actor.child(Some(&group), 20, |actor| {
        keep::map_file(&own, length)?.touch(PAGE, actor.random.one_in(2));
        if actor.random.one_in(3) {
            keep::map_file(&path, length)?.touch(PAGE, false);
        }
        actor.pause(500);
        Ok(())
    })?;
    // Another actor may continue to use it.
    if actor.random.one_in(3) {
        let other = actor.leaf();
        actor.child(Some(&other), 20, |actor| {
            keep::map_file(&own, length)?.touch(PAGE, actor.random.one_in(4));
            Ok(())
        })?;
    }
    if actor.random.one_in(8) {
        drop(fs::remove_file(&own));
    }
    remove(actor, &group);
    Ok(outcome)
}

/// Creates cgroups below others, some of them deep, enables controllers, and removes other cgroups.
pub fn tree(actor: &mut Actor<'_>) -> Result<Outcome> {
    let at = actor.group();
    let dynamic = at
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with("storm-"));
    if dynamic && actor.random.one_in(2) {
        actor.say(format_args!("rmdir {}", at.display()));
        return Ok(if remove(actor, &at) {
            Outcome::Done
        } else {
            Outcome::Refused
        });
    }
    // Only there, so that there are cgroups left that other actors can join.
    let under = if dynamic {
        at
    } else {
        actor.world.top.join("storm")
    };
    if children(&under).len() > 8 || under.components().count() > 32 {
        return Ok(Outcome::Refused);
    }
    let new = under.join(format!("storm-{}", actor.random.below(8)));
    actor.say(format_args!("mkdir {}", new.display()));
    let _ = put(&under.join("cgroup.subtree_control"), b"+memory +io");
    Ok(Outcome::of(fs::create_dir(&new)))
}

/// Disables the controllers for the children of a cgroup and enables them again: their memcgs may
/// live on, hidden.
pub fn control(actor: &mut Actor<'_>) -> Result<Outcome> {
    let group = actor.group();
    if group == actor.world.top {
        return Ok(Outcome::Refused);
    }
    let what = *actor
        .random
        .pick(&["-memory", "-io", "-memory -io", "-pids"]);
    actor.say(format_args!("{} {what}", group.display()));
    let file = group.join("cgroup.subtree_control");
    let outcome = Outcome::of(put(&file, what.as_bytes()));
    actor.pause(300);
    // A leaf must not have any, or no process could join it.
    if !children(&group).is_empty() {
        let _ = put(&file, b"+memory +io +pids");
    }
    Ok(outcome)
}

pub fn migrate(actor: &mut Actor<'_>) -> Result<Outcome> {
    let (Some(pid), to) = (actor.victim(), actor.leaf()) else {
        return Ok(Outcome::Refused);
    };
    actor.say(format_args!("{pid} to {}", to.display()));
    Ok(Outcome::of(put(
        &to.join("cgroup.procs"),
        pid.to_string().as_bytes(),
    )))
}

/// Forks children that write a little and exit.
pub fn fork_storm(actor: &mut Actor<'_>) -> Result<Outcome> {
    let (group, path) = (actor.leaf(), actor.file());
    let number = 1 + actor.random.below(20);
    actor.say(format_args!("{number} in {}", group.display()));
    actor.child(Some(&group), 20, |actor| {
        for _ in 0..number {
            let at = actor.random.below(256) * PAGE as u64;
            control::spawn(|| {
                let mut options = OpenOptions::new();
                let file = options.write(true).create(true).truncate(false).open(&path);
                file.and_then(|file| file.write_all_at(&[0x3c; 4 * PAGE], at))
                    .context("write")
            })?;
        }
        for _ in 0..number {
            wait().context("wait")?;
        }
        Ok(())
    })
}

pub fn freeze(actor: &mut Actor<'_>) -> Result<Outcome> {
    let group = actor.group();
    actor.say(format_args!("{}", group.display()));
    let file = group.join("cgroup.freeze");
    let outcome = Outcome::of(put(&file, b"1"));
    actor.pause(1500);
    // It may be gone.
    let _ = put(&file, b"0");
    Ok(outcome)
}

pub fn kill(actor: &mut Actor<'_>) -> Result<Outcome> {
    let group = actor.group();
    actor.say(format_args!("{}", group.display()));
    let outcome = Outcome::of(put(&group.join("cgroup.kill"), b"1"));
    actor.pause(1000);
    Ok(outcome)
}

/// Makes an unrelated cgroup run out of memory.
pub fn out_of_memory(actor: &mut Actor<'_>) -> Result<Outcome> {
    let group = actor.world.top.join(&actor.name);
    if !group.exists() && fs::create_dir(&group).is_err() {
        return Ok(Outcome::Refused);
    }
    actor.say(group.display());
    let _ = put(&group.join("memory.swap.max"), b"0");
    let limited = put(&group.join("memory.max"), b"4M");
    let killed = actor.child(Some(&group), 20, |_| {
        let length = NonZeroUsize::new(8 << 20).ok_or("none")?;
        keep::map_anonymous(length, keep::Kind::Normal)?.fill(PAGE);
        Ok(())
    })?;
    remove(actor, &group);
    Ok(match (limited, killed) {
        (Ok(()), Outcome::Refused) => Outcome::Done,
        _ => Outcome::Refused,
    })
}
