// SPDX-License-Identifier: GPL-2.0

//! `fuzz`: writes generated values to the files and the mount option, from many processes at once,
//! with cgroups that vanish.
//!
//! Each process has a cgroup of its own, in which the value read after each write is known
//! beforehand; see [`grammar::reads_back`]. In the shared cgroups, which are removed and created
//! again meanwhile, only the errno is checked.

use crate::cgroup;
use crate::control;
use crate::error::Context;
use crate::error::Result;
use crate::grammar;
use crate::grammar::Kind;
use crate::mount;
use crate::random::Random;
use nix::errno::Errno;
use std::fs;
use std::fs::OpenOptions;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use std::time::Instant;

#[derive(clap::Args)]
pub struct Args {
    /// The cgroup below which test cgroups are created.
    #[arg(long)]
    cgroup: PathBuf,
    /// A directory to mount in.
    #[arg(long)]
    mounts: PathBuf,
    /// The seed from which the values are generated.
    #[arg(long)]
    seed: u64,
    /// How long to run, in seconds.
    #[arg(long)]
    seconds: u64,
    /// Number of processes that write values; as many others mount.
    #[arg(long, default_value_t = 2)]
    processes: usize,
}

const SHARED: u64 = 4;

struct Counters {
    taken: &'static AtomicU64,
    refused: &'static AtomicU64,
    mounted: &'static AtomicU64,
    vanished: &'static AtomicU64,
}

fn put(file: &Path, value: &[u8]) -> nix::Result<()> {
    let errno = |error: std::io::Error| Errno::from_raw(error.raw_os_error().unwrap_or(0));
    let file = OpenOptions::new().write(true).open(file).map_err(errno)?;
    match nix::unistd::write(&file, value)? {
        written if written == value.len() => Ok(()),
        // These files do not accept parts of a value.
        _ => Err(Errno::UnknownErrno),
    }
}

fn read(file: &Path) -> Result<String> {
    let text = fs::read_to_string(file).context(file.display())?;
    Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
}

/// Returns the other file of a pair, which is reset when a value is set here.
fn other(name: &str) -> Option<&'static str> {
    Some(match name {
        "memory.dirty_limit_in_bytes" => "memory.dirty_ratio",
        "memory.dirty_ratio" => "memory.dirty_limit_in_bytes",
        "memory.dirty_background_limit_in_bytes" => "memory.dirty_background_ratio",
        "memory.dirty_background_ratio" => "memory.dirty_background_limit_in_bytes",
        _ => return None,
    })
}

/// Writes one value to a cgroup that has no other writers.
fn own(random: &mut Random, group: &Path, counters: &Counters) -> Result<()> {
    let (name, kind) = *random.pick(&grammar::GROUP_FILES);
    let value = grammar::any(random, kind);
    let file = group.join(name);
    let what = || {
        let text = value.escape_ascii().to_string();
        let shown: String = text.chars().take(100).collect();
        format!("{name}: \"{shown}\" ({} bytes)", value.len())
    };
    let expected = grammar::reads_back(kind, &value);
    if kind == Kind::Trigger {
        return match (put(&file, &value), expected) {
            // There is nothing to write back or to recharge, so it either succeeds at once or
            // cannot be done.
            (Ok(()) | Err(Errno::EAGAIN), Some(_)) => {
                counters.taken.fetch_add(1, Relaxed);
                Ok(())
            }
            (Err(errno), None) if grammar::may_answer(Kind::Limit, errno) => {
                counters.refused.fetch_add(1, Relaxed);
                Ok(())
            }
            (result, expected) => Err(format!("{}: {result:?}, and not {expected:?}", what())),
        };
    }
    let before = read(&file)?;
    let result = put(&file, &value);
    let after = read(&file)?;
    match (result, expected) {
        (Ok(()), Some(expected)) if after == expected => {
            counters.taken.fetch_add(1, Relaxed);
            if let Some(other) = other(name) {
                let other = read(&group.join(other))?;
                if after != "max" && other != "max" {
                    return Err(format!("{}: {other} in the other file as well", what()));
                }
            }
            Ok(())
        }
        (Err(errno), None) if grammar::may_answer(kind, errno) => {
            counters.refused.fetch_add(1, Relaxed);
            if after == before {
                Ok(())
            } else {
                Err(format!(
                    "{}: refused, but {before} has become {after}",
                    what()
                ))
            }
        }
        (result, expected) => Err(format!(
            "{}: {result:?}, reads {after:?}, and not {expected:?}",
            what()
        )),
    }
}

