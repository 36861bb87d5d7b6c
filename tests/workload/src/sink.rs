// SPDX-License-Identifier: GPL-2.0

//! The ways to write a block to a file: write, a shared mapping, io_uring, O_DIRECT.

use crate::error::Context;
use crate::error::Result;
use clap::ValueEnum;
use io_uring::IoUring;
use io_uring::opcode;
use io_uring::types::Fd;
use nix::sys::mman::MapFlags;
use nix::sys::mman::ProtFlags;
use nix::sys::mman::mmap;
use std::fs::File;
use std::fs::OpenOptions;
use std::num::NonZeroUsize;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::ptr::NonNull;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// `pwrite(2)`.
    Write,
    /// Stores into a shared mapping.
    Mmap,
    /// io_uring; a write that would wait is handed to the kernel's worker threads.
    Uring,
    /// io_uring with RWF_NOWAIT: a write that would wait fails with EAGAIN, and is retried without it.
    UringNowait,
    /// `pwrite(2)` with O_DIRECT.
    Direct,
}

/// A destination of blocks.
pub trait Sink {
    /// Writes a block at `offset` and returns the number of bytes completed since the last call.
    fn put(&mut self, offset: u64) -> Result<u64>;

    /// Waits for outstanding writes and returns their number of bytes.
    fn finish(&mut self) -> Result<u64> {
        Ok(0)
    }

    /// Returns the number of writes that failed with EAGAIN.
    fn again(&self) -> u64 {
        0
    }
}

/// The range that a sink writes to.
pub struct Target<'a> {
    pub path: &'a Path,
    /// The offset of the first byte; the number of bytes follows.
    pub offset: u64,
    pub size: u64,
    pub block: u64,
    /// The number of concurrent writes, for io_uring.
    pub depth: u32,
    pub truncate: bool,
}

pub fn open(mode: Mode, target: &Target<'_>) -> Result<Box<dyn Sink>> {
    let name = target.path.display();
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(target.truncate)
        .custom_flags(if mode == Mode::Direct {
            libc::O_DIRECT
        } else {
            0
        })
        .open(target.path)
        .context(&name)?;
    Ok(match mode {
        Mode::Write => Box::new(Plain {
            file,
            block: vec![0x5a; target.block as usize],
        }),
        Mode::Direct => Box::new(Direct {
            file,
            block: AlignedBlock::new(target.block as usize)?,
        }),
        Mode::Mmap => Box::new(Mapping::new(&file, target).context(&name)?),
        Mode::Uring => Box::new(Ring::new(file, target, 0).context(&name)?),
        Mode::UringNowait => Box::new(Ring::new(file, target, libc::RWF_NOWAIT).context(&name)?),
    })
}

struct Plain {
    file: File,
    block: Vec<u8>,
}

impl Sink for Plain {
    fn put(&mut self, offset: u64) -> Result<u64> {
        self.file
            .write_all_at(&self.block, offset)
            .context("write")?;
        Ok(self.block.len() as u64)
    }
}

/// A page-aligned buffer, as required by O_DIRECT.
pub struct AlignedBlock {
    memory: Vec<u8>,
    start: usize,
    length: usize,
}

impl AlignedBlock {
    const ALIGN: usize = 4096;

    pub fn new(length: usize) -> Result<Self> {
        if length % Self::ALIGN != 0 {
            return Err(format!(
                "O_DIRECT needs blocks of a multiple of {} bytes",
                Self::ALIGN
            ));
        }
        let memory = vec![0x5a; length + Self::ALIGN];
        let start = memory.as_ptr().align_offset(Self::ALIGN);
        Ok(Self {
            memory,
            start,
            length,
        })
    }

    pub fn bytes(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.length]
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.length]
    }
}

struct Direct {
    file: File,
    block: AlignedBlock,
}

impl Sink for Direct {
    fn put(&mut self, offset: u64) -> Result<u64> {
        self.file
            .write_all_at(self.block.bytes(), offset)
            .context("direct write")?;
        Ok(self.block.length as u64)
    }
}

