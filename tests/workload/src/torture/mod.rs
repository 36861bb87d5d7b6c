// SPDX-License-Identifier: GPL-2.0

//! `torture`: everything at once, from a seed.
//!
//! Each actor is a process that takes one random step after the other: one writes files, another
//! sets limits, a third removes cgroups, and so on; [`ACTORS`] lists them. The random numbers of an
//! actor follow from the seed and its name. The timing and the effects of the other actors do not,
//! so a seed reproduces a run only approximately.
//!
//! Most steps may fail because something is gone, full or busy. A finding is a failure that this
//! does not explain: a process that cannot be killed, an errno that a file must not return, a
//! module that cannot be removed. Other bugs are for the kernel's own checks to find, and for a
//! comparison of the statistics afterwards.
//!
//! A step is followed by a pause proportional to the processor time that it took, to leave a part
//! of the machine to the processes and kernel threads that the actors interact with.

mod files;
mod groups;
mod knobs;
mod machine;
mod memory;
mod module;
mod mounts;
mod world;

use crate::cgroup;
use crate::control;
use crate::error::Context;
use crate::error::Result;
use crate::random::Random;
use nix::sys::signal::SigSet;
use nix::sys::signal::Signal;
use nix::sys::wait::WaitPidFlag;
use nix::sys::wait::WaitStatus;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use std::time::Instant;
use world::Actor;
use world::Outcome;
use world::Step;
use world::World;

#[derive(clap::Args)]
pub struct Args {
    /// The cgroup below which everything happens.
    #[arg(long)]
    cgroup: PathBuf,
    /// A directory that the actors may write in (repeatable); each should be on a file system of its own.
    #[arg(long = "dir", required = true)]
    dirs: Vec<PathBuf>,
    /// A directory to mount file systems in.
    #[arg(long)]
    mounts: PathBuf,
    /// The module, which must be loaded, and is removed and loaded again meanwhile.
    #[arg(long)]
    module: PathBuf,
    /// Swap space to be enabled and disabled (repeatable).
    #[arg(long = "swap")]
    swaps: Vec<PathBuf>,
    /// The seed for the actors' random numbers.
    #[arg(long)]
    seed: u64,
    /// How long to run, in seconds.
    #[arg(long)]
    seconds: u64,
    /// How long a process may take to die, or a module to be removed, in seconds.
    #[arg(long, default_value_t = 120)]
    patience: u64,
    /// Run only these actors (repeatable).
    #[arg(long = "only")]
    only: Vec<String>,
    /// Do not run these actors (repeatable).
    #[arg(long = "without")]
    without: Vec<String>,
    /// Print each step on stderr before it is taken.
    #[arg(long)]
    verbose: bool,
}

/// The name, the number of processes, and the step.
const ACTORS: [(&str, usize, Step); 26] = [
    ("write", 3, files::write),
    ("splice", 1, files::splice),
    ("read", 1, files::read),
    ("limit", 1, knobs::limit),
    ("switch", 1, knobs::switch),
    ("look", 1, knobs::look),
    ("pressure", 1, knobs::pressure),
    ("service", 2, groups::service),
    ("tree", 1, groups::tree),
    ("control", 1, groups::control),
    ("migrate", 1, groups::migrate),
    ("fork", 1, groups::fork_storm),
    ("freeze", 1, groups::freeze),
    ("kill", 1, groups::kill),
    ("oom", 1, groups::out_of_memory),
    ("mount", 2, mounts::mount),
    ("huge", 1, memory::huge),
    ("pin", 1, memory::pin),
    ("fault", 1, memory::userfault),
    ("node", 1, memory::nodes),
    ("vm", 1, machine::vm),
    ("sync", 1, machine::sync),
    ("trace", 1, machine::trace),
    ("swap", 1, machine::swap),
    ("cpu", 1, machine::processor),
    ("module", 1, module::reload),
];

/// The counters of an actor, in shared memory.
struct Counters<'a> {
    done: &'a AtomicU64,
    refused: &'a AtomicU64,
}

/// Returns the processor time of this process and of the children that it has waited for.
fn processor_time() -> Result<Duration> {
    use nix::sys::resource::UsageWho;
    use nix::sys::resource::getrusage;
    let mut sum = Duration::ZERO;
    for who in [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN] {
        let usage = getrusage(who).context("getrusage")?;
        for time in [usage.user_time(), usage.system_time()] {
            sum += Duration::new(time.tv_sec() as u64, time.tv_usec() as u32 * 1000);
        }
    }
    Ok(sum)
}

/// Runs one actor until it is told to stop.
fn act(mut actor: Actor<'_>, name: &str, step: Step, counters: &Counters<'_>) -> Result<()> {
    // The OOM killer must not choose actors, or the torture could end unnoticed.
    fs::write("/proc/self/oom_score_adj", "-1000").context("oom_score_adj")?;
    // Use a separate session, so that a signal to the shell's group does not end only some of the
    // processes.
    let mut before = processor_time()?;
    while !actor.world.stopping() {
        let outcome = step(&mut actor).context(name)?;
        match outcome {
            Outcome::Done => counters.done,
            Outcome::Refused => counters.refused,
        }
        .fetch_add(1, Relaxed);
        let now = processor_time()?;
        let used = now.saturating_sub(before).mul_f64(actor.world.pause_factor);
        before = now;
        let least = Duration::from_millis(actor.random.below(20));
        actor.rest((used + least).min(Duration::from_secs(3)));
    }
    Ok(())
}

