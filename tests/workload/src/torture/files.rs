// SPDX-License-Identifier: GPL-2.0

//! Actors that write and read files.

use super::world::Actor;
use super::world::Outcome;
use crate::error::Context;
use crate::error::Result;
use crate::keep;
use crate::sink;
use crate::sink::AlignedBlock;
use crate::sink::Mode;
use crate::sink::Target;
use nix::fcntl::FallocateFlags;
use nix::fcntl::SpliceFFlags;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::num::NonZeroUsize;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const PAGE: u64 = 4096;
/// The maximum length of a file.
const MOST: u64 = 4 << 20;

fn open(path: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .context(path.display())
}

/// Writes a stretch of a file in one of the available ways, sometimes with a disturbance.
fn write_some(actor: &mut Actor<'_>, path: &Path) -> Result<()> {
    let mode = *actor.random.pick(&[
        Mode::Write,
        Mode::Write,
        Mode::Mmap,
        Mode::Uring,
        Mode::UringNowait,
        Mode::Direct,
    ]);
    let block = PAGE << actor.random.below(9);
    let offset = actor.random.below((MOST - block) / PAGE) * PAGE;
    let size = block * (1 + actor.random.below((MOST - offset) / block));
    let mut sink = sink::open(
        mode,
        &Target {
            path,
            offset,
            size,
            block,
            depth: 8,
            truncate: actor.random.one_in(8),
        },
    )?;
    for at in (0..size).step_by(block as usize) {
        sink.put(offset + at)?;
        if actor.random.one_in(64) {
            disturb(actor, path)?;
        }
    }
    sink.finish()?;
    Ok(())
}

/// Does something else to a file that is being written.
fn disturb(actor: &mut Actor<'_>, path: &Path) -> Result<()> {
    let file = open(path)?;
    let at = (actor.random.below(MOST / PAGE) * PAGE) as i64;
    let length = ((1 + actor.random.below(64)) * PAGE) as i64;
    let flags = *actor.random.pick(&[
        FallocateFlags::empty(),
        FallocateFlags::FALLOC_FL_ZERO_RANGE,
        FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE,
        FallocateFlags::FALLOC_FL_COLLAPSE_RANGE,
    ]);
    match actor.random.below(8) {
        0 => file.sync_all().context("fsync")?,
        1 => file.sync_data().context("fdatasync")?,
        2 => file.set_len(at as u64).context("truncate")?,
        3 => fs::remove_file(path).context("unlink")?,
        // Not all file systems support all of these.
        4 | 5 => drop(nix::fcntl::fallocate(&file, flags, at, length)),
        6 => {
            let advice = nix::fcntl::PosixFadviseAdvice::POSIX_FADV_DONTNEED;
            nix::fcntl::posix_fadvise(&file, 0, 0, advice).context("fadvise")?;
        }
        _ => {
            // SAFETY: The call takes only numbers.
            let result = unsafe {
                libc::sync_file_range(file.as_raw_fd(), at, length, libc::SYNC_FILE_RANGE_WRITE)
            };
            nix::errno::Errno::result(result).context("sync_file_range")?;
        }
    }
    Ok(())
}

pub fn write(actor: &mut Actor<'_>) -> Result<Outcome> {
    let (group, rounds) = (actor.leaf(), 1 + actor.random.below(4));
    let path = actor.file();
    actor.say(format_args!("in {} to {}", group.display(), path.display()));
    actor.child(Some(&group), 30, |actor| {
        for _ in 0..rounds {
            write_some(actor, &path)?;
        }
        Ok(())
    })
}

/// Copies between files by `sendfile`, `splice` and `copy_file_range`.
pub fn splice(actor: &mut Actor<'_>) -> Result<Outcome> {
    let (group, from, to) = (actor.leaf(), actor.file(), actor.file());
    let way = actor.random.below(4);
    actor.say(format_args!(
        "way {way} from {} to {}",
        from.display(),
        to.display()
    ));
    actor.child(Some(&group), 30, |actor| {
        let (source, sink) = (open(&from)?, open(&to)?);
        let length = ((1 + actor.random.below(MOST / PAGE)) * PAGE) as usize;
        match way {
            0 => drop(
                nix::sys::sendfile::sendfile(&sink, &source, None, length).context("sendfile")?,
            ),
            1 => {
                let (read, write) = nix::unistd::pipe().context("pipe")?;
                let none = SpliceFFlags::empty();
                for _ in 0..length / (16 * PAGE as usize) {
                    let much =
                        nix::fcntl::splice(&source, None, &write, None, 16 * PAGE as usize, none)
                            .context("splice")?;
                    if much == 0 {
                        break;
                    }
                    nix::fcntl::splice(&read, None, &sink, None, much, none).context("splice")?;
                }
            }
            2 => drop(
                nix::fcntl::copy_file_range(&source, None, &sink, None, length)
                    .context("copy_file_range")?,
            ),
            // Succeeds if blocks can be shared, and is refused elsewhere.
            _ => {
                const FICLONE: libc::c_ulong = 0x4004_9409;
                // SAFETY: The argument of this request is a descriptor.
                let result = unsafe { libc::ioctl(sink.as_raw_fd(), FICLONE, source.as_raw_fd()) };
                nix::errno::Errno::result(result).context("reflink")?;
            }
        }
        Ok(())
    })
}

/// Reads a file: by `read`, through a mapping, by readahead, bypassing the cache.
pub fn read(actor: &mut Actor<'_>) -> Result<Outcome> {
    let (group, path) = (actor.leaf(), actor.file());
    let way = actor.random.below(4);
    actor.say(format_args!(
        "way {way} in {} {}",
        group.display(),
        path.display()
    ));
    actor.child(Some(&group), 20, |actor| {
        let length = (1 + actor.random.below(MOST / PAGE)) * PAGE;
        match way {
            0 => {
                let mut block = vec![0; length as usize];
                let file = File::open(&path).context("open")?;
                file.read_at(&mut block, 0).context("read")?;
            }
            1 => {
                let length = NonZeroUsize::new(length as usize).ok_or("no length")?;
                keep::map_file(&path, length)?.touch(PAGE as usize, actor.random.one_in(2));
            }
            2 => {
                let file = File::open(&path).context("open")?;
                let advice = nix::fcntl::PosixFadviseAdvice::POSIX_FADV_WILLNEED;
                nix::fcntl::posix_fadvise(&file, 0, length as i64, advice).context("fadvise")?;
            }
            _ => {
                let mut block = AlignedBlock::new(64 << 10)?;
                let mut options = OpenOptions::new();
                options.read(true).custom_flags(libc::O_DIRECT);
                let file = options.open(&path).context("open")?;
                file.read_at(block.bytes_mut(), 0).context("direct read")?;
            }
        }
        Ok(())
    })
}
