// SPDX-License-Identifier: GPL-2.0

//! Errors, each with the file where it occurred.

use crate::escape::escaped;
use crate::knobs::Capability;
use nix::errno::Errno;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;
use std::path::PathBuf;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The operation on a file that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The file was read.
    Read,
    /// This text was written to the file.
    Write(String),
    /// The directory was listed.
    List,
    /// The directory was created.
    Make,
}

/// Why a cgroup does not have one of the module's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// The root cgroup has none of these files, as it has no `memory.max`.
    Root(Capability),
    /// The memory controller is not enabled for this cgroup.
    Controller,
    /// The module is not loaded.
    Module,
    /// The module is loaded but does not offer this file.
    Version,
    /// The cgroup was removed after it was found.
    Removed,
}

/// An error, with the file and the errno where there was one.
#[derive(Debug)]
pub enum Error {
    /// A system call failed.
    Io {
        /// The operation.
        action: Action,
        /// The file.
        path: PathBuf,
        /// The kernel's error.
        source: io::Error,
    },
    /// A file has unexpected content.
    Content {
        /// The file.
        path: PathBuf,
        /// The part that could not be parsed.
        found: String,
    },
    /// One of the module's files is absent.
    Absent {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: Absence,
    },
    /// A file system could not be mounted.
    Mount {
        /// The step that failed, such as `tmpfs: memcg`.
        step: String,
        /// The kernel's error.
        source: io::Error,
        /// The kernel's messages.
        log: Vec<String>,
        /// Whether the kernel lacks the feature.
        unsupported: bool,
    },
    /// A file is not writable.
    NotWritable {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The kernel lacks the named feature.
    Unsupported(&'static str),
    /// No thread could be started; its work was not attempted.
    Thread(io::Error),
    /// No cgroup2 file system is mounted.
    NoMount {
        /// The table of mounts that was searched.
        table: PathBuf,
    },
    /// The memory controller is used by cgroup v1, so it is not available to cgroup2.
    VersionOne {
        /// The mount point of cgroup v1.
        point: PathBuf,
    },
    /// There is no such block device.
    NoDevice {
        /// The name that was given.
        wanted: OsString,
    },
    /// There is no such cgroup.
    NoCgroup {
        /// The name that was given.
        wanted: OsString,
        /// The mount it was looked for under.
        mount: PathBuf,
    },
    /// The name leads out of the cgroup2 mount.
    Outside {
        /// The name that was given.
        wanted: OsString,
        /// The mount.
        mount: PathBuf,
    },
    /// Several cgroups have the name of this systemd unit.
    Ambiguous {
        /// The unit.
        unit: OsString,
        /// The cgroups, relative to the mount.
        found: Vec<PathBuf>,
    },
}

impl Error {
    pub(crate) fn io(action: Action, path: &Path, source: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }

    /// Returns the errno that the kernel reported.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Io { source, .. } | Self::NotWritable { source, .. } => {
                source.raw_os_error().map(Errno::from_raw)
            }
            _ => None,
        }
    }

    /// Returns whether a trigger did less than requested.
    pub fn is_partial(&self) -> bool {
        self.errno() == Some(Errno::EAGAIN)
    }

    /// Returns whether the running kernel lacks the requested feature.
    pub fn is_unsupported(&self) -> bool {
        matches!(
            self,
            Self::Unsupported(_)
                | Self::VersionOne { .. }
                | Self::Mount {
                    unsupported: true,
                    ..
                }
                | Self::Absent {
                    reason: Absence::Module | Absence::Version,
                    ..
                }
        )
    }
}

/// Describes an errno with its name, such as `Invalid argument (EINVAL)`.
pub fn in_words(error: &io::Error) -> String {
    let text = error.to_string();
    let Some(code) = error.raw_os_error() else {
        return text;
    };
    // The library appends the number; the name is more useful.
    let words = text
        .strip_suffix(&format!(" (os error {code})"))
        .unwrap_or(&text);
    format!("{words} ({})", errno_name(code))
}

