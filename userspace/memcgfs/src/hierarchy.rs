// SPDX-License-Identifier: GPL-2.0

//! The mounted cgroup2 hierarchy, and the lookup of cgroups by name.

use crate::cgroup::Cgroup;
use crate::error::Action;
use crate::error::Error;
use crate::error::Result;
use crate::files;
use crate::host::Host;
use crate::mount::Mount;
use std::collections::VecDeque;
use std::env;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::ffi::OsStringExt;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

/// A mounted cgroup2 file system.
#[derive(Clone, Debug)]
pub struct Hierarchy {
    /// The mount point.
    mount: PathBuf,
    /// The cgroup that is mounted there, as in `/proc/PID/cgroup`.
    base: PathBuf,
}

/// The name of the root cgroup in systemd.
const ROOT_SLICE: &str = "-.slice";

/// The suffixes of systemd units that have a cgroup.
const UNITS: [&str; 6] = ["service", "slice", "scope", "socket", "mount", "swap"];

impl Hierarchy {
    /// Finds the mounted hierarchy; prefers a mount of the whole to one of a part.
    pub fn find(host: &Host) -> Result<Self> {
        let mounts = host.mounts()?;
        let cgroup2 = || mounts.iter().filter(|mount| mount.fs_type == "cgroup2");
        let whole = |mount: &&Mount| mount.root == Path::new("/");
        let Some(mount) = cgroup2().find(whole).or_else(|| cgroup2().next()) else {
            Self::check_version(host)?;
            return Err(Error::NoMount {
                table: host.mount_table(),
            });
        };
        Ok(Self {
            mount: mount.point.clone(),
            base: mount.root.clone(),
        })
    }

    /// Fails if memory cannot be controlled here because cgroup v1 controls it.
    pub fn check_memory(&self, host: &Host) -> Result<()> {
        let here = self.root().controllers()?;
        match here.iter().any(|name| name == "memory") {
            true => Ok(()),
            false => Self::check_version(host),
        }
    }

    /// Fails if the memory controller is used by cgroup v1.
    fn check_version(host: &Host) -> Result<()> {
        match host.controller_in_v1("memory")? {
            Some(point) => Err(Error::VersionOne { point }),
            None => Ok(()),
        }
    }

