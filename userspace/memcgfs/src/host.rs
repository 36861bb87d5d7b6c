// SPDX-License-Identifier: GPL-2.0

//! The machine as a whole: kernel, module, mounts, the system-wide limits.

use crate::error::Absence;
use crate::error::Error;
use crate::error::Result;
use crate::files;
use crate::mount;
use crate::mount::Mount;
use std::fs::File;
use std::io;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

/// Symbols that only the patch series adds: a function and the type of a tracepoint.
const PATCHED_SYMBOLS: [&[u8]; 2] = [
    b"memcg_policy_register",
    b"trace_event_raw_memcg_dirty_throttle",
];

/// The kernel's file systems, `/proc` and `/sys`.
#[derive(Clone, Debug)]
pub struct Host {
    proc: PathBuf,
    sys: PathBuf,
}

/// Whether the running kernel has the patch series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patched {
    /// It has.
    Yes,
    /// It has not.
    No,
    /// The kernel does not show its symbols.
    Unknown,
}

/// The system-wide limits. In each pair, the bytes hold unless they are 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VmDirty {
    /// `vm.dirty_bytes`.
    pub bytes: Option<u64>,
    /// `vm.dirty_ratio`, in percent.
    pub ratio: Option<u64>,
    /// `vm.dirty_background_bytes`.
    pub background_bytes: Option<u64>,
    /// `vm.dirty_background_ratio`, in percent.
    pub background_ratio: Option<u64>,
}

impl VmDirty {
    /// Returns the name and value of the setting that determines the system-wide limit: a size if
    /// the name ends in `bytes`, else a percentage.
    pub fn limit_setting(&self) -> Option<(&'static str, u64)> {
        match (self.bytes, self.ratio) {
            (Some(bytes), _) if bytes != 0 => Some(("vm.dirty_bytes", bytes)),
            (_, ratio) => ratio.map(|ratio| ("vm.dirty_ratio", ratio)),
        }
    }

    /// Returns the setting that determines the background limit in the same way.
    pub fn background_setting(&self) -> Option<(&'static str, u64)> {
        match (self.background_bytes, self.background_ratio) {
            (Some(bytes), _) if bytes != 0 => Some(("vm.dirty_background_bytes", bytes)),
            (_, ratio) => ratio.map(|ratio| ("vm.dirty_background_ratio", ratio)),
        }
    }
}

impl Default for Host {
    fn default() -> Self {
        Self::at("/proc", "/sys")
    }
}

impl Host {
    /// Creates a host whose `/proc` and `/sys` are elsewhere.
    pub fn at(proc: impl Into<PathBuf>, sys: impl Into<PathBuf>) -> Self {
        Self {
            proc: proc.into(),
            sys: sys.into(),
        }
    }

    /// Returns the mounts visible to this process.
    pub fn mounts(&self) -> Result<Vec<Mount>> {
        let table = files::read_bytes(&self.mount_table())?;
        Ok(table.map_or_else(Vec::new, |table| mount::parse(&table)))
    }

    /// Returns where the controller of this name is mounted in cgroup v1.
    pub fn controller_in_v1(&self, controller: &str) -> Result<Option<PathBuf>> {
        // The name of the io controller in cgroup v1.
        let controller = match controller {
            "io" => "blkio",
            other => other,
        };
        let has_it = |mount: &Mount| {
            let options = mount.options.to_string_lossy();
            mount.fs_type == "cgroup" && options.split(',').any(|option| option == controller)
        };
        let mount = self.mounts()?.into_iter().find(has_it);
        Ok(mount.map(|mount| mount.point))
    }

    /// Returns a path below `/proc`.
    pub(crate) fn proc(&self, name: &str) -> PathBuf {
        self.proc.join(name)
    }

    /// Returns a path below `/sys`.
    pub(crate) fn sys(&self, name: &str) -> PathBuf {
        self.sys.join(name)
    }

    pub(crate) fn mount_table(&self) -> PathBuf {
        self.proc.join("self/mountinfo")
    }

    /// Returns the cgroup of this process.
    pub(crate) fn own_cgroup(&self) -> Result<Option<Vec<u8>>> {
        self.cgroup_of("self")
    }

    /// Returns the cgroup2 line of `/proc/PID/cgroup`, without its `0::`.
    pub(crate) fn cgroup_of(&self, pid: &str) -> Result<Option<Vec<u8>>> {
        let lines = files::read_bytes(&self.proc.join(pid).join("cgroup"))?.unwrap_or_default();
        let mut lines = lines.split(|&byte| byte == b'\n');
        Ok(lines
            .find_map(|line| line.strip_prefix(b"0::"))
            .map(<[u8]>::to_vec))
    }

