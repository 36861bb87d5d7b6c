// SPDX-License-Identifier: GPL-2.0

//! One cgroup: a directory below the cgroup2 mount, and its files.

use crate::assignment::Amount;
use crate::assignment::Assignment;
use crate::error::Absence;
use crate::error::Action;
use crate::error::Error;
use crate::error::Result;
use crate::files;
use crate::host::Host;
use crate::knobs;
use crate::knobs::Knob;
use crate::size::parse_bytes;
use crate::stat::DirtyStat;
use crate::stat::Flat;
use crate::stat::MemoryStat;
use crate::stat::RechargeStat;
use crate::value::Limit;
use crate::value::Value;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

/// A cgroup by its place. It may vanish at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cgroup {
    dir: PathBuf,
    name: PathBuf,
}

impl Cgroup {
    pub(crate) fn new(mount: &Path, name: &Path) -> Self {
        // Joining an empty path would add a slash.
        let dir = match name.as_os_str().is_empty() {
            true => mount.to_owned(),
            false => mount.join(name),
        };
        Self {
            dir,
            name: name.to_owned(),
        }
    }

    /// The path relative to the cgroup2 mount; empty for the root.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// The path as the kernel shows it: relative to the mount, with a slash before it.
    pub fn path(&self) -> OsString {
        let mut path = OsString::from("/");
        path.push(&self.name);
        path
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether this is the root of what is mounted.
    pub fn is_root(&self) -> bool {
        self.name.as_os_str().is_empty()
    }

    /// Whether it is there, just now.
    pub fn exists(&self) -> bool {
        self.dir.is_dir()
    }

    /// The inode number of its directory, by which tracepoints name it; `None` if it vanished.
    pub fn inode(&self) -> Option<u64> {
        fs::metadata(&self.dir).ok().map(|metadata| metadata.ino())
    }

    /// The cgroup above.
    pub fn parent(&self) -> Option<Self> {
        Some(Self {
            name: self.name.parent()?.to_owned(),
            dir: self.dir.parent()?.to_owned(),
        })
    }

    /// The cgroups below, one level, sorted by name; none if it vanished.
    pub fn children(&self) -> Result<Vec<Self>> {
        let failed = |error| Error::io(Action::List, &self.dir, error);
        // A directory has a link for each directory in it, besides its own two. Most cgroups have none below them, and
        // to list their many files only to find that out is what takes most of the time with thousands of them.
        match fs::metadata(&self.dir) {
            Ok(metadata) if metadata.nlink() == 2 => return Ok(Vec::new()),
            _ => {}
        }
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if files::is_gone(&error) => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut children = Vec::new();
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) if files::is_gone(&error) => break,
                Err(error) => return Err(failed(error)),
            };
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                children.push(Self {
                    dir: entry.path(),
                    name: self.name.join(entry.file_name()),
                });
            }
        }
        children.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(children)
    }

    /// The path of one of its files.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Whether it has the knob's file.
    pub fn offers(&self, knob: &Knob) -> bool {
        self.file(knob.name).exists()
    }

    /// The error that tells why it has not.
    pub fn absence(&self, host: &Host, knob: &Knob) -> Error {
        let has_memory = || self.file("memory.max").exists();
        let reason = match host.module_loaded() {
            _ if self.is_root() => Absence::Root,
            _ if !self.exists() => Absence::Removed,
            false => Absence::Module,
            true if !has_memory() => Absence::Controller,
            true => Absence::Version,
        };
        Error::Absent {
            path: self.file(knob.name),
            reason,
        }
    }

    /// What a knob holds.
    pub fn value(&self, knob: &Knob) -> Result<Option<Value>> {
        let path = self.file(knob.name);
        let Some(text) = files::read(&path)? else {
            return Ok(None);
        };
        match Value::parse(knob.kind, text.as_bytes()) {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(Error::Content { path, found: text }),
        }
    }

    /// The content of one of the kernel's own files that hold a size, in bytes.
    pub fn size(&self, name: &str) -> Result<Option<Limit<u64>>> {
        let path = self.file(name);
        let Some(text) = files::read(&path)? else {
            return Ok(None);
        };
        match parse_bytes(text.as_bytes()) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(_) => Err(Error::Content { path, found: text }),
        }
    }

    /// The IDs of the threads in it. Those of other PID namespaces read as 0 and are left out.
    pub fn threads(&self) -> Result<Vec<u32>> {
        let words = self.words("cgroup.threads")?;
        let numbers = words.iter().filter_map(|word| word.parse().ok());
        Ok(numbers.filter(|tid| *tid != 0).collect())
    }

    /// Write one knob.
    pub fn assign(&self, assignment: &Assignment) -> Result<()> {
        files::write(&self.file(assignment.knob().name), assignment.text())
    }

    /// Have the kernel clean `amount` and wait for it. A signal interrupts it.
    pub fn start_writeback(&self, amount: &Amount) -> Result<()> {
        files::write(&self.file(knobs::DIRTY_WRITEBACK.name), amount.text())
    }

    /// Have the kernel move `amount` of what was inherited to its users and wait for it. A signal interrupts it.
    pub fn recharge(&self, amount: &Amount) -> Result<()> {
        files::write(&self.file(knobs::RECHARGE.name), amount.text())
    }

    /// `memory.recharge_stat`.
    pub fn recharge_stat(&self) -> Result<Option<RechargeStat>> {
        let path = self.file(knobs::RECHARGE_STAT.name);
        let text = files::read(&path)?;
        text.map(|text| RechargeStat::parse(&path, &text))
            .transpose()
    }

    /// `memory.dirty_stat`.
    pub fn dirty_stat(&self) -> Result<Option<DirtyStat>> {
        let path = self.file(knobs::DIRTY_STAT.name);
        let text = files::read(&path)?;
        text.map(|text| DirtyStat::parse(&path, &text)).transpose()
    }

    /// `memory.stat`.
    pub fn memory_stat(&self) -> Result<Option<MemoryStat>> {
        let path = self.file("memory.stat");
        let text = files::read(&path)?;
        text.map(|text| MemoryStat::parse(&path, &text)).transpose()
    }

    /// How many cgroups there are below it, on all levels.
    pub fn descendants(&self) -> Result<Option<u64>> {
        let path = self.file("cgroup.stat");
        match files::read(&path)? {
            Some(text) => Flat::new(&path, &text).number("nr_descendants"),
            None => Ok(None),
        }
    }

    /// The controllers that are available here.
    pub fn controllers(&self) -> Result<Vec<String>> {
        self.words("cgroup.controllers")
    }

    /// The controllers that are enabled for the cgroups below.
    pub fn subtree_control(&self) -> Result<Vec<String>> {
        self.words("cgroup.subtree_control")
    }

    fn words(&self, name: &str) -> Result<Vec<String>> {
        let text = files::read(&self.file(name))?.unwrap_or_default();
        Ok(text.split_whitespace().map(str::to_owned).collect())
    }
}
