// SPDX-License-Identifier: GPL-2.0

//! Actors that hold memory in ways that make it hard to move its charge.

use super::world::Actor;
use super::world::Outcome;
use crate::error::Context;
use crate::error::Result;
use crate::keep;
use crate::keep::Kind;
use crate::keep::Memory;
use crate::keep::Pin;
use nix::errno::Errno;
use nix::sys::mman::MapFlags;
use nix::sys::mman::MmapAdvise;
use nix::sys::mman::ProtFlags;
use nix::sys::mman::madvise;
use nix::sys::mman::mmap_anonymous;
use std::num::NonZeroUsize;
use std::os::fd::AsRawFd;
use std::os::fd::FromRawFd;
use std::os::fd::OwnedFd;

const PAGE: usize = 4096;
const HUGE: usize = 2 << 20;

fn advise(memory: Memory, advice: MmapAdvise) {
    // SAFETY: The advices used here do not change the content of the memory, except for DONTNEED
    // and REMOVE on memory that is only touched. Refused ones do not matter.
    let _ = unsafe { madvise(memory.start.cast(), memory.length(), advice) };
}

/// Uses huge pages of anonymous memory and of files, and collapses, splits, swaps and frees them.
pub fn huge(actor: &mut Actor<'_>) -> Result<Outcome> {
    let (group, path) = (actor.leaf(), actor.file());
    let (anonymous, length) = (
        actor.random.one_in(2),
        HUGE * (1 + actor.random.below(2) as usize),
    );
    actor.say(format_args!("{} bytes in {}", length, group.display()));
    actor.child(Some(&group), 20, |actor| {
        let length = NonZeroUsize::new(length).ok_or("none")?;
        let memory = if anonymous {
            keep::map_anonymous(length, Kind::Huge)?
        } else {
            keep::map_file(&path, length)?
        };
        for _ in 0..4 {
            memory.touch(PAGE, actor.random.one_in(2));
            match actor.random.below(6) {
                0 => advise(memory, MmapAdvise::MADV_HUGEPAGE),
                1 => {
                    let start = memory.start.as_ptr().cast();
                    // SAFETY: The memory's content does not change.
                    unsafe { libc::madvise(start, memory.length(), libc::MADV_COLLAPSE) };
                }
                2 => advise(memory, MmapAdvise::MADV_PAGEOUT),
                3 => advise(memory, MmapAdvise::MADV_COLD),
                4 => {
                    let part = memory.part(PAGE * actor.random.below(256) as usize, PAGE);
                    advise(part, MmapAdvise::MADV_DONTNEED);
                }
                _ => {
                    let start = memory.start.as_ptr().cast();
                    // SAFETY: Locking memory does not change its content; a limit may refuse it.
                    unsafe { libc::mlock(start, memory.length() / 2) };
                }
            }
        }
        Ok(())
    })
}

/// Pins pages with `vmsplice`, io_uring or a direct write.
pub fn pin(actor: &mut Actor<'_>) -> Result<Outcome> {
    let (group, path, into) = (actor.leaf(), actor.file(), actor.file());
    let how = *actor.random.pick(&[Pin::Pipe, Pin::Ring, Pin::Direct]);
    let anonymous = actor.random.one_in(3);
    actor.say(format_args!("in {}", group.display()));
    actor.child(Some(&group), 20, |actor| {
        let length =
            NonZeroUsize::new(PAGE * (1 + actor.random.below(256) as usize)).ok_or("none")?;
        let memory = if anonymous {
            keep::map_anonymous(length, Kind::Normal)?
        } else {
            keep::map_file(&path, length)?
        };
        memory.touch(PAGE, true);
        let pinned = keep::pin(memory, how, Some(&into))?;
        actor.pause(800);
        drop(pinned);
        Ok(())
    })
}

