// SPDX-License-Identifier: GPL-2.0

//! Joining a cgroup, reading its dirty and writeback bytes, and flushing statistics.

use crate::error::Context;
use crate::error::Result;
use clap::ValueEnum;
use nix::sched::CpuSet;
use nix::sched::sched_getaffinity;
use nix::sched::sched_setaffinity;
use nix::sys::mman::MapFlags;
use nix::sys::mman::MmapAdvise;
use nix::sys::mman::ProtFlags;
use nix::sys::mman::madvise;
use nix::sys::mman::mlock;
use nix::sys::mman::mmap_anonymous;
use nix::sys::mman::munlock;
use nix::sys::mman::munmap;
use nix::unistd::Pid;
use nix::unistd::SysconfVar;
use nix::unistd::sysconf;
use std::fs;
use std::fs::File;
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::path::Path;

const PAGE: usize = 4096;

/// Moves this process, and thus all processes that it forks later, to the cgroup.
pub fn join(dir: &Path) -> Result<()> {
    let procs = dir.join("cgroup.procs");
    fs::write(&procs, "0").context(format_args!("join {}", procs.display()))
}

/// Joins the cgroup if one was given.
pub fn join_if_given(dir: Option<&Path>) -> Result<()> {
    dir.map_or(Ok(()), join)
}

/// The number of changed pages per processor from which a reader of `memory.stat` flushes the
/// statistics.
const FLUSH_PAGES: usize = 64;

/// Returns the number of online processors.
pub fn processors() -> Result<usize> {
    let number = sysconf(SysconfVar::_NPROCESSORS_ONLN).context("number of processors")?;
    Ok(number.map_or(1, |number| number as usize))
}

/// Brings the statistics of all cgroups up to date, exactly.
///
/// A reader of `memory.stat` flushes the statistics only if enough has changed since the last
/// flush, so this makes enough changes; flushing the root flushes everything. But every two seconds
/// the kernel also flushes on its own, processor by processor, and resets the count of changes when
/// it starts, so a concurrent reader may get old figures. Hence there are two attempts.
pub fn flush(mount: &Path) -> Result<()> {
    let stat = mount.join("memory.stat");
    for _ in 0..2 {
        change_much()?;
        fs::read(&stat).context(stat.display())?;
    }
    Ok(())
}

/// Changes enough pages to make a reader of `memory.stat` flush the statistics.
fn change_much() -> Result<()> {
    let length = 4 * FLUSH_PAGES * processors()? * PAGE;
    let length = NonZeroUsize::new(length).ok_or("no processors")?;
    let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: A new anonymous mapping at an address of the kernel's choice aliases nothing.
    let memory = unsafe { mmap_anonymous(None, length, access, MapFlags::MAP_PRIVATE) }
        .context("map memory")?;
    // SAFETY: Both calls are given exactly the mapping made above, and no reference points into it.
    unsafe {
        // Huge pages would be too few changes; ignore the error of a kernel without them.
        let _ = madvise(memory, length.get(), MmapAdvise::MADV_NOHUGEPAGE);
        for at in (0..length.get()).step_by(PAGE) {
            memory.as_ptr().cast::<u8>().add(at).write_volatile(1);
        }
        munmap(memory, length.get())
    }
    .context("munmap")
}

/// Moves pages that wait in per-processor batches to their lists, on all processors that this
/// process may run on.
///
/// Locking or unlocking memory begins by draining the batches of the current processor.
pub fn drain() -> Result<()> {
    let this = Pid::from_raw(0);
    let allowed = sched_getaffinity(this).context("sched_getaffinity")?;
    let length = NonZeroUsize::new(PAGE).ok_or("no page")?;
    // SAFETY: A new anonymous mapping at an address of the kernel's choice aliases nothing.
    let memory =
        unsafe { mmap_anonymous(None, length, ProtFlags::PROT_READ, MapFlags::MAP_PRIVATE) }
            .context("map memory")?;
    for cpu in (0..CpuSet::count()).filter(|&cpu| allowed.is_set(cpu).unwrap_or(false)) {
        let mut one = CpuSet::new();
        one.set(cpu).context("processor")?;
        sched_setaffinity(this, &one).context("sched_setaffinity")?;
        // SAFETY: This changes nothing that a program can see.
        unsafe { mlock(memory, PAGE).and_then(|()| munlock(memory, PAGE)) }.context("mlock")?;
    }
    // SAFETY: This is the mapping made above, which no reference points into.
    unsafe { munmap(memory, PAGE) }.context("munmap")?;
    sched_setaffinity(this, &allowed).context("sched_setaffinity")
}

/// Returns the topmost ancestor of this cgroup.
pub fn mount_of(dir: &Path) -> Result<&Path> {
    dir.ancestors()
        .take_while(|dir| dir.join("cgroup.procs").exists())
        .last()
        .ok_or_else(|| format!("{}: not a cgroup", dir.display()))
}

/// Which file the figures are read from.
#[derive(Clone, Copy, ValueEnum)]
pub enum Source {
    /// The kernel's own `memory.stat`, which flushes its statistics when they are off by 64 pages per CPU: independent
    /// of what the module counts, and there on every kernel.
    Stat,
    /// The module's `memory.dirty_stat`.
    DirtyStat,
}

impl Source {
    fn file_and_keys(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Source::Stat => ("memory.stat", "file_dirty", "file_writeback"),
            Source::DirtyStat => ("memory.dirty_stat", "dirty", "writeback"),
        }
    }
}

/// A reading of the figures, in bytes.
#[derive(Clone, Copy)]
pub struct Reading {
    pub dirty: u64,
    pub writeback: u64,
}

impl Reading {
    pub fn total(self) -> u64 {
        self.dirty + self.writeback
    }
}

/// Reads the figures repeatedly from a file that stays open: a sample costs one system call.
pub struct Reader {
    file: File,
    name: String,
    keys: [&'static str; 2],
    buffer: Vec<u8>,
}

impl Reader {
    pub fn open(dir: &Path, source: Source) -> Result<Self> {
        let (file, dirty, writeback) = source.file_and_keys();
        let path = dir.join(file);
        let name = path.display().to_string();
        Ok(Self {
            file: File::open(&path).context(&name)?,
            name,
            keys: [dirty, writeback],
            buffer: vec![0; 16 * 1024],
        })
    }

    pub fn read(&mut self) -> Result<Reading> {
        let length = self.file.read_at(&mut self.buffer, 0).context(&self.name)?;
        let text = std::str::from_utf8(&self.buffer[..length]).context(&self.name)?;
        let value = |key: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))
                .ok_or_else(|| format!("{}: no line \"{key}\"", self.name))?
                .parse::<u64>()
                .context(format_args!("{}: {key}", self.name))
        };
        Ok(Reading {
            dirty: value(self.keys[0])?,
            writeback: value(self.keys[1])?,
        })
    }
}
