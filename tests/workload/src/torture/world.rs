// SPDX-License-Identifier: GPL-2.0

//! What the actors share: cgroups, directories, flags; and running work in a child process.

use crate::cgroup;
use crate::control;
use crate::error::Context;
use crate::error::Result;
use crate::random::Random;
use nix::errno::Errno;
use nix::sys::signal::SigSet;
use nix::sys::signal::Signal;
use nix::sys::signal::kill;
use nix::sys::wait::WaitPidFlag;
use nix::sys::wait::WaitStatus;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use std::fs;
use std::fs::OpenOptions;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use std::time::Instant;

/// The outcome of a step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Something was gone, full or busy.
    Refused,
}

impl Outcome {
    pub fn of<T, E>(result: Result<T, E>) -> Self {
        match result {
            Ok(_) => Self::Done,
            Err(_) => Self::Refused,
        }
    }
}

/// A step of an actor. It returns an error for a finding.
pub type Step = fn(&mut Actor<'_>) -> Result<Outcome>;

/// The number of counters that the actors share.
pub const SHARED: usize = 3;
const STOP: usize = 0;
/// Set while the module is being removed, so that no mounts are made that need it.
const NO_MOUNTS: usize = 1;
/// The number of mounts that need the module.
const MOUNTS: usize = 2;

pub struct World {
    pub top: PathBuf,
    pub dirs: Vec<PathBuf>,
    pub mounts: PathBuf,
    pub module: PathBuf,
    pub swaps: Vec<PathBuf>,
    pub patience: Duration,
    pub pause_factor: f64,
    pub verbose: bool,
    pub shared: &'static [AtomicU64],
}

/// The cgroups that always exist; an actor creates and removes others.
const GROUPS: [&str; 8] = [
    "tenant0/a",
    "tenant0/b",
    "tenant1/a",
    "tenant1/b/deep/deeper",
    "tenant2",
    "tenant3/a",
    "service",
    "storm",
];

/// The controllers that cgroups have.
const CONTROLLERS: &str = "+memory +io +pids";

impl World {
    pub fn stopping(&self) -> bool {
        self.shared[STOP].load(Relaxed) != 0
    }

    pub fn stop(&self) {
        self.shared[STOP].store(1, Relaxed);
    }

    pub fn make_groups(&self) -> Result<()> {
        for name in GROUPS {
            let mut at = self.top.clone();
            for part in name.split('/') {
                let control = at.join("cgroup.subtree_control");
                fs::write(&control, CONTROLLERS).context(control.display())?;
                at.push(part);
                if !at.exists() {
                    fs::create_dir(&at).context(at.display())?;
                }
            }
        }
        Ok(())
    }

    /// Makes sure that processes in there can be killed, and everything can be removed.
    pub fn settle(&self) {
        fn thaw(dir: &Path) {
            // A cgroup that is gone need not be thawed.
            let _ = fs::write(dir.join("cgroup.freeze"), "0");
            for child in children(dir) {
                thaw(&child);
            }
        }
        thaw(&self.top);
    }

    /// Counts a mount that needs the module, unless that is being removed.
    pub fn begin_mount(&self) -> bool {
        self.shared[MOUNTS].fetch_add(1, SeqCst);
        if self.shared[NO_MOUNTS].load(SeqCst) != 0 {
            self.end_mount();
            return false;
        }
        true
    }

    pub fn end_mount(&self) {
        self.shared[MOUNTS].fetch_sub(1, SeqCst);
    }

    /// Forbids or allows new mounts.
    pub fn forbid_mounts(&self, forbid: bool) {
        self.shared[NO_MOUNTS].store(u64::from(forbid), SeqCst);
    }

    pub fn mounted(&self) -> u64 {
        self.shared[MOUNTS].load(SeqCst)
    }
}

/// Returns the children of a cgroup.
pub fn children(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut list: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    // Sort, so that a number always selects the same one.
    list.sort();
    list
}

/// Writes a value with a single system call.
pub fn put(file: &Path, value: &[u8]) -> nix::Result<()> {
    let errno = |error: std::io::Error| Errno::from_raw(error.raw_os_error().unwrap_or(0));
    let file = OpenOptions::new().write(true).open(file).map_err(errno)?;
    nix::unistd::write(&file, value).map(drop)
}

pub struct Actor<'w> {
    pub world: &'w World,
    pub random: Random,
    pub name: String,
}

