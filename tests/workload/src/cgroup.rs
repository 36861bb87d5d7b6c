// SPDX-License-Identifier: GPL-2.0

//! Joining a cgroup, and reading how many dirty and writeback bytes it holds.

use crate::error::Context;
use crate::error::Result;
use clap::ValueEnum;
use std::fs;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Moves this process, and so everything it forks from now on, into the cgroup.
pub fn join(dir: &Path) -> Result<()> {
    let procs = dir.join("cgroup.procs");
    fs::write(&procs, "0").context(format_args!("join {}", procs.display()))
}

/// Joins the cgroup if one was given.
pub fn join_if_given(dir: Option<&Path>) -> Result<()> {
    dir.map_or(Ok(()), join)
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

/// One reading, in bytes.
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

/// Reads the figures again and again from a file that stays open: a sample costs one system call.
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
