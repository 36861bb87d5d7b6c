// SPDX-License-Identifier: GPL-2.0

//! `full`: brings in the pages of a file one by one until there is no room, and prints how that was
//! reported.
//!
//! Each page is brought in by a system call, by a fault in a shared mapping, or by userfaultfd. A
//! fault for which there is no room ends a process with SIGBUS, so faults are made in a child.

use crate::cgroup;
use crate::control;
use crate::error::Context;
use crate::error::Result;
use crate::error::bytes;
use crate::keep;
use crate::stats::percentile;
use clap::ValueEnum;
use nix::sys::wait::WaitStatus;
use nix::sys::wait::waitpid;
use std::fs::File;
use std::fs::OpenOptions;
use std::num::NonZeroUsize;
use std::os::fd::FromRawFd;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Instant;

const PAGE: usize = 4096;

#[derive(clap::Args)]
pub struct Args {
    /// The file, which is created or extended.
    #[arg(long)]
    file: PathBuf,
    /// The maximum amount to bring in.
    #[arg(long, value_parser = bytes)]
    size: u64,
    /// How to bring in a page.
    #[arg(long, value_enum, default_value_t = How::Write)]
    how: How,
    /// Once it is full, try this many more times, and print how long the slowest of a hundred takes.
    #[arg(long, default_value_t = 0)]
    again: usize,
    /// Continue trying for this long, in seconds.
    #[arg(long)]
    seconds: Option<f64>,
    /// Number of processes, each with a file of its own, FILE.n.
    #[arg(long, default_value_t = 1)]
    writers: usize,
    /// Join this cgroup first.
    #[arg(long)]
    cgroup: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum How {
    /// `write(2)` of a page.
    Write,
    /// A write fault of a shared mapping.
    Mmap,
    /// `UFFDIO_COPY` into a shared mapping.
    Uffd,
}

/// State shared with the children: the progress that the next child needs, and the duration of each
/// failure.
struct Shared {
    pages: &'static AtomicU64,
    result: &'static AtomicU64,
    slowest_ns: &'static AtomicU64,
    failures: &'static AtomicU64,
}

fn shared(number: usize) -> Result<Vec<Shared>> {
    Ok(control::shared_counters(4 * number)?
        .chunks_exact(4)
        .map(|words| Shared {
            pages: &words[0],
            result: &words[1],
            slowest_ns: &words[2],
            failures: &words[3],
        })
        .collect())
}

/// A way to bring in a page.
enum Filler {
    Write(File),
    Fault(*mut u8),
    Copy { uffd: OwnedFd, start: *mut u8 },
}

// From include/uapi/linux/userfaultfd.h, for x86-64.
const UFFD_API: u64 = 0xaa;
const UFFDIO_API: libc::Ioctl = 0xc018_aa3f_u32 as libc::Ioctl;
const UFFDIO_REGISTER: libc::Ioctl = 0xc020_aa00_u32 as libc::Ioctl;
const UFFDIO_COPY: libc::Ioctl = 0xc028_aa03_u32 as libc::Ioctl;
const UFFD_FEATURE_MISSING_SHMEM: u64 = 1 << 5;
const UFFDIO_REGISTER_MODE_MISSING: u64 = 1;

fn register(start: *mut u8, length: usize) -> Result<OwnedFd> {
    // SAFETY: The call takes no pointer.
    let fd = unsafe { libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC) };
    if fd < 0 {
        return Err(std::io::Error::last_os_error()).context("userfaultfd");
    }
    // SAFETY: The descriptor was just returned, so nothing else owns it.
    let uffd = unsafe { OwnedFd::from_raw_fd(fd as i32) };
    let mut api = [UFFD_API, UFFD_FEATURE_MISSING_SHMEM, 0];
    let mut range = [start as u64, length as u64, UFFDIO_REGISTER_MODE_MISSING, 0];
    control(&uffd, UFFDIO_API, api.as_mut_ptr()).context("UFFDIO_API")?;
    control(&uffd, UFFDIO_REGISTER, range.as_mut_ptr()).context("UFFDIO_REGISTER")?;
    Ok(uffd)
}

fn control(uffd: &OwnedFd, request: libc::Ioctl, words: *mut u64) -> nix::Result<()> {
    use std::os::fd::AsRawFd;
    // SAFETY: `words` has the size that is encoded in `request`, and is borrowed exclusively for
    // the call.
    nix::errno::Errno::result(unsafe { libc::ioctl(uffd.as_raw_fd(), request, words) }).map(drop)
}

