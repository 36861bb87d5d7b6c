// SPDX-License-Identifier: GPL-2.0

//! `cost`: measures the cost of one 4 KiB read or write, or of one fault in a shared mapping.
//!
//! The cost is given in nanoseconds of CLOCK_MONOTONIC, which in a guest that counts instructions
//! are instructions. A round is one pass over the file. The result is the mean of the middle half
//! of the rounds. It includes work that recurs every so many pages, such as the check of a dirty
//! limit or a timer tick, but not work that occurs once (initially empty caches, a journal commit).

use crate::cgroup;
use crate::error::Context;
use crate::error::Result;
use crate::stats::mean;
use clap::ValueEnum;
use nix::sys::mman::MapFlags;
use nix::sys::mman::ProtFlags;
use nix::sys::mman::mmap;
use nix::sys::mman::munmap;
use std::ffi::c_void;
use std::fs::File;
use std::fs::OpenOptions;
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::ptr::NonNull;
use std::thread::sleep;
use std::time::Duration;
use std::time::Instant;

const PAGE: usize = 4096;
const SETTLE: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, ValueEnum)]
enum Op {
    /// One `pread(2)` per page.
    Read,
    /// One `pwrite(2)` per page.
    Write,
    /// One store into a shared mapping per page.
    Fault,
}

#[derive(Clone, Copy, ValueEnum)]
enum Pages {
    /// The file was truncated to nothing: each page is new, and charged.
    Fresh,
    /// The file's pages are in memory, clean and not mapped: unless they are only read, each becomes dirty again.
    Clean,
}

#[derive(clap::Args)]
pub struct Args {
    /// The file; its content is lost.
    #[arg(long)]
    file: PathBuf,
    /// The operation to measure.
    #[arg(long, value_enum)]
    op: Op,
    /// The state of the pages at the start.
    #[arg(long, value_enum)]
    pages: Pages,
    /// Number of pages in each round.
    #[arg(long, default_value_t = 4096)]
    count: usize,
    /// Number of rounds.
    #[arg(long, default_value_t = 32)]
    rounds: usize,
    /// Join this cgroup first.
    #[arg(long)]
    cgroup: Option<PathBuf>,
}

fn write_pages(file: &File, count: usize) -> Result<Duration> {
    let block = [0x5a; PAGE];
    let start = Instant::now();
    for page in 0..count {
        file.write_all_at(&block, (page * PAGE) as u64)
            .context("write")?;
    }
    Ok(start.elapsed())
}

fn read_pages(file: &File, count: usize) -> Result<Duration> {
    let mut block = [0; PAGE];
    let start = Instant::now();
    for page in 0..count {
        file.read_exact_at(&mut block, (page * PAGE) as u64)
            .context("read")?;
    }
    Ok(start.elapsed())
}

fn fault_pages(file: &File, count: usize) -> Result<Duration> {
    let length = NonZeroUsize::new(count * PAGE).ok_or("no pages to fault")?;
    let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: A new mapping at an address of the kernel's choice aliases nothing in this process.
    let memory = unsafe { mmap(None, length, access, MapFlags::MAP_SHARED, file, 0) };
    let memory: NonNull<c_void> = memory.context("mmap")?;
    let first: *mut u8 = memory.as_ptr().cast();

    let start = Instant::now();
    for page in 0..count {
        // SAFETY: The page lies in the mapping, which no reference points into.
        unsafe { first.add(page * PAGE).write_volatile(1) };
    }
    let elapsed = start.elapsed();

    // SAFETY: This is the mapping made above, and nothing points into it any more.
    unsafe { munmap(memory, length.get()) }.context("munmap")?;
    Ok(elapsed)
}

pub fn run(args: &Args) -> Result<()> {
    if matches!((args.op, args.pages), (Op::Read, Pages::Fresh)) {
        return Err("there is nothing to read in a file that was truncated".to_owned());
    }
    cgroup::join_if_given(args.cgroup.as_deref())?;
    let name = args.file.display();
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(&args.file)
        .context(&name)?;
    let bytes = (args.count * PAGE) as u64;
    if matches!(args.pages, Pages::Clean) {
        write_pages(&file, args.count)?;
    }
    let mut rounds = Vec::new();
    for _ in 0..args.rounds {
        match args.pages {
            Pages::Fresh => file.set_len(0).context(&name)?,
            Pages::Clean => file.sync_all().context(&name)?,
        }
        // The kernel's threads have not finished yet (a journal thread wakes its waiters before it
        // cleans up), and there is no way to wait for them.
        sleep(SETTLE);
        let round = match args.op {
            Op::Read => read_pages(&file, args.count),
            Op::Write => write_pages(&file, args.count),
            Op::Fault => {
                file.set_len(bytes).context(&name)?;
                fault_pages(&file, args.count)
            }
        }
        .context(&name)?;
        rounds.push(round.as_nanos() as u64);
    }
    // Leave nothing dirty for the next measurement.
    file.set_len(0).context(&name)?;
    rounds.sort_unstable();
    let quarter = rounds.len() / 4;
    println!(
        "ns={:.2} count={} rounds={}",
        mean(&rounds[quarter..rounds.len() - quarter]) as f64 / args.count as f64,
        args.count,
        args.rounds,
    );
    Ok(())
}