struct Mapping {
    memory: NonNull<u8>,
    /// The file offset of the mapping's first byte; the length of the mapping follows.
    first: u64,
    length: u64,
    block: u64,
    /// Changes with each block, so that each store modifies the page.
    value: u8,
}

impl Mapping {
    fn new(file: &File, target: &Target<'_>) -> Result<Self> {
        let end = target.offset + target.size;
        if file.metadata().context("stat")?.len() < end {
            file.set_len(end).context("set length")?;
        }
        let length = NonZeroUsize::new(target.size as usize).ok_or("nothing to map")?;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: A new mapping at an address of the kernel's choice aliases nothing in this process.
        let memory = unsafe {
            mmap(
                None,
                length,
                access,
                MapFlags::MAP_SHARED,
                file,
                target.offset as i64,
            )
        };
        Ok(Self {
            memory: memory.context("mmap")?.cast(),
            first: target.offset,
            length: target.size,
            block: target.block,
            value: 0,
        })
    }
}

impl Sink for Mapping {
    fn put(&mut self, offset: u64) -> Result<u64> {
        let at = offset - self.first;
        let end = (at + self.block).min(self.length);
        self.value = self.value.wrapping_add(1);
        // SAFETY: `at..end` lies in the mapping, which lives as long as the process and which no reference points into.
        unsafe {
            self.memory
                .add(at as usize)
                .write_bytes(self.value, (end - at) as usize);
        }
        Ok(end - at)
    }
}

struct Ring {
    ring: IoUring,
    file: File,
    block: Vec<u8>,
    flags: i32,
    in_flight: u32,
    depth: u32,
    again: u64,
}

impl Ring {
    fn new(file: File, target: &Target<'_>, flags: i32) -> Result<Self> {
        let depth = target.depth.max(1);
        Ok(Self {
            ring: IoUring::new(depth).context("set up io_uring")?,
            file,
            block: vec![0x5a; target.block as usize],
            flags,
            in_flight: 0,
            depth,
            again: 0,
        })
    }

    fn submit(&mut self, offset: u64, flags: i32) -> Result<()> {
        let length = self.block.len() as u32;
        let entry = opcode::Write::new(Fd(self.file.as_raw_fd()), self.block.as_ptr(), length)
            .offset(offset)
            .rw_flags(flags)
            .build()
            .user_data(offset);
        // SAFETY: The block is never changed, and `drop` waits until the kernel no longer uses it.
        unsafe { self.ring.submission().push(&entry) }.context("io_uring submission queue")?;
        self.ring.submit().context("io_uring submit")?;
        self.in_flight += 1;
        Ok(())
    }

    /// Handles completions, after waiting for `at_least` of them.
    fn complete(&mut self, at_least: usize) -> Result<u64> {
        if at_least > 0 {
            self.ring
                .submit_and_wait(at_least)
                .context("io_uring wait")?;
        }
        let mut bytes = 0;
        let mut refused = Vec::new();
        for entry in self.ring.completion() {
            self.in_flight -= 1;
            match entry.result() {
                result if result == -libc::EAGAIN => refused.push(entry.user_data()),
                result if result < 0 => {
                    return Err(std::io::Error::from_raw_os_error(-result))
                        .context("io_uring write");
                }
                result => bytes += result as u64,
            }
        }
        self.again += refused.len() as u64;
        for offset in refused {
            self.submit(offset, 0)?;
        }
        Ok(bytes)
    }
}

impl Sink for Ring {
    fn put(&mut self, offset: u64) -> Result<u64> {
        let mut bytes = 0;
        while self.in_flight == self.depth {
            bytes += self.complete(1)?;
        }
        self.submit(offset, self.flags)?;
        Ok(bytes + self.complete(0)?)
    }

    fn finish(&mut self) -> Result<u64> {
        let mut bytes = 0;
        while self.in_flight > 0 {
            bytes += self.complete(1)?;
        }
        Ok(bytes)
    }

    fn again(&self) -> u64 {
        self.again
    }
}