impl Filler {
    fn new(args: &Args, path: &std::path::Path) -> Result<Self> {
        if args.how == How::Write {
            let mut options = OpenOptions::new();
            let file = options.write(true).create(true).truncate(false).open(path);
            return Ok(Self::Write(file.context(path.display())?));
        }
        let length = NonZeroUsize::new(args.size as usize).ok_or("nothing to bring in")?;
        let start = keep::map_file(path, length)?.start.as_ptr();
        Ok(match args.how {
            How::Uffd => Self::Copy {
                uffd: register(start, length.get())?,
                start,
            },
            _ => Self::Fault(start),
        })
    }

    fn page(&self, number: u64) -> nix::Result<()> {
        let at = number as usize * PAGE;
        let data = [0x5a_u8; PAGE];
        match self {
            Self::Write(file) => match file.write_at(&data, at as u64) {
                Ok(PAGE) => Ok(()),
                Ok(_) => Err(nix::errno::Errno::EIO),
                Err(error) => Err(nix::errno::Errno::from_raw(
                    error.raw_os_error().unwrap_or(0),
                )),
            },
            Self::Fault(start) => {
                // SAFETY: The byte lies in the mapping, which no reference points into.
                unsafe { start.add(at).write_volatile(1) };
                Ok(())
            }
            Self::Copy { uffd, start } => {
                let mut copy = [
                    *start as u64 + at as u64,
                    data.as_ptr() as u64,
                    PAGE as u64,
                    0,
                    0,
                ];
                control(uffd, UFFDIO_COPY, copy.as_mut_ptr())
            }
        }
    }
}

/// Brings in pages until there is no room, then continues for as long as requested.
fn fill(args: &Args, path: &std::path::Path, shared: &Shared) -> Result<()> {
    let filler = Filler::new(args, path)?;
    let begin = Instant::now();
    let mut times = Vec::new();
    loop {
        let page = shared.pages.load(Ordering::Relaxed);
        if page == args.size / PAGE as u64 {
            break;
        }
        let start = Instant::now();
        match filler.page(page) {
            Ok(()) => shared.pages.store(page + 1, Ordering::Relaxed),
            Err(errno) => {
                shared.result.store(errno as u64, Ordering::Relaxed);
                shared.failures.fetch_add(1, Ordering::Relaxed);
                times.push(start.elapsed().as_nanos() as u64);
                let more = match args.seconds {
                    Some(seconds) => begin.elapsed().as_secs_f64() < seconds,
                    None => times.len() <= args.again,
                };
                if !more {
                    break;
                }
            }
        }
    }
    times.sort_unstable();
    shared
        .slowest_ns
        .store(percentile(&times, 99), Ordering::Relaxed);
    Ok(())
}

pub fn run(args: &Args) -> Result<()> {
    cgroup::join_if_given(args.cgroup.as_deref())?;
    let all = shared(args.writers)?;
    let mut children = Vec::new();
    for (number, shared) in all.iter().enumerate() {
        let mut path = args.file.clone().into_os_string();
        path.push(format!(".{number}"));
        children.push(control::spawn(|| fill(args, path.as_ref(), shared))?);
    }
    let mut words: Vec<String> = Vec::new();
    for (child, shared) in children.into_iter().zip(&all) {
        let word = match waitpid(child, None).context("wait")? {
            WaitStatus::Exited(_, 0) => match shared.result.load(Ordering::Relaxed) {
                0 => "ok".to_owned(),
                errno => format!("{:?}", nix::errno::Errno::from_raw(errno as i32)),
            },
            WaitStatus::Signaled(_, signal, _) => signal.as_str().to_owned(),
            status => return Err(format!("a writer ended with {status:?}")),
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    let sum = |word: fn(&Shared) -> &AtomicU64| -> u64 {
        all.iter().map(|s| word(s).load(Ordering::Relaxed)).sum()
    };
    let slowest = all.iter().map(|s| s.slowest_ns.load(Ordering::Relaxed));
    println!(
        "result={} bytes={} failures={} p99_us={}",
        words.join(","),
        sum(|s| s.pages) * PAGE as u64,
        sum(|s| s.failures),
        slowest.max().unwrap_or(0) / 1000,
    );
    Ok(())
}
