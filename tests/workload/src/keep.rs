// SPDX-License-Identifier: GPL-2.0

//! `keep`: a process that holds memory until it is asked to stop.
//!
//! It prints a line on stdout when it holds all of the memory (`ready=1`; with `--will-need` first
//! `asked=1`, and it touches the pages after SIGUSR1), and a line when it has handled a signal:
//! SIGUSR1 to touch each page again (`touched=N`), SIGUSR2 to release the pins on the pages
//! (`released=1`), which stay mapped. SIGTERM and SIGINT end it.

use crate::cgroup;
use crate::error::Context;
use crate::error::Result;
use crate::error::bytes;
use clap::ValueEnum;
use io_uring::IoUring;
use nix::fcntl::FcntlArg;
use nix::fcntl::SpliceFFlags;
use nix::fcntl::fcntl;
use nix::fcntl::vmsplice;
use nix::sys::mman::MapFlags;
use nix::sys::mman::MmapAdvise;
use nix::sys::mman::ProtFlags;
use nix::sys::mman::madvise;
use nix::sys::mman::mlock;
use nix::sys::mman::mmap;
use nix::sys::mman::mmap_anonymous;
use nix::sys::mman::munmap;
use nix::sys::signal::SigSet;
use nix::sys::signal::Signal;
use std::any::Any;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::IoSlice;
use std::io::Write;
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::ptr::NonNull;
use std::thread::spawn;

#[derive(clap::Args)]
pub struct Args {
    /// Map this file, shared; without it the memory is anonymous.
    #[arg(long)]
    file: Option<PathBuf>,
    /// How much memory; a shorter file is extended.
    #[arg(long, value_parser = bytes)]
    size: u64,
    /// The kind of memory.
    #[arg(long, value_enum, default_value_t = Kind::Normal, conflicts_with = "file")]
    kind: Kind,
    /// Write to each page; otherwise a file's pages are read. Anonymous memory is always written.
    #[arg(long)]
    write: bool,
    /// Ask for a file's pages by `MADV_WILLNEED` before any of them is touched.
    #[arg(long, requires = "file")]
    will_need: bool,
    /// Lock it into memory.
    #[arg(long)]
    lock: bool,
    /// Collapse it into huge pages where that is possible at once.
    #[arg(long)]
    collapse: bool,
    /// After that, free every second page.
    #[arg(long)]
    sparse: bool,
    /// Move it to this memory node, even if other processes map it.
    #[arg(long)]
    node: Option<u32>,
    /// How to take additional references to the pages.
    #[arg(long, value_enum)]
    pin: Option<Pin>,
    /// The file for `--pin direct`.
    #[arg(long)]
    into: Option<PathBuf>,
    /// Join this cgroup first.
    #[arg(long)]
    cgroup: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Pages that a process maps.
    Normal,
    /// Transparent huge pages, where the kernel has any.
    Huge,
    /// Pages of the hugetlb pool.
    Hugetlb,
    /// Kernel memory: full pipes.
    Pipes,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Pin {
    /// `vmsplice(2)` into pipes that no process reads.
    Pipe,
    /// Buffers registered with io_uring.
    Ring,
    /// `write(2)` with O_DIRECT, until all of it is on disk.
    Direct,
}

/// Flags of `mbind(2)`, from `linux/mempolicy.h`: fail if a page is not moved, and also move pages
/// that others map.
const MPOL_MF_STRICT: u32 = 1 << 0;
const MPOL_MF_MOVE_ALL: u32 = 1 << 2;

const PAGE: usize = 4096;
const HUGE_PAGE: usize = 2 << 20;
/// The maximum size of a pipe for unprivileged users.
const PIPE: usize = 1 << 20;

/// A mapping that lives as long as the process.
#[derive(Clone, Copy)]
pub struct Memory {
    pub start: NonNull<u8>,
    length: usize,
}

impl Memory {
    /// Touches each page, or rather each `step`th byte.
    pub fn touch(self, step: usize, write: bool) {
        for at in (0..self.length).step_by(step) {
            // SAFETY: The byte lies in the mapping, which no reference points into while it is written.
            unsafe {
                let byte = self.start.add(at).as_ptr();
                let value = byte.read_volatile();
                if write {
                    byte.write_volatile(value.wrapping_add(1));
                }
            }
        }
    }

    /// Writes to each page of new memory. Reading it first would map zero pages, which are then
    /// replaced by small pages.
    pub fn fill(self, step: usize) {
        for at in (0..self.length).step_by(step) {
            // SAFETY: As above.
            unsafe { self.start.add(at).as_ptr().write_volatile(1) }
        }
    }

