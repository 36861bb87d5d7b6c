// SPDX-License-Identifier: GPL-2.0

//! Mounts a file system whose pages are all charged to one cgroup.
//!
//! This uses the new mount API, because it allows passing a cgroup as a file descriptor, which
//! always refers to the same cgroup, and because the kernel describes errors in words there.

use crate::cgroup::Cgroup;
use crate::error::Error;
use crate::error::Result;
use crate::escape::escaped;
use crate::host::Host;
use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::mount::fsconfig_create;
use rustix::mount::fsconfig_set_fd;
use rustix::mount::fsconfig_set_flag;
use rustix::mount::fsconfig_set_string;
use rustix::mount::fsmount;
use rustix::mount::fsopen;
use rustix::mount::move_mount;
use rustix::mount::FsMountFlags;
use rustix::mount::FsOpenFlags;
use rustix::mount::MountAttrFlags;
use rustix::mount::MoveMountFlags;
use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// What to mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mounting<'a> {
    /// The type of the file system.
    pub fs_type: &'a str,
    /// The device, or another source; the type by default.
    pub source: Option<&'a OsStr>,
    /// The options, as `mount -o` takes them.
    pub options: Options,
    /// The cgroup that pays.
    pub memcg: &'a Cgroup,
    /// The mount point.
    pub point: &'a Path,
}

/// Options, grouped by the part of the kernel that handles them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The options of the mount itself.
    attributes: Vec<Attribute>,
    /// The options of the file system: names with optional values.
    parameters: Vec<(String, Option<String>)>,
}

/// An option of the mount itself, which the kernel takes as flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Attribute {
    name: &'static str,
    flag: MountAttrFlags,
    /// The flags that this option clears.
    against: MountAttrFlags,
}

const NONE: MountAttrFlags = MountAttrFlags::empty();

/// The names, with the flags that each sets and clears.
const ATTRIBUTES: [Attribute; 14] = {
    use MountAttrFlags as F;
    const fn entry(name: &'static str, flag: F, against: F) -> Attribute {
        Attribute {
            name,
            flag,
            against,
        }
    }
    [
        entry("ro", F::MOUNT_ATTR_RDONLY, NONE),
        entry("rw", NONE, F::MOUNT_ATTR_RDONLY),
        entry("nosuid", F::MOUNT_ATTR_NOSUID, NONE),
        entry("suid", NONE, F::MOUNT_ATTR_NOSUID),
        entry("nodev", F::MOUNT_ATTR_NODEV, NONE),
        entry("dev", NONE, F::MOUNT_ATTR_NODEV),
        entry("noexec", F::MOUNT_ATTR_NOEXEC, NONE),
        entry("exec", NONE, F::MOUNT_ATTR_NOEXEC),
        entry("noatime", F::MOUNT_ATTR_NOATIME, F::MOUNT_ATTR__ATIME),
        entry("relatime", NONE, F::MOUNT_ATTR__ATIME),
        entry(
            "strictatime",
            F::MOUNT_ATTR_STRICTATIME,
            F::MOUNT_ATTR__ATIME,
        ),
        entry("nodiratime", F::MOUNT_ATTR_NODIRATIME, NONE),
        entry("nosymfollow", F::MOUNT_ATTR_NOSYMFOLLOW, NONE),
        entry("defaults", NONE, NONE),
    ]
};

impl Options {
    /// Parses a comma-separated list of words and `NAME=VALUE`. A comma within double quotes does
    /// not end an option.
    pub fn parse(list: &str) -> Result<Self, &'static str> {
        let mut options = Self::default();
        let mut quoted = false;
        let parts = list.split(|c| {
            quoted ^= c == '"';
            c == ',' && !quoted
        });
        for part in parts.filter(|part| !part.is_empty()) {
            if let Some(attribute) = ATTRIBUTES.iter().find(|known| known.name == part) {
                options.attributes.push(*attribute);
            }
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name, Some(value.replace('"', ""))),
                None => (part, None),
            };
            match name {
                "" => return Err("an option has no name"),
                "memcg" => return Err("the cgroup is given by --memcg"),
                // These attributes are also options of the file system.
                "ro" if value.is_none() => options.parameters.push((name.to_owned(), None)),
                "rw" if value.is_none() => options.parameters.retain(|(name, _)| name != "ro"),
                _ if value.is_none() && ATTRIBUTES.iter().any(|known| known.name == part) => {}
                _ => options.parameters.push((name.to_owned(), value)),
            }
        }
        if quoted {
            return Err("a quote is not closed");
        }
        Ok(options)
    }

    /// Returns the names of the options passed to the file system.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(|(name, _)| name.as_str())
    }

    /// Returns the flags of the mount; the last of contradictory options wins.
    fn flags(&self) -> MountAttrFlags {
        self.attributes.iter().fold(NONE, |flags, attribute| {
            flags.difference(attribute.against).union(attribute.flag)
        })
    }
}