/// Describes where a process is, for the report.
fn describe(pid: Pid) -> String {
    let mut text = format!("process {pid}:");
    for file in ["comm", "cgroup", "wchan", "stack"] {
        if let Ok(content) = fs::read_to_string(format!("/proc/{pid}/{file}")) {
            text += &format!(" {file}: {}", content.trim_end());
        }
    }
    text
}

/// Waits for the actors. They are told to stop at the `end`, or later, as soon as
/// `each_did_something`: on a slow machine, some actors may not have taken a step by then. Returns
/// the number of failed actors.
fn wait_for(
    mut actors: BTreeMap<Pid, String>,
    world: &World,
    end: Instant,
    each_did_something: impl Fn() -> bool,
) -> Result<usize> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGCHLD);
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGINT);
    signals.thread_block().context("block signals")?;
    // An actor may wait for two children to die within one step.
    let latest = end + world.patience;
    let last = latest + 4 * world.patience;
    let mut failed = 0;
    loop {
        loop {
            let status = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(status) => status,
                Err(nix::errno::Errno::ECHILD) => return Ok(failed),
                Err(errno) => return Err(errno).context("wait for an actor"),
            };
            let Some(pid) = status.pid() else { break };
            let name = actors.remove(&pid).unwrap_or_default();
            if !matches!(status, WaitStatus::Exited(_, 0)) {
                eprintln!("workload: {name}: {status:?}");
                failed += 1;
                // The evidence may be gone in a moment.
                world.stop();
            }
        }
        let now = Instant::now();
        if now >= latest || now >= end && each_did_something() {
            world.stop();
        }
        if now >= last {
            for (pid, name) in &actors {
                eprintln!("workload: {name} does not end: {}", describe(*pid));
            }
            return Ok(failed + actors.len());
        }
        let until = if now < end {
            end
        } else if world.stopping() {
            last
        } else {
            now + Duration::from_secs(1)
        };
        if let Some(signal) = control::wait_signal(&signals, until - now)? {
            if signal != Signal::SIGCHLD {
                world.stop();
            }
        }
    }
}

pub fn run(args: &Args) -> Result<()> {
    let wanted = |name: &str| {
        let is = |other: &String| other == name;
        (args.only.is_empty() || args.only.iter().any(is)) && !args.without.iter().any(is)
    };
    for name in args.only.iter().chain(&args.without) {
        if !ACTORS.iter().any(|actor| actor.0 == name) {
            return Err(format!("there is no actor {name}"));
        }
    }
    let list: Vec<(String, usize)> = ACTORS
        .iter()
        .enumerate()
        .filter(|(_, actor)| wanted(actor.0))
        .flat_map(|(index, actor)| {
            (0..actor.1).map(move |instance| (format!("{}.{instance}", actor.0), index))
        })
        .collect();
    let shared = control::shared_counters(world::SHARED + 2 * ACTORS.len())?;
    let (own, counters) = shared.split_at(world::SHARED);
    let processors = cgroup::processors()?;
    let world = World {
        top: args.cgroup.clone(),
        dirs: args.dirs.clone(),
        mounts: args.mounts.clone(),
        module: args.module.clone(),
        swaps: args.swaps.clone(),
        patience: Duration::from_secs(args.patience),
        // Half of the machine is left for what the steps cause elsewhere.
        pause_factor: 2.0 * list.len() as f64 / processors as f64 - 1.0,
        verbose: args.verbose,
        shared: own,
    };
    world.make_groups()?;

    let end = Instant::now() + Duration::from_secs(args.seconds);
    let mut actors = BTreeMap::new();
    for (name, index) in &list {
        let actor = Actor {
            world: &world,
            random: Random::of(args.seed, name),
            name: name.clone(),
        };
        let counters = Counters {
            done: &counters[2 * index],
            refused: &counters[2 * index + 1],
        };
        let pid = control::spawn(|| act(actor, name, ACTORS[*index].2, &counters))?;
        actors.insert(pid, name.clone());
    }
    let each_did_something = || {
        ACTORS
            .iter()
            .zip(counters.chunks_exact(2))
            .all(|(actor, count)| !wanted(actor.0) || count[0].load(Relaxed) > 0)
    };
    let failed = wait_for(actors, &world, end, each_did_something)?;
    world.settle();

    let mut words = vec![format!("seed={} actors={}", args.seed, list.len())];
    words.extend(
        ACTORS
            .iter()
            .zip(counters.chunks_exact(2))
            .filter(|(actor, _)| wanted(actor.0))
            .map(|(actor, count)| {
                let [done, refused] = [0, 1].map(|index: usize| count[index].load(Relaxed));
                format!("{}={done}/{refused}", actor.0)
            }),
    );
    println!("{}", words.join(" "));
    if failed > 0 {
        return Err(format!("{failed} actors failed"));
    }
    Ok(())
}