    pub fn length(self) -> usize {
        self.length
    }

    /// Unmaps the memory.
    pub fn unmap(self) {
        // SAFETY: This is the whole mapping. No reference points into it, and it is consumed.
        let _ = unsafe { munmap(self.start.cast(), self.length) };
    }

    /// Returns up to `length` bytes of it, starting at `at`.
    pub fn part(self, at: usize, length: usize) -> Self {
        let at = at.min(self.length - PAGE);
        Self {
            // SAFETY: The byte lies in the mapping.
            start: unsafe { self.start.add(at) },
            length: length.min(self.length - at),
        }
    }

    fn bytes(self) -> &'static [u8] {
        // SAFETY: The mapping is readable and stays. Its content may change, but only the kernel
        // accesses the bytes through this slice.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

/// Maps the file, shared; creates or extends it if necessary.
pub fn map_file(path: &Path, length: NonZeroUsize) -> Result<Memory> {
    let name = path.display();
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .context(&name)?;
    if file.metadata().context(&name)?.len() < length.get() as u64 {
        file.set_len(length.get() as u64).context(&name)?;
    }
    let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: A new mapping at an address of the kernel's choice aliases nothing in this process.
    let start = unsafe { mmap(None, length, access, MapFlags::MAP_SHARED, &file, 0) };
    Ok(Memory {
        start: start.context(&name)?.cast(),
        length: length.get(),
    })
}

pub fn map_anonymous(length: NonZeroUsize, kind: Kind) -> Result<Memory> {
    let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    let (flags, align) = match kind {
        Kind::Hugetlb => (MapFlags::MAP_PRIVATE | MapFlags::MAP_HUGETLB, 0),
        Kind::Huge => (MapFlags::MAP_PRIVATE, HUGE_PAGE),
        _ => (MapFlags::MAP_PRIVATE, 0),
    };
    let room = length.checked_add(align).ok_or("too much memory")?;
    // SAFETY: A new mapping at an address of the kernel's choice aliases nothing in this process.
    let start = unsafe { mmap_anonymous(None, room, access, flags) }.context("mmap")?;
    let skip = match align {
        0 => 0,
        align => start.cast::<u8>().align_offset(align),
    };
    // SAFETY: The room exceeds the length by the most that alignment can skip.
    let start = unsafe { start.cast::<u8>().add(skip) };
    let advice = match kind {
        Kind::Huge => Some(MmapAdvise::MADV_HUGEPAGE),
        Kind::Normal => Some(MmapAdvise::MADV_NOHUGEPAGE),
        Kind::Hugetlb | Kind::Pipes => None,
    };
    if let Some(advice) = advice {
        // SAFETY: This affects only the new mapping, and not its content.
        unsafe { madvise(start.cast(), length.get(), advice) }.context("madvise")?;
    }
    Ok(Memory {
        start,
        length: length.get(),
    })
}

/// Creates a pipe that holds `PIPE` bytes or pages.
fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    let (read, write) = nix::unistd::pipe().context("pipe")?;
    fcntl(&write, FcntlArg::F_SETPIPE_SZ(PIPE as i32)).context("size of a pipe")?;
    Ok((read, write))
}

/// A value that keeps the pages pinned until it is dropped.
pub type Pinned = Box<dyn Any>;

fn fill_pipes(size: usize) -> Result<Vec<(OwnedFd, OwnedFd)>> {
    let block = vec![0x5a; PIPE];
    let mut pipes = Vec::new();
    for _ in 0..size.div_ceil(PIPE) {
        let (read, write) = pipe()?;
        let mut sink = File::from(write);
        sink.write_all(&block).context("fill a pipe")?;
        pipes.push((read, sink.into()));
    }
    Ok(pipes)
}

pub fn pin(memory: Memory, how: Pin, into: Option<&Path>) -> Result<Pinned> {
    Ok(match how {
        Pin::Pipe => {
            let mut pipes = Vec::new();
            // There must be a slot for each page; the pipe's size in bytes determines the number of
            // slots.
            for part in memory.bytes().chunks(PIPE) {
                let pipe = pipe()?;
                let taken = vmsplice(&pipe.1, &[IoSlice::new(part)], SpliceFFlags::empty())
                    .context("vmsplice")?;
                if taken != part.len() {
                    return Err(format!("a pipe took {taken} bytes of {}", part.len()));
                }
                pipes.push(pipe);
            }
            Box::new(pipes)
        }
        Pin::Ring => {
            let ring = IoUring::new(1).context("set up io_uring")?;
            let buffer = libc::iovec {
                iov_base: memory.start.as_ptr().cast(),
                iov_len: memory.length,
            };
            // SAFETY: The buffer is a mapping that lives as long as the process, and no request is
            // ever submitted.
            unsafe { ring.submitter().register_buffers(&[buffer]) }
                .context("register buffers with io_uring")?;
            Box::new(ring)
        }
        Pin::Direct => {
            let path = into.ok_or("--pin direct needs --into")?;
            let file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .custom_flags(libc::O_DIRECT)
                .open(path)
                .context(path.display())?;
            let bytes = memory.bytes();
            Box::new(spawn(move || {
                if let Err(error) = file.write_all_at(bytes, 0) {
                    eprintln!("workload: direct write: {error}");
                    std::process::exit(1);
                }
                println!("written=1");
            }))
        }
    })
}

fn give_back(memory: Memory, step: usize) -> Result<()> {
    for at in (step..memory.length).step_by(2 * step) {
        // SAFETY: The page lies in the mapping, and is not touched again: see `step` in `run`.
        unsafe { munmap(memory.start.add(at).cast(), step) }.context("munmap")?;
    }
    Ok(())
}

fn move_to(memory: Memory, node: u32) -> Result<()> {
    let nodes = 1_u64.checked_shl(node).ok_or("no such node")?;
    // SAFETY: The memory's content does not change, and the mask has the given number of bits.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mbind,
            memory.start.as_ptr(),
            memory.length,
            libc::MPOL_BIND,
            &raw const nodes,
            u64::BITS,
            MPOL_MF_STRICT | MPOL_MF_MOVE_ALL,
        )
    };
    nix::errno::Errno::result(result).map(drop).context("mbind")
}