/// The requests of userfaultfd, from linux/userfaultfd.h.
mod uffd {
    pub const API: libc::c_ulong = 0xc018_aa3f;
    pub const REGISTER: libc::c_ulong = 0xc020_aa00;
    pub const COPY: libc::c_ulong = 0xc028_aa03;
    pub const ZEROPAGE: libc::c_ulong = 0xc020_aa04;
    pub const WRITEPROTECT: libc::c_ulong = 0xc018_aa06;
    pub const VERSION: u64 = 0xaa;
    pub const MISSING: u64 = 1;
    pub const WP: u64 = 2;
}

/// Makes one request; its argument is an array of 64-bit numbers, whose length is encoded in the
/// request.
fn request<const N: usize>(
    fd: &OwnedFd,
    request: libc::c_ulong,
    mut argument: [u64; N],
) -> Result<()> {
    debug_assert_eq!(N * 8, (request >> 16) as usize & 0x3fff);
    // SAFETY: The argument has the length encoded in the request's number, which is what the kernel
    // reads and writes.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), request, argument.as_mut_ptr()) };
    Errno::result(result).context("userfaultfd").map(drop)
}

/// Populates shared memory by userfaultfd.
pub fn userfault(actor: &mut Actor<'_>) -> Result<Outcome> {
    let group = actor.leaf();
    let pages = 1 + actor.random.below(256) as usize;
    actor.say(format_args!("{pages} in {}", group.display()));
    actor.child(Some(&group), 20, |actor| {
        let length = NonZeroUsize::new(pages * PAGE).ok_or("none")?;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let flags = *actor
            .random
            .pick(&[MapFlags::MAP_SHARED, MapFlags::MAP_PRIVATE]);
        // SAFETY: A new mapping at an address of the kernel's choice aliases nothing in this process.
        let memory = unsafe { mmap_anonymous(None, length, access, flags) }.context("mmap")?;
        let start = memory.as_ptr() as u64;
        // SAFETY: The call takes only numbers.
        let fd =
            unsafe { libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC | libc::O_NONBLOCK) };
        let fd = Errno::result(fd).context("userfaultfd")?;
        // SAFETY: The call has just returned it, so nothing else owns it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd as i32) };
        let all = (pages * PAGE) as u64;
        request(&fd, uffd::API, [uffd::VERSION, 0, 0])?;
        request(
            &fd,
            uffd::REGISTER,
            [start, all, uffd::MISSING | uffd::WP, 0],
        )
        .or_else(|_| request(&fd, uffd::REGISTER, [start, all, uffd::MISSING, 0]))?;
        let block = vec![0x21u8; PAGE];
        for page in 0..pages as u64 {
            let at = start + page * PAGE as u64;
            if actor.random.one_in(8) {
                request(&fd, uffd::ZEROPAGE, [at, PAGE as u64, 0, 0])?;
            } else {
                request(
                    &fd,
                    uffd::COPY,
                    [at, block.as_ptr() as u64, PAGE as u64, 0, 0],
                )?;
            }
        }
        // Some kinds of memory cannot be protected.
        let _ = request(&fd, uffd::WRITEPROTECT, [start, all, 1]);
        let _ = request(&fd, uffd::WRITEPROTECT, [start, all, 0]);
        actor.pause(200);
        Ok(())
    })
}

/// Moves the memory of a process from one node to another.
pub fn nodes(actor: &mut Actor<'_>) -> Result<Outcome> {
    let Some(pid) = actor.victim() else {
        return Ok(Outcome::Refused);
    };
    let from = actor.random.below(2);
    let masks: [u64; 2] = [1 << from, 2 >> from];
    actor.say(format_args!("{pid} from {from}"));
    // SAFETY: The masks outlive the call, and have the 64 bits that it is given.
    let result = unsafe {
        libc::syscall(
            libc::SYS_migrate_pages,
            pid.as_raw(),
            64 as libc::c_ulong,
            &raw const masks[0],
            &raw const masks[1],
        )
    };
    Ok(Outcome::of(Errno::result(result)))
}
