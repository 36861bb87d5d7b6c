// SPDX-License-Identifier: GPL-2.0

//! What holds for the whole machine: kernel, module, mounts, the system-wide limits.

use crate::error::Absence;
use crate::error::Action;
use crate::error::Error;
use crate::error::Result;
use crate::files;
use crate::mount;
use crate::mount::Mount;
use std::fs::File;
use std::io::BufRead;
use std::io::BufReader;
use std::path::PathBuf;

/// A function that only the patch series brings.
const PATCHED_SYMBOL: &[u8] = b"memcg_ext_register";

/// Where the kernel tells of itself.
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
    /// The kernel does not tell its symbols.
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
    /// The setting that the system-wide limit follows from, by its name: a size if it ends in `bytes`, else a
    /// percentage.
    pub fn limit_setting(&self) -> Option<(&'static str, u64)> {
        match (self.bytes, self.ratio) {
            (Some(bytes), _) if bytes != 0 => Some(("vm.dirty_bytes", bytes)),
            (_, ratio) => ratio.map(|ratio| ("vm.dirty_ratio", ratio)),
        }
    }

    /// The same for the background limit.
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
    /// A host whose `/proc` and `/sys` are elsewhere.
    pub fn at(proc: impl Into<PathBuf>, sys: impl Into<PathBuf>) -> Self {
        Self {
            proc: proc.into(),
            sys: sys.into(),
        }
    }

    /// The mounts that this process sees.
    pub fn mounts(&self) -> Result<Vec<Mount>> {
        let table = files::read_bytes(&self.mount_table())?;
        Ok(table.map_or_else(Vec::new, |table| mount::parse(&table)))
    }

    /// A path below `/proc`.
    pub(crate) fn proc(&self, name: &str) -> PathBuf {
        self.proc.join(name)
    }

    /// A path below `/sys`.
    pub(crate) fn sys(&self, name: &str) -> PathBuf {
        self.sys.join(name)
    }

    pub(crate) fn mount_table(&self) -> PathBuf {
        self.proc.join("self/mountinfo")
    }

    /// The line of `/proc/self/cgroup` that is about cgroup2, without its `0::`.
    pub(crate) fn own_cgroup(&self) -> Result<Option<Vec<u8>>> {
        let lines = files::read_bytes(&self.proc.join("self/cgroup"))?.unwrap_or_default();
        let mut lines = lines.split(|&byte| byte == b'\n');
        Ok(lines
            .find_map(|line| line.strip_prefix(b"0::"))
            .map(<[u8]>::to_vec))
    }

    /// The types of file systems that this kernel knows, and whether each needs a device.
    pub fn file_systems(&self) -> Result<Vec<(String, bool)>> {
        let text = files::read(&self.proc.join("filesystems"))?.unwrap_or_default();
        let line = |line: &str| {
            let (nodev, name) = line.split_once('\t')?;
            Some((name.to_owned(), nodev.is_empty()))
        };
        Ok(text.lines().filter_map(line).collect())
    }

    /// Whether the module is loaded.
    pub fn module_loaded(&self) -> bool {
        // Built into the kernel it would have no directory among the modules, but its switches all the same.
        ["module/memcg_knobs", "kernel/mm/memcg_knobs"]
            .iter()
            .any(|path| self.sys.join(path).is_dir())
    }

    /// Why one of the module's switches is absent.
    pub(crate) fn why_absent(&self) -> Absence {
        match self.module_loaded() {
            true => Absence::Version,
            false => Absence::Module,
        }
    }

    /// The name of a task, if it is there.
    pub fn task_name(&self, tid: u32) -> Option<String> {
        let name = files::read(&self.proc(&format!("{tid}/comm"))).ok()??;
        Some(name.trim_end_matches('\n').to_owned())
    }

    /// Whether this process was started to ignore a signal of this number.
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

    /// Whether the kernel is patched. It reads all symbols, which takes a good part of a second.
    pub fn kernel_patched(&self) -> Patched {
        if self.module_loaded() {
            return Patched::Yes;
        }
        match self.has_symbol(PATCHED_SYMBOL) {
            Ok(true) => Patched::Yes,
            Ok(false) => Patched::No,
            Err(_) => Patched::Unknown,
        }
    }

    fn has_symbol(&self, wanted: &[u8]) -> Result<bool> {
        let path = self.proc.join("kallsyms");
        let failed = |error| Error::io(Action::Read, &path, error);
        let mut symbols = BufReader::new(File::open(&path).map_err(failed)?);
        let mut line = Vec::new();
        let mut any = false;
        while symbols.read_until(b'\n', &mut line).map_err(failed)? != 0 {
            // ffffffff81000000 T name [module]
            if line
                .trim_ascii()
                .split(|&byte| byte == b' ' || byte == b'\t')
                .nth(2)
                == Some(wanted)
            {
                return Ok(true);
            }
            any = true;
            line.clear();
        }
        match any {
            true => Ok(false),
            false => Err(Error::Content {
                path,
                found: String::new(),
            }),
        }
    }

    /// The system-wide limits.
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