/// Writes one value to a cgroup that may vanish at any time.
fn shared(random: &mut Random, top: &Path, counters: &Counters) -> Result<()> {
    let group = top.join(format!("shared{}", random.below(SHARED)));
    let (name, kind) = *random.pick(&grammar::GROUP_FILES);
    let value = grammar::any(random, kind);
    match put(&group.join(name), &value) {
        Ok(()) => {
            counters.taken.fetch_add(1, Relaxed);
        }
        Err(errno) if grammar::may_answer(kind, errno) => {
            counters.refused.fetch_add(1, Relaxed);
        }
        Err(errno) => {
            let value = value.escape_ascii();
            return Err(format!(
                "{name}: {value}: {errno}, which cannot be explained"
            ));
        }
    }
    let stat = group.join(random.pick(&grammar::GROUP_STATS));
    match fs::read_to_string(&stat) {
        Ok(text) => {
            let is_keyed = |line: &str| {
                let mut words = line.split(' ');
                let number = |word: &str| word == "max" || word.parse::<u64>().is_ok();
                words.next().is_some() && words.next().is_some_and(number) && words.next().is_none()
            };
            if text.lines().all(is_keyed) {
                Ok(())
            } else {
                Err(format!("{}: {text}", stat.display()))
            }
        }
        Err(error) => match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENODEV) => Ok(()),
            _ => Err(error).context(stat.display()),
        },
    }
}

/// Removes or creates one of the shared cgroups.
fn vanish(random: &mut Random, top: &Path, counters: &Counters) {
    let group = top.join(format!("shared{}", random.below(SHARED)));
    if fs::remove_dir(&group).is_ok() {
        counters.vanished.fetch_add(1, Relaxed);
    } else {
        // A cgroup that is kept by a mount or a write is created again under the same name.
        let _ = fs::create_dir(&group);
    }
}

/// Generates a value of `memcg=`, and returns whether it certainly names a cgroup or certainly does
/// not.
fn target(random: &mut Random, top: &Path, own: &Path) -> (String, Option<bool>) {
    let own_path = own.display().to_string();
    match random.below(14) {
        0..=3 => (own_path, Some(true)),
        4 => (format!("{own_path}//."), Some(true)),
        5 => (format!("{own_path}/"), Some(true)),
        6 => (
            format!("{}/shared{}", top.display(), random.below(SHARED)),
            None,
        ),
        7 => (format!("{}/none", top.display()), Some(false)),
        8 => (String::new(), Some(false)),
        9 => ("/proc".to_owned(), Some(false)),
        10 => (format!("{own_path}/memory.max"), Some(false)),
        11 => ("x".repeat(1 + random.below(5000) as usize), Some(false)),
        12 => (
            cgroup::mount_of(top).unwrap_or(top).display().to_string(),
            Some(false),
        ),
        _ => {
            let word = String::from_utf8_lossy(&grammar::any(random, Kind::Limit))
                .replace([',', '\0'], "_");
            (word, Some(false))
        }
    }
}