/// Returns the name of an errno, such as `EINVAL`.
pub fn errno_name(code: i32) -> String {
    format!("{:?}", Errno::from_raw(code))
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root(Capability::DirtyLimits) => {
                "the root cgroup has none; vm.dirty_* hold for the whole system"
            }
            Self::Root(Capability::Recharge) => {
                "the root cgroup has none: memory that removed cgroups left to it is not counted and stays there"
            }
            Self::Root(Capability::DeterministicCharges) => {
                "the root cgroup has none, and cannot pay: it has no memory.max"
            }
            Self::Controller => {
                "the memory controller is not enabled here (write +memory to cgroup.subtree_control of the parent)"
            }
            Self::Module => "the module memcg_knobs is not loaded",
            Self::Version => "the loaded module memcg_knobs does not offer it",
            Self::Removed => "the cgroup was removed",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io {
                action,
                path,
                source,
            } => {
                let path = escaped(path);
                match action {
                    Action::Read => write!(f, "cannot read {path}: ")?,
                    Action::Write(value) => write!(f, "cannot write {value:?} to {path}: ")?,
                    Action::List => write!(f, "cannot list {path}: ")?,
                    Action::Make => write!(f, "cannot create {path}: ")?,
                }
                f.write_str(&in_words(source))
            }
            Self::Content { path, found } => {
                write!(f, "{}: not understood: {found:?}", escaped(path))
            }
            Self::Absent { path, reason } => write!(f, "{}: no such file: {reason}", escaped(path)),
            Self::Mount {
                step, source, log, ..
            } => {
                write!(f, "cannot mount {step}: {}", in_words(source))?;
                for message in log {
                    write!(f, "; {message}")?;
                }
                Ok(())
            }
            Self::NotWritable { path, source } => {
                write!(f, "cannot write {}: {}", escaped(path), in_words(source))
            }
            Self::Unsupported(what) => f.write_str(what),
            Self::Thread(source) => write!(f, "cannot start a thread: {}", in_words(source)),
            Self::NoMount { table } => {
                write!(f, "no cgroup2 file system is mounted ({})", escaped(table))
            }
            Self::NoDevice { wanted } => write!(
                f,
                "{}: no such block device (sda, /dev/sda or 8:0)",
                escaped(wanted)
            ),
            Self::VersionOne { point } => write!(
                f,
                "the memory controller is in use by cgroup v1 ({}), and limits need cgroup2: boot with \
                 cgroup_no_v1=all (systemd: systemd.unified_cgroup_hierarchy=1)",
                escaped(point)
            ),
            Self::NoCgroup { wanted, mount } => write!(
                f,
                "{}: no such cgroup under {}: {}",
                escaped(wanted),
                escaped(mount),
                in_words(&Errno::ENOENT.into())
            ),
            Self::Outside { wanted, mount } => {
                write!(
                    f,
                    "{}: not below the cgroup2 mount {}",
                    escaped(wanted),
                    escaped(mount)
                )
            }
            Self::Ambiguous { unit, found } => {
                write!(f, "{}: several cgroups have this name:", escaped(unit))?;
                for path in found {
                    write!(f, " /{}", escaped(path))?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    fn io(action: Action, errno: Errno) -> Error {
        Error::io(action, Path::new("/a b/x\ny"), io::Error::from(errno))
    }

    #[test]
    fn file_value_and_errno_are_named() {
        let write = Action::Write("64M".to_owned());
        let table = [
            (
                io(write, Errno::EINVAL),
                r#"cannot write "64M" to /a b/x\ny: Invalid argument (EINVAL)"#,
            ),
            (
                io(Action::Read, Errno::EACCES),
                r"cannot read /a b/x\ny: Permission denied (EACCES)",
            ),
            (
                io(Action::List, Errno::EIO),
                r"cannot list /a b/x\ny: Input/output error (EIO)",
            ),
        ];
        for (error, text) in table {
            assert_eq!(error.to_string(), text);
        }
    }

    #[test]
    fn kinds() {
        assert!(io(Action::Read, Errno::EAGAIN).is_partial());
        assert!(!io(Action::Read, Errno::EINTR).is_partial());
        // Nothing was requested of the kernel yet.
        assert!(!Error::Thread(Errno::EAGAIN.into()).is_partial());
        let absent = |reason| Error::Absent {
            path: PathBuf::new(),
            reason,
        };
        assert!(absent(Absence::Module).is_unsupported());
        assert!(absent(Absence::Version).is_unsupported());
        assert!(!absent(Absence::Root(Capability::Recharge)).is_unsupported());
        assert!(!absent(Absence::Controller).is_unsupported());
        assert!(!absent(Absence::Removed).is_unsupported());
    }
}
