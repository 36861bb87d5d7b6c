// SPDX-License-Identifier: GPL-2.0

//! An actor that removes the module and loads it again.

use super::world::Actor;
use super::world::Outcome;
use crate::error::Context;
use crate::error::Result;
use crate::grammar;
use nix::errno::Errno;
use nix::kmod::DeleteModuleFlags;
use nix::kmod::ModuleInitFlags;
use nix::kmod::delete_module;
use nix::kmod::finit_module;
use std::fs;
use std::fs::File;
use std::time::Duration;
use std::time::Instant;

/// Removes and reloads the module. While there are no mounts that need it, removal must succeed
/// sooner or later: otherwise it is a finding.
pub fn reload(actor: &mut Actor<'_>) -> Result<Outcome> {
    let world = actor.world;
    actor.pause(4000);
    // While there are mounts, this usually fails at once.
    let _ = delete_module(c"memcg_knobs", DeleteModuleFlags::O_NONBLOCK);
    world.forbid_mounts(true);
    let mut end = Instant::now() + world.patience;
    let mut mounted = true;
    loop {
        match delete_module(c"memcg_knobs", DeleteModuleFlags::O_NONBLOCK) {
            Ok(()) => break,
            // It was removed above, or was not loaded.
            Err(Errno::ENOENT) => break,
            // EAGAIN: it is in use, for example by a mount; EBUSY: it is being loaded.
            Err(Errno::EAGAIN | Errno::EBUSY) => {}
            Err(errno) => return Err(errno).context("rmmod"),
        }
        if mounted && world.mounted() == 0 {
            mounted = false;
            end = Instant::now() + world.patience;
        }
        if world.stopping() && mounted {
            world.forbid_mounts(false);
            return Ok(Outcome::Refused);
        }
        if !mounted && Instant::now() >= end {
            return Err(format!(
                "the module does not come out {} s after the last mount is gone",
                world.patience.as_secs()
            ));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    actor.say("out");
    for (name, _) in grammar::GROUP_FILES {
        if world.top.join(name).exists() {
            return Err(format!("{name} is still there without the module"));
        }
    }
    actor.pause(1000);
    let file = File::open(&world.module).context(world.module.display())?;
    let end = Instant::now() + world.patience;
    loop {
        match finit_module(&file, c"", ModuleInitFlags::empty()) {
            Ok(()) => break,
            Err(Errno::EBUSY | Errno::EAGAIN) if Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(errno) => return Err(errno).context("insmod"),
        }
    }
    actor.say("in");
    world.forbid_mounts(false);
    if fs::exists(grammar::SWITCHES).unwrap_or(false) {
        Ok(Outcome::Done)
    } else {
        Err(format!(
            "{} is not there with the module",
            grammar::SWITCHES
        ))
    }
}
