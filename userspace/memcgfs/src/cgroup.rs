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
use rustix::fs::Access;
use rustix::fs::AtFlags;
use rustix::fs::Dir;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

/// A cgroup, identified by its path. It may vanish at any time.
///
/// A cgroup that the user named is held open by its directory, so that reads after a write refer to
/// the same cgroup, and not to another created at its path meanwhile. The many cgroups of a listing
/// are identified by their paths only.
#[derive(Clone, Debug)]
pub struct Cgroup {
    dir: PathBuf,
    name: PathBuf,
    held: Option<Arc<OwnedFd>>,
}

impl PartialEq for Cgroup {
    fn eq(&self, other: &Self) -> bool {
        self.dir == other.dir
    }
}

impl Eq for Cgroup {}

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
            held: None,
        }
    }

    /// Returns the same cgroup, held open by its directory.
    pub(crate) fn hold(self) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(&self.dir, flags, Mode::empty())?;
        Ok(Self {
            held: Some(Arc::new(fd)),
            ..self
        })
    }

    /// Returns a descriptor of its directory, which the kernel accepts in place of the cgroup.
    pub(crate) fn descriptor(&self) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(match self.held() {
            Some(fd) => rustix::fs::openat(fd, ".", flags, Mode::empty())?,
            None => rustix::fs::open(&self.dir, flags, Mode::empty())?,
        })
    }

    fn held(&self) -> Option<BorrowedFd<'_>> {
        self.held.as_ref().map(|fd| fd.as_fd())
    }

    /// Returns the path relative to the cgroup2 mount; empty for the root.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// Returns the path as the kernel shows it: relative to the mount, with a leading slash.
    pub fn path(&self) -> OsString {
        let mut path = OsString::from("/");
        path.push(&self.name);
        path
    }

    /// Returns its directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns whether this is the root of the mounted hierarchy.
    pub fn is_root(&self) -> bool {
        self.name.as_os_str().is_empty()
    }

    /// Returns whether it exists at the moment.
    pub fn exists(&self) -> bool {
        match self.held {
            // A removed directory that is held open can still be opened, but is empty: even `.` is
            // missing.
            Some(_) => self.descriptor().is_ok_and(|fd| {
                let first = Dir::new(fd).map(|mut dir| dir.next());
                first.is_ok_and(|first| matches!(first, Some(Ok(_))))
            }),
            None => self.dir.is_dir(),
        }
    }

    /// Returns the inode number of its directory, by which tracepoints identify it; `None` if it
    /// vanished.
    pub fn inode(&self) -> Option<u64> {
        match self.held() {
            Some(fd) => rustix::fs::fstat(fd).ok().map(|stat| stat.st_ino),
            None => fs::metadata(&self.dir).ok().map(|metadata| metadata.ino()),
        }
    }

    /// Returns the parent.
    pub fn parent(&self) -> Option<Self> {
        Some(Self {
            name: self.name.parent()?.to_owned(),
            dir: self.dir.parent()?.to_owned(),
            held: None,
        })
    }

    /// Returns the children, sorted by name; none if it vanished.
    pub fn children(&self) -> Result<Vec<Self>> {
        let failed = |error| Error::io(Action::List, &self.dir, error);
        // A directory has one link for each subdirectory, in addition to its own two. Most cgroups
        // have no children. With thousands of cgroups, listing their many files only to find that
        // out would take most of the time.
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
                    held: None,
                });
            }
        }
        children.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(children)
    }

    /// Returns the path of one of its files.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Returns whether the knob's file exists in it.
    pub fn offers(&self, knob: &Knob) -> bool {
        self.has_file(knob.name)
    }

    fn has_file(&self, name: &str) -> bool {
        self.accessible(name, Access::EXISTS).is_ok()
    }

    /// Fails like a write if permission is missing or the file system is mounted read-only.
    pub fn check_writable(&self, knob: &Knob) -> Result<()> {
        self.accessible(knob.name, Access::WRITE_OK)
            .map_err(|source| Error::NotWritable {
                path: self.file(knob.name),
                source,
            })
    }

    fn accessible(&self, name: &str, access: Access) -> io::Result<()> {
        let result = match self.held() {
            Some(fd) => rustix::fs::accessat(fd, name, access, AtFlags::empty()),
            None => rustix::fs::access(self.file(name), access),
        };
        Ok(result?)
    }

    /// Returns the content of a file, and its path for messages.
    fn read(&self, name: &str) -> Result<(PathBuf, Option<String>)> {
        let path = self.file(name);
        let text = files::read_in(self.held(), &path)?;
        Ok((path, text))
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        files::write_in(self.held(), &self.file(name), text)
    }

    /// Returns the error that explains why the knob's file is absent.
    pub fn absence(&self, host: &Host, knob: &Knob) -> Error {
        let has_memory = || self.has_file("memory.max");
        let reason = match host.module_loaded() {
            _ if self.is_root() => Absence::Root(knob.since),
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

    /// Returns the value of a knob.
    pub fn value(&self, knob: &Knob) -> Result<Option<Value>> {
        let (path, Some(text)) = self.read(knob.name)? else {
            return Ok(None);
        };
        match Value::parse(knob.kind, text.as_bytes()) {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(Error::Content { path, found: text }),
        }
    }

    /// Returns the content, in bytes, of one of the kernel's own files that hold a size.
    pub fn size(&self, name: &str) -> Result<Option<Limit<u64>>> {
        let (path, Some(text)) = self.read(name)? else {
            return Ok(None);
        };
        match parse_bytes(text.as_bytes()) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(_) => Err(Error::Content { path, found: text }),
        }
    }

    /// Returns the IDs of its threads. Threads of other PID namespaces read as 0 and are left out.
    pub fn threads(&self) -> Result<Vec<u32>> {
        let words = self.words("cgroup.threads")?;
        let numbers = words.iter().filter_map(|word| word.parse().ok());
        Ok(numbers.filter(|tid| *tid != 0).collect())
    }

    /// Writes to one knob.
    pub fn assign(&self, assignment: &Assignment) -> Result<()> {
        self.write(assignment.knob().name, assignment.text())
    }

    /// Makes the kernel write back `amount` and waits for it. A signal interrupts it.
    pub fn start_writeback(&self, amount: &Amount) -> Result<()> {
        self.write(knobs::DIRTY_WRITEBACK.name, amount.text())
    }

    /// Makes the kernel move `amount` of the inherited memory to its users and waits for it. A
    /// signal interrupts it.
    pub fn recharge(&self, amount: &Amount) -> Result<()> {
        self.write(knobs::RECHARGE.name, amount.text())
    }

    /// Reads `memory.recharge_stat`.
    pub fn recharge_stat(&self) -> Result<Option<RechargeStat>> {
        let (path, text) = self.read(knobs::RECHARGE_STAT.name)?;
        text.map(|text| RechargeStat::parse(&path, &text))
            .transpose()
    }

    /// Reads `memory.dirty_stat`.
    pub fn dirty_stat(&self) -> Result<Option<DirtyStat>> {
        let (path, text) = self.read(knobs::DIRTY_STAT.name)?;
        text.map(|text| DirtyStat::parse(&path, &text)).transpose()
    }

    /// Reads `memory.stat`.
    pub fn memory_stat(&self) -> Result<Option<MemoryStat>> {
        let (path, text) = self.read("memory.stat")?;
        text.map(|text| MemoryStat::parse(&path, &text)).transpose()
    }

    /// Reads `RESOURCE.pressure`.
    pub(crate) fn pressure(&self, resource: &str) -> Result<Option<String>> {
        Ok(self.read(&format!("{resource}.pressure"))?.1)
    }

    /// Returns the number of descendants, on all levels.
    pub fn descendants(&self) -> Result<Option<u64>> {
        match self.read("cgroup.stat")? {
            (path, Some(text)) => Flat::new(&path, &text).number("nr_descendants"),
            (_, None) => Ok(None),
        }
    }

    /// Returns the controllers that are available here.
    pub fn controllers(&self) -> Result<Vec<String>> {
        self.words("cgroup.controllers")
    }

    /// Returns the controllers that are enabled for its children.
    pub fn subtree_control(&self) -> Result<Vec<String>> {
        self.words("cgroup.subtree_control")
    }

    fn words(&self, name: &str) -> Result<Vec<String>> {
        let (_, text) = self.read(name)?;
        let text = text.unwrap_or_default();
        Ok(text.split_whitespace().map(str::to_owned).collect())
    }
}