impl Actor<'_> {
    /// Logs a step, to show what brought down the machine.
    pub fn say(&self, what: impl std::fmt::Display) {
        if self.world.verbose {
            eprintln!("{} {what}", self.name);
        }
    }

    /// Sleeps, but no longer than until the end.
    pub fn rest(&self, time: Duration) {
        let end = Instant::now() + time;
        while !self.world.stopping() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            std::thread::sleep(left.min(Duration::from_millis(200)));
        }
    }

    /// Sleeps for a random time of less than `most` milliseconds.
    pub fn pause(&mut self, most: u64) {
        let time = Duration::from_millis(self.random.below(most));
        self.rest(time);
    }

    /// Returns any cgroup below the top one.
    pub fn group(&mut self) -> PathBuf {
        let mut at = self.world.top.clone();
        loop {
            let below = children(&at);
            if below.is_empty() || (at != self.world.top && self.random.one_in(3)) {
                return at;
            }
            at = self.random.pick(&below).clone();
        }
    }

    /// Returns a cgroup that processes can join, unless another actor creates one below it
    /// meanwhile.
    pub fn leaf(&mut self) -> PathBuf {
        let mut at = self.world.top.clone();
        loop {
            let below = children(&at);
            if below.is_empty() {
                return at;
            }
            at = self.random.pick(&below).clone();
        }
    }

    /// Returns a process that currently runs in one of the cgroups.
    pub fn victim(&mut self) -> Option<Pid> {
        let list = fs::read_to_string(self.leaf().join("cgroup.procs")).ok()?;
        let pids: Vec<i32> = list.lines().filter_map(|line| line.parse().ok()).collect();
        // A process of another namespace is shown as 0.
        let pid = (!pids.is_empty()).then(|| *self.random.pick(&pids))?;
        (pid > 0).then(|| Pid::from_raw(pid))
    }

    /// Returns a file that exists or may be created.
    pub fn file(&mut self) -> PathBuf {
        let dir = self.random.pick(&self.world.dirs);
        dir.join(format!("file{}", self.random.below(6)))
    }

    /// Runs `work` in a child process for a limited number of seconds, in a cgroup if one is given.
    /// Returns whether it ran to its end; if the child cannot be killed, that is a finding.
    pub fn child(
        &mut self,
        group: Option<&Path>,
        seconds: u64,
        work: impl FnOnce(&mut Actor<'_>) -> Result<()>,
    ) -> Result<Outcome> {
        let mut actor = Actor {
            world: self.world,
            random: self.random.split(),
            name: self.name.clone(),
        };
        let verbose = self.world.verbose;
        let pid = control::spawn(|| {
            fs::write("/proc/self/oom_score_adj", "500").context("oom_score_adj")?;
            let result = cgroup::join_if_given(group).and_then(|()| work(&mut actor));
            if let (Err(error), true) = (&result, verbose) {
                eprintln!("{} {error}", actor.name);
            }
            // This failure need not be reported.
            std::process::exit(i32::from(result.is_err()))
        })?;
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGCHLD);
        signals.thread_block().context("block signals")?;
        let mut deadline = Instant::now() + Duration::from_secs(seconds);
        let mut killed = None;
        loop {
            match waitpid(pid, Some(WaitPidFlag::WNOHANG)).context("wait for a child")? {
                WaitStatus::StillAlive => {}
                WaitStatus::Exited(_, 0) => return Ok(Outcome::Done),
                _ => break,
            }
            let now = Instant::now();
            if now >= deadline || (killed.is_none() && self.world.stopping()) {
                if let Some(at) = killed {
                    let took = now.duration_since(at).as_secs();
                    return Err(format!(
                        "does not die {took} s after SIGKILL: {}",
                        super::describe(pid)
                    ));
                }
                kill(pid, Signal::SIGKILL).context("kill")?;
                killed = Some(now);
                deadline = now + self.world.patience;
            }
            let wait = deadline.saturating_duration_since(now);
            // No signal is sent when everything is to stop, so check regularly.
            control::wait_signal(&signals, wait.min(Duration::from_millis(500)))?;
        }
        Ok(Outcome::Refused)
    }
}
