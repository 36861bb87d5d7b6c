// SPDX-License-Identifier: GPL-2.0

//! What can go wrong, each with the file it went wrong at.

use crate::escape::escaped;
use nix::errno::Errno;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;
use std::path::PathBuf;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What was being done to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The file was read.
    Read,
    /// This text was written to the file.
    Write(String),
    /// The directory was listed.
    List,
    /// The directory was made.
    Make,
}

/// Why a cgroup does not have one of the module's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// The root cgroup has none of them, as it has no `memory.max`.
    Root,
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
        /// What was being done.
        action: Action,
        /// The file it was done to.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// A file holds something that it never should.
    Content {
        /// The file.
        path: PathBuf,
        /// The part that was not understood.
        found: String,
    },
    /// One of the module's files is absent.
    Absent {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: Absence,
    },
    /// A file system could not be mounted.
    Mount {
        /// What was tried, as `tmpfs: memcg`.
        step: String,
        /// The kernel's answer.
        source: io::Error,
        /// What the kernel said in words.
        log: Vec<String>,
        /// Whether the kernel lacks what it takes.
        unsupported: bool,
    },
    /// A file could not be written if it were tried.
    NotWritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The kernel lacks something; this says what.
    Unsupported(&'static str),
    /// No thread could be started, which says nothing about what it was to do.
    Thread(io::Error),
    /// No cgroup2 file system is mounted.
    NoMount {
        /// The table of mounts that was searched.
        table: PathBuf,
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
    /// Several cgroups bear the name of this systemd unit.
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

    /// The errno that the kernel answered with.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Io { source, .. } | Self::NotWritable { source, .. } => {
                source.raw_os_error().map(Errno::from_raw)
            }
            _ => None,
        }
    }

    /// Whether a trigger did less than it was asked to.
    pub fn is_partial(&self) -> bool {
        self.errno() == Some(Errno::EAGAIN)
    }

    /// Whether the kernel, as it runs now, lacks what was asked for.
    pub fn is_unsupported(&self) -> bool {
        matches!(
            self,
            Self::Unsupported(_)
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

/// The words of an errno and its name, as `Invalid argument (EINVAL)`.
pub fn in_words(error: &io::Error) -> String {
    let text = error.to_string();
    let Some(code) = error.raw_os_error() else {
        return text;
    };
    // The library puts the number where the name is more use.
    let words = text
        .strip_suffix(&format!(" (os error {code})"))
        .unwrap_or(&text);
    format!("{words} ({})", errno_name(code))
}

/// The name of an errno, as `EINVAL`.
pub fn errno_name(code: i32) -> String {
    format!("{:?}", Errno::from_raw(code))
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "the root cgroup has none; vm.dirty_* hold for the whole system",
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
                    Action::Make => write!(f, "cannot make {path}: ")?,
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
                write!(f, "{}: several cgroups bear this name:", escaped(unit))?;
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
        // Nothing was asked of the kernel yet.
        assert!(!Error::Thread(Errno::EAGAIN.into()).is_partial());
        let absent = |reason| Error::Absent {
            path: PathBuf::new(),
            reason,
        };
        assert!(absent(Absence::Module).is_unsupported());
        assert!(absent(Absence::Version).is_unsupported());
        assert!(!absent(Absence::Root).is_unsupported());
        assert!(!absent(Absence::Controller).is_unsupported());
        assert!(!absent(Absence::Removed).is_unsupported());
    }
}