    /// Returns the file system types that this kernel supports, and whether each needs a device.
    pub fn file_systems(&self) -> Result<Vec<(String, bool)>> {
        let text = files::read(&self.proc.join("filesystems"))?.unwrap_or_default();
        let line = |line: &str| {
            let (nodev, name) = line.split_once('\t')?;
            Some((name.to_owned(), nodev.is_empty()))
        };
        Ok(text.lines().filter_map(line).collect())
    }

    /// Returns whether the module is loaded.
    pub fn module_loaded(&self) -> bool {
        // Built into the kernel, it would have no directory below `module`, but would still have
        // its switches.
        ["module/memcg_knobs", "kernel/mm/memcg_knobs"]
            .iter()
            .any(|path| self.sys.join(path).is_dir())
    }

    /// Returns the reason why the module's switches are absent.
    pub(crate) fn why_absent(&self) -> Absence {
        match self.module_loaded() {
            true => Absence::Version,
            false => Absence::Module,
        }
    }

    /// Returns the name of a task, if it exists.
    pub fn task_name(&self, tid: u32) -> Option<String> {
        let name = files::read(&self.proc(&format!("{tid}/comm"))).ok()??;
        Some(name.trim_end_matches('\n').to_owned())
    }

    /// Returns whether this process was started with the signal of this number ignored.
    pub fn ignores_signal(&self, signal: i32) -> bool {
        let status = files::read(&self.proc("self/status")).ok().flatten();
        let mask = status.unwrap_or_default().lines().find_map(|line| {
            let mask = line.strip_prefix("SigIgn:")?;
            u64::from_str_radix(mask.trim(), 16).ok()
        });
        let bit = u32::try_from(signal)
            .ok()
            .and_then(|signal| 1u64.checked_shl(signal.checked_sub(1)?));
        mask.zip(bit).is_some_and(|(mask, bit)| mask & bit != 0)
    }

    /// Returns whether the kernel is patched.
    pub fn kernel_patched(&self) -> Patched {
        if self.module_loaded() {
            return Patched::Yes;
        }
        // The kernel's BTF data also names its functions and can be read as it is. The list of
        // symbols must be formatted by the kernel first, which takes some ten milliseconds.
        let tables = [self.sys("kernel/btf/vmlinux"), self.proc("kallsyms")];
        match tables
            .iter()
            .find_map(|table| has_symbol(table).ok().flatten())
        {
            Some(true) => Patched::Yes,
            Some(false) => Patched::No,
            None => Patched::Unknown,
        }
    }

    /// Reads the system-wide limits.
    pub fn vm_dirty(&self) -> Result<VmDirty> {
        let number = |name: &str| -> Result<Option<u64>> {
            let path = self.proc.join("sys/vm").join(name);
            let Some(text) = files::read(&path)? else {
                return Ok(None);
            };
            match text.trim().parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(Error::Content { path, found: text }),
            }
        };
        Ok(VmDirty {
            bytes: number("dirty_bytes")?,
            ratio: number("dirty_ratio")?,
            background_bytes: number("dirty_background_bytes")?,
            background_ratio: number("dirty_background_ratio")?,
        })
    }
}

/// Returns whether a table has one of the symbols as a whole word; `None` if the table is empty.
fn has_symbol(table: &Path) -> io::Result<Option<bool>> {
    let mut file = File::open(table)?;
    let mut block = vec![0; 1 << 20];
    let (mut kept, mut any) = (0, false);
    loop {
        let length = file.read(block.get_mut(kept..).unwrap_or_default())?;
        if length == 0 {
            return Ok(any.then_some(false));
        }
        any = true;
        let read = block.get(..kept + length).unwrap_or_default();
        if PATCHED_SYMBOLS.iter().any(|symbol| has_word(read, symbol)) {
            return Ok(Some(true));
        }
        // A word may continue in the next block.
        let tail = read.len().saturating_sub(256);
        kept = read.len() - tail;
        block.copy_within(tail..tail + kept, 0);
    }
}

/// Returns whether a word occurs between bytes that cannot be part of a name.
fn has_word(text: &[u8], word: &[u8]) -> bool {
    let is_name =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let first = word.first().copied();
    let places = text
        .iter()
        .enumerate()
        .filter(|(_, byte)| Some(**byte) == first);
    places.map(|(place, _)| place).any(|place| {
        let (before, rest) = text.split_at_checked(place).unwrap_or_default();
        rest.starts_with(word) && !is_name(before.last()) && !is_name(rest.get(word.len()))
    })
}
