// SPDX-License-Identifier: GPL-2.0

//! An actor that mounts, uses and unmounts file systems whose pages are charged to a cgroup.

use super::world::Actor;
use super::world::Outcome;
use crate::error::Context;
use crate::error::Result;
use crate::keep;
use crate::mount;
use nix::errno::Errno;
use nix::mount::MsFlags;
use std::fs;
use std::fs::OpenOptions;
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

const PAGE: usize = 4096;

/// Mounts by the old or the new API, with the target given as a path or as a descriptor.
fn make(actor: &mut Actor<'_>, point: &Path, target: &Path) -> nix::Result<()> {
    let huge = *actor.random.pick(&["never", "always", "within_size"]);
    let target = target.display().to_string();
    let way = actor.random.below(3);
    actor.say(format_args!("way {way} {} {target}", point.display()));
    if way == 0 {
        let options = format!("size=16M,huge={huge},memcg={target}");
        let kind = Some("tmpfs");
        return nix::mount::mount(kind, point, kind, MsFlags::empty(), Some(options.as_str()));
    }
    let mut args = mount::Args::of("tmpfs", point);
    args.options = vec!["size=16M".to_owned(), format!("huge={huge}")];
    if way == 1 {
        args.options.push(format!("memcg={target}"));
    } else {
        args.descriptors.push(format!("memcg={target}"));
    }
    mount::attempt(&args)
}

/// Writes and maps files from various cgroups.
fn fill(actor: &mut Actor<'_>, dir: &Path) -> Result<Outcome> {
    let (group, path) = (
        actor.leaf(),
        dir.join(format!("f{}", actor.random.below(3))),
    );
    let length = NonZeroUsize::new(PAGE * (1 + actor.random.below(1024) as usize)).ok_or("none")?;
    let by_write = actor.random.one_in(2);
    actor.child(Some(&group), 20, |actor| {
        if by_write {
            let mut options = OpenOptions::new();
            let file = options.write(true).create(true).truncate(false).open(&path);
            let block = vec![0x77; length.get()];
            return file
                .and_then(|file| file.write_all_at(&block, 0))
                .context("write");
        }
        let memory = keep::map_file(&path, length)?;
        memory.touch(PAGE, true);
        actor.pause(200);
        memory.touch(PAGE, false);
        Ok(())
    })
}

/// Disturbs a file system while it is mounted.
fn disturb(actor: &mut Actor<'_>, point: &Path, target: &Path) {
    let none: Option<&str> = None;
    match actor.random.below(6) {
        0 => {
            // The target is removed, and other cgroups pay from then on.
            drop(fs::write(target.join("cgroup.kill"), "1"));
            drop(fs::remove_dir(target));
        }
        1 => {
            let options = Some("size=8M");
            let _ = nix::mount::mount(none, point, none, MsFlags::MS_REMOUNT, options);
        }
        2 => {
            // Changing the target, which is refused.
            let other = format!("memcg={}", actor.group().display());
            let options = Some(other.as_str());
            let _ = nix::mount::mount(none, point, none, MsFlags::MS_REMOUNT, options);
        }
        3 => {
            let path = point.join("f0");
            drop(
                OpenOptions::new()
                    .write(true)
                    .open(path)
                    .and_then(|file| file.set_len(0)),
            );
        }
        _ => {}
    }
}

/// Mounts an overlay with its upper layer in there, and unmounts it again.
fn overlay(actor: &mut Actor<'_>, point: &Path) -> Result<()> {
    let lower = actor.random.pick(&actor.world.dirs).clone();
    let (upper, work, merged) = (
        point.join("upper"),
        point.join("work"),
        point.join("merged"),
    );
    for dir in [&upper, &work, &merged] {
        if fs::create_dir_all(dir).is_err() {
            return Ok(());
        }
    }
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        lower.display(),
        upper.display(),
        work.display()
    );
    let kind = Some("overlay");
    let made = nix::mount::mount(
        kind,
        &merged,
        kind,
        MsFlags::empty(),
        Some(options.as_str()),
    );
    if made.is_ok() {
        fill(actor, &merged)?;
        unmount(actor, &merged)?;
    }
    Ok(())
}

/// Unmounts. All users have been waited for, so only reclaim and the like may keep it busy for a
/// moment.
fn unmount(actor: &Actor<'_>, point: &Path) -> Result<()> {
    let end = Instant::now() + actor.world.patience;
    loop {
        match nix::mount::umount(point) {
            Err(Errno::EBUSY) if Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(10));
            }
            result => return result.context(format_args!("umount {}", point.display())),
        }
    }
}

pub fn mount(actor: &mut Actor<'_>) -> Result<Outcome> {
    let world = actor.world;
    if !world.begin_mount() {
        actor.pause(500);
        return Ok(Outcome::Refused);
    }
    let (point, target) = (world.mounts.join(&actor.name), actor.group());
    fs::create_dir_all(&point).context(point.display())?;
    let outcome = match make(actor, &point, &target) {
        Ok(()) => {
            for _ in 0..1 + actor.random.below(4) {
                fill(actor, &point)?;
                disturb(actor, &point, &target);
            }
            if actor.random.one_in(3) {
                overlay(actor, &point)?;
            }
            unmount(actor, &point)?;
            Outcome::Done
        }
        // The target is gone, is the root of a delegated subtree or has no memory controller, or
        // the module is not loaded.
        Err(Errno::EINVAL | Errno::ENOENT | Errno::ENODEV | Errno::EOPNOTSUPP) => Outcome::Refused,
        Err(errno) => return Err(format!("{}: {errno}", target.display())),
    };
    world.end_mount();
    Ok(outcome)
}