    /// Treats a directory as a complete cgroup2 file system.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self {
            mount: dir.into(),
            base: PathBuf::from("/"),
        }
    }

    /// Returns the mount point.
    pub fn mount(&self) -> &Path {
        &self.mount
    }

    /// Returns the root of the mounted hierarchy.
    pub fn root(&self) -> Cgroup {
        Cgroup::new(&self.mount, Path::new(""))
    }

    /// Returns the cgroup of this process.
    pub fn own(&self, host: &Host) -> Result<Cgroup> {
        let path = host.own_cgroup()?.map(OsString::from_vec);
        let path = PathBuf::from(path.unwrap_or_else(|| "/".into()));
        match path.strip_prefix(&self.base) {
            Ok(name) => self.existing(&path, name),
            Err(_) => Err(self.outside(&path)),
        }
    }

    /// Returns the cgroup that the kernel shows under this path, whether it exists or not; `None`
    /// if it is outside of the mounted hierarchy.
    pub fn shown(&self, path: &Path) -> Option<Cgroup> {
        let name = plain(path.strip_prefix(&self.base).ok()?)?;
        Some(Cgroup::new(&self.mount, &name))
    }

    /// Returns the cgroup that a user means by `wanted`: a path in the file system, a path below
    /// the mount with or without a leading slash, a path relative to the current directory if it
    /// starts with a dot, or else the name of a systemd unit.
    pub fn resolve(&self, wanted: &OsStr) -> Result<Cgroup> {
        let path = Path::new(wanted);
        let name = match path.components().next() {
            Some(Component::RootDir) => match path.strip_prefix(&self.mount) {
                Ok(name) => name.to_owned(),
                Err(_) => path.components().skip(1).collect(),
            },
            Some(Component::CurDir | Component::ParentDir) => self.below_current_dir(path)?,
            _ => path.to_owned(),
        };
        match self.existing(path, &name) {
            Err(Error::NoCgroup { .. }) if wanted == ROOT_SLICE => Ok(self.root()),
            Err(Error::NoCgroup { .. }) if is_unit(path) => {
                let unit = self.unit(wanted)?;
                self.existing(path, unit.name())
            }
            result => result,
        }
    }

    /// Returns the cgroup's name for a path relative to the current directory.
    fn below_current_dir(&self, path: &Path) -> Result<PathBuf> {
        let here = Path::new(".");
        let here = env::current_dir().map_err(|error| Error::io(Action::List, here, error))?;
        let whole = match plain(&here.join(path)) {
            Some(plain) => Path::new("/").join(plain),
            None => return Err(self.outside(path)),
        };
        match whole.strip_prefix(&self.mount) {
            Ok(name) => Ok(name.to_owned()),
            Err(_) => Err(self.outside(path)),
        }
    }

    /// Returns the cgroup of this name, which must exist within the mount.
    fn existing(&self, wanted: &Path, name: &Path) -> Result<Cgroup> {
        let missing = || Error::NoCgroup {
            wanted: wanted.as_os_str().to_owned(),
            mount: self.mount.clone(),
        };
        if wanted.as_os_str().is_empty() {
            return Err(missing());
        }
        let Some(name) = plain(name) else {
            return Err(self.outside(wanted));
        };
        let cgroup = Cgroup::new(&self.mount, &name);
        let dir = cgroup.dir().to_owned();
        match cgroup.hold() {
            Ok(cgroup) => Ok(cgroup),
            Err(error) if files::is_gone(&error) => Err(missing()),
            Err(error) => Err(Error::io(Action::List, &dir, error)),
        }
    }

    /// Returns the only cgroup of a systemd unit, whatever slice it is in.
    ///
    /// Units of the system are in slices, which may be nested. Anything below a unit of another
    /// type belongs to that unit, and thus to the user of a user@.service, who could give any name
    /// to a cgroup there.
    fn unit(&self, unit: &OsStr) -> Result<Cgroup> {
        // systemd prefixes a name with an underscore if it could be mistaken for one of the
        // kernel's files, such as memory.service.
        let mut quoted = OsString::from("_");
        quoted.push(unit);
        let mut found = Vec::new();
        let mut queue = VecDeque::from([self.root()]);
        while let Some(cgroup) = queue.pop_front() {
            for child in cgroup.children()? {
                let name = child.name().file_name();
                if name == Some(unit) || name == Some(&quoted) {
                    found.push(child.clone());
                }
                if is_slice(child.name()) {
                    queue.push_back(child);
                }
            }
        }
        match found.len() {
            0 => Err(Error::NoCgroup {
                wanted: unit.to_owned(),
                mount: self.mount.clone(),
            }),
            1 => Ok(found.remove(0)),
            _ => Err(Error::Ambiguous {
                unit: unit.to_owned(),
                found: found
                    .iter()
                    .map(|cgroup| cgroup.name().to_owned())
                    .collect(),
            }),
        }
    }

    fn outside(&self, wanted: &Path) -> Error {
        Error::Outside {
            wanted: wanted.as_os_str().to_owned(),
            mount: self.mount.clone(),
        }
    }
}

/// Returns the path without `.`, `..` and a leading slash; `None` if it leads above its start.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => plain.push(name),
            Component::ParentDir if !plain.pop() => return None,
            _ => {}
        }
    }
    Some(plain)
}

/// Returns whether this is the path of a slice.
fn is_slice(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("slice"))
}

/// Returns whether this can be the name of a unit: a single component with a unit type after its
/// last dot.
fn is_unit(path: &Path) -> bool {
    let one = path.as_os_str().as_bytes().iter().all(|&byte| byte != b'/');
    let kind = path.extension().and_then(OsStr::to_str);
    one && kind.is_some_and(|kind| UNITS.contains(&kind))
}