impl Mounting<'_> {
    /// Performs the mount.
    pub fn mount(&self, host: &Host) -> Result<()> {
        let name = self.fs_type;
        let failed = |step: &str, errno: Errno, context: Option<&OwnedFd>| Error::Mount {
            step: format!("{}: {step}", escaped(name)),
            source: errno.into(),
            log: context.map(log).unwrap_or_default(),
            unsupported: errno == Errno::NOSYS,
        };
        let context = fsopen(name, FsOpenFlags::FSOPEN_CLOEXEC)
            .map_err(|errno| failed("the file system's type", errno, None))?;
        self.charge(host, &context)?;
        let set = |key: &str, value: Option<&OsStr>| {
            let result = match value {
                Some(value) => fsconfig_set_string(&context, key, value),
                None => fsconfig_set_flag(&context, key),
            };
            result
                .map_err(|errno| failed(&format!("option {}", escaped(key)), errno, Some(&context)))
        };
        set("source", Some(self.source.unwrap_or(OsStr::new(name))))?;
        for (key, value) in &self.options.parameters {
            set(key, value.as_deref().map(OsStr::new))?;
        }
        fsconfig_create(&context).map_err(|errno| failed("making it", errno, Some(&context)))?;
        let mount = fsmount(
            &context,
            FsMountFlags::FSMOUNT_CLOEXEC,
            self.options.flags(),
        )
        .map_err(|errno| failed("its attributes", errno, Some(&context)))?;
        let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH
            | MoveMountFlags::MOVE_MOUNT_T_SYMLINKS
            | MoveMountFlags::MOVE_MOUNT_T_AUTOMOUNTS;
        move_mount(&mount, "", CWD, self.point, flags).map_err(|errno| {
            let step = format!("putting it on {}", escaped(self.point));
            failed(&step, errno, None)
        })
    }

    /// Passes the cgroup to the kernel, by its directory or else by its path.
    fn charge(&self, host: &Host, context: &OwnedFd) -> Result<()> {
        let dir = self.memcg.dir();
        let failed = |source: io::Error, log: Vec<String>, unsupported| Error::Mount {
            step: format!("{}: option memcg={}", escaped(self.fs_type), escaped(dir)),
            source,
            log,
            unsupported,
        };
        let fd = self
            .memcg
            .descriptor()
            .map_err(|error| failed(error, Vec::new(), false))?;
        let result = match fsconfig_set_fd(context, "memcg", &fd) {
            Err(Errno::INVAL) => {
                // Discard the messages: the next attempt repeats them unless this way of passing
                // the cgroup was the problem.
                log(context);
                fsconfig_set_string(context, "memcg", dir)
            }
            result => result,
        };
        result.map_err(|errno| {
            let log = log(context);
            let unknown = log.iter().any(|line| line.contains("Unknown parameter"));
            failed(errno.into(), log, unknown || !host.module_loaded())
        })
    }
}

/// Returns the kernel's messages about a mount in progress, one for each read. The first character
/// of a message is its kind.
fn log(context: &OwnedFd) -> Vec<String> {
    let mut messages = Vec::new();
    let mut buffer = [0u8; 1024];
    // The kernel has room for eight messages.
    for _ in 0..32 {
        match rustix::io::read(context, &mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(length) => {
                let text = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default());
                let text = text.trim_end();
                messages.push(match text.split_once(' ') {
                    Some(("e" | "w" | "i", text)) => escaped(text),
                    _ => escaped(text),
                });
            }
        }
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        type Parameter = (&'static str, Option<&'static str>);
        let table: [(&str, &str, &[Parameter]); 9] = [
            ("", "", &[]),
            (
                "size=1G,mode=0700",
                "",
                &[("size", Some("1G")), ("mode", Some("0700"))],
            ),
            ("ro", "RDONLY", &[("ro", None)]),
            ("ro,rw", "", &[]),
            ("rw=1", "", &[("rw", Some("1"))]),
            ("nosuid,nodev,,noexec,dev", "NOSUID NOEXEC", &[]),
            (
                "strictatime,noatime,inode64",
                "NOATIME",
                &[("inode64", None)],
            ),
            ("a=b=c,defaults", "", &[("a", Some("b=c"))]),
            (
                "context=\"x,y\",z",
                "",
                &[("context", Some("x,y")), ("z", None)],
            ),
        ];
        for (list, flags, parameters) in table {
            let options = Options::parse(list).unwrap();
            let found: Vec<_> = options
                .parameters
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_deref()))
                .collect();
            assert_eq!(found, parameters, "{list}");
            let names: Vec<_> = options
                .flags()
                .iter_names()
                .map(|(name, _)| name.trim_start_matches("MOUNT_ATTR_"))
                .collect();
            assert_eq!(names.join(" "), flags, "{list}");
        }
        for list in ["=1", "memcg=/a", "size=1,memcg", "a=\"b"] {
            Options::parse(list).unwrap_err();
        }
    }
}