/// Makes one mount, by either API.
fn mount_one(random: &mut Random, args: &Args, own: &Path, counters: &Counters) -> Result<()> {
    let point = args.mounts.join(own.file_name().ok_or("no name")?);
    fs::create_dir_all(&point).context(point.display())?;
    let (value, names) = target(random, &args.cgroup, own);
    let others = ["size=1M", "mode=700", "huge=never", "nr_inodes=10"];
    let mut options = vec![format!("memcg={value}")];
    for option in others {
        if random.one_in(3) {
            let at = random.below(options.len() as u64 + 1) as usize;
            options.insert(at, option.to_owned());
        }
    }
    let twice = random.one_in(8);
    if twice {
        options.push(format!("memcg={value}"));
    }
    let by_descriptor = random.one_in(4) && !value.is_empty() && value.len() < 1000;
    let old = !by_descriptor && random.one_in(2);
    let result = if old {
        let kind = Some("tmpfs");
        let text = options.join(",");
        let flags = nix::mount::MsFlags::empty();
        nix::mount::mount(kind, &point, kind, flags, Some(text.as_str()))
    } else {
        let mut new = mount::Args::of("tmpfs", &point);
        new.options = options.clone();
        if by_descriptor {
            new.options.retain(|option| !option.starts_with("memcg="));
            new.descriptors.push(format!("memcg={value}"));
        }
        mount::attempt(&new)
    };
    let what = || format!("{}, {:?}", if old { "mount" } else { "fsconfig" }, options);
    match result {
        Ok(()) => {
            counters.mounted.fetch_add(1, Relaxed);
            let shown = fs::read_to_string("/proc/self/mounts").context("mounts")?;
            let point = point.display().to_string();
            let shown = shown.lines().find(|line| line.split(' ').nth(1) == Some(&point));
            let shown = shown.unwrap_or_default().to_owned();
            nix::mount::umount(point.as_str()).context(format_args!("umount after {}", what()))?;
            if names == Some(false) {
                return Err(format!("{}: mounted as {shown}", what()));
            }
            if !shown.contains("memcg=/") {
                return Err(format!("{}: shown as {shown}", what()));
            }
            Ok(())
        }
        Err(_) if names == Some(true) && !twice => Err(format!("{}: {result:?}", what())),
        Err(
            Errno::EINVAL
            | Errno::ENOENT
            | Errno::ENODEV
            | Errno::ENOTDIR
            | Errno::ENAMETOOLONG
            // For a descriptor of a file that cannot be opened this way.
            | Errno::EACCES
            | Errno::EBADF,
        ) => {
            counters.refused.fetch_add(1, Relaxed);
            Ok(())
        }
        // The old API has one page for the options.
        Err(Errno::EFAULT | Errno::E2BIG) if value.len() > 4000 => Ok(()),
        Err(errno) => Err(format!("{}: {errno}, which cannot be explained", what())),
    }
}

pub fn run(args: &Args) -> Result<()> {
    let shared_memory = control::shared_counters(5)?;
    let (stop, counters) = (
        &shared_memory[0],
        Counters {
            taken: &shared_memory[1],
            refused: &shared_memory[2],
            mounted: &shared_memory[3],
            vanished: &shared_memory[4],
        },
    );
    let signals = control::block_stop_signals()?;
    let end = Instant::now() + Duration::from_secs(args.seconds);
    let control = args.cgroup.join("cgroup.subtree_control");
    fs::write(&control, "+memory +io").context(control.display())?;
    let mut groups = Vec::new();
    for index in 0..2 * args.processes {
        let group = args.cgroup.join(format!("fuzz{index}"));
        fs::create_dir(&group).context(group.display())?;
        groups.push(group);
    }
    let (counters, top) = (&counters, &args.cgroup);
    let mut children = 0;
    let mut spawn = |name: String, mut step: Box<dyn FnMut(&mut Random) -> Result<()> + '_>| {
        children += 1;
        control::spawn(move || {
            let mut random = Random::of(args.seed, &name);
            while stop.load(Relaxed) == 0 && Instant::now() < end {
                // A process that finds something stops the others.
                step(&mut random)
                    .inspect_err(|_| stop.store(1, Relaxed))
                    .context(&name)?;
            }
            Ok(())
        })
        .map(drop)
    };
    spawn(
        "vanish".to_owned(),
        Box::new(|random| {
            vanish(random, top, counters);
            std::thread::sleep(Duration::from_millis(random.below(20)));
            Ok(())
        }),
    )?;
    for index in 0..args.processes {
        let group = &groups[index];
        spawn(
            format!("own{index}"),
            Box::new(move |random| own(random, group, counters)),
        )?;
        spawn(
            format!("shared{index}"),
            Box::new(move |random| shared(random, top, counters)),
        )?;
        let group = &groups[args.processes + index];
        spawn(
            format!("mount{index}"),
            Box::new(move |random| mount_one(random, args, group, counters)),
        )?;
    }
    let failed = control::wait_all(children, &signals, || stop.store(1, Relaxed))?;
    let count = |counter: &AtomicU64| counter.load(Relaxed);
    println!(
        "seed={} taken={} refused={} mounted={} vanished={}",
        args.seed,
        count(counters.taken),
        count(counters.refused),
        count(counters.mounted),
        count(counters.vanished)
    );
    if failed > 0 {
        return Err(format!("{failed} processes found something"));
    }
    Ok(())
}