pub fn run(args: &Args) -> Result<()> {
    cgroup::join_if_given(args.cgroup.as_deref())?;
    // Before any thread is started, as threads inherit this.
    let mut signals = SigSet::empty();
    for signal in [
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
    ] {
        signals.add(signal);
    }
    signals.thread_block().context("block signals")?;

    let length = NonZeroUsize::new(args.size as usize).ok_or("nothing to keep")?;
    let page = match args.kind {
        Kind::Hugetlb => HUGE_PAGE,
        _ => PAGE,
    };
    let mut step = page;
    let write = args.write || args.file.is_none();
    let mut pinned: Option<Pinned> = None;
    let mut memory = None;
    if args.kind == Kind::Pipes {
        pinned = Some(Box::new(fill_pipes(length.get())?));
    } else {
        let mapped = match &args.file {
            Some(path) => map_file(path, length)?,
            None => map_anonymous(length, args.kind)?,
        };
        if args.will_need {
            // SAFETY: The memory's content does not change.
            unsafe {
                madvise(
                    mapped.start.cast(),
                    mapped.length,
                    MmapAdvise::MADV_WILLNEED,
                )
            }
            .context("MADV_WILLNEED")?;
            println!("asked=1");
            if signals.wait().context("wait for a signal")? != Signal::SIGUSR1 {
                return Ok(());
            }
        }
        if args.file.is_none() {
            mapped.fill(step);
        } else {
            mapped.touch(step, write);
        }
        if args.collapse {
            let (start, length) = (mapped.start.as_ptr().cast(), mapped.length);
            // SAFETY: The memory's content does not change.
            let result = unsafe { libc::madvise(start, length, libc::MADV_COLLAPSE) };
            nix::errno::Errno::result(result).context("collapse")?;
        }
        if args.lock {
            // SAFETY: Locking memory does not change its content.
            unsafe { mlock(mapped.start.cast(), mapped.length) }.context("mlock")?;
        }
        if let Some(node) = args.node {
            move_to(mapped, node)?;
        }
        if args.sparse {
            give_back(mapped, page)?;
            step = 2 * page;
        }
        if let Some(how) = args.pin {
            pinned = Some(pin(mapped, how, args.into.as_deref())?);
        }
        memory = Some(mapped);
    }
    println!("ready=1");

    let mut touched = 0;
    loop {
        match signals.wait().context("wait for a signal")? {
            Signal::SIGUSR1 => {
                if let Some(memory) = memory {
                    memory.touch(step, write);
                }
                touched += 1;
                println!("touched={touched}");
            }
            Signal::SIGUSR2 => {
                drop(pinned.take());
                println!("released=1");
            }
            _ => break,
        }
    }
    println!("bytes={}", args.size);
    Ok(())
}
