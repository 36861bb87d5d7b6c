// SPDX-License-Identifier: GPL-2.0

//! Lookup of cgroups by a process, container or pod in them: `pid:1234`, `container:3f2a1b`,
//! `pod:UID`.

use crate::cgroup::Cgroup;
use crate::error::Error;
use crate::error::Result;
use crate::hierarchy::Hierarchy;
use crate::host::Host;
use crate::pattern::Pattern;
use crate::walk::Walk;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

/// The prefixes, and the placeholder that follows each.
pub const PREFIXES: [(&str, &str); 3] = [
    ("pid:", "the ID of a process"),
    ("container:", "the ID of a container, or its beginning"),
    ("pod:", "the UID of a Kubernetes pod"),
];

/// The minimum length of an abbreviated container ID; a shorter one would be too ambiguous.
const LEAST: usize = 6;

impl Hierarchy {
    /// Returns the cgroup that `wanted` names: as in [`Hierarchy::resolve`], or by a process,
    /// container or pod in it.
    pub fn lookup(&self, host: &Host, wanted: &OsStr) -> Result<Cgroup> {
        match self.resolve(wanted) {
            Err(error @ Error::NoCgroup { .. }) => match self.by_content(host, wanted)? {
                Some(cgroup) => self.resolve(&cgroup.path()),
                None => Err(error),
            },
            result => result,
        }
    }

    /// Returns the cgroups that match a word, which may be a pattern, in tree order.
    pub fn expand(&self, host: &Host, wanted: &OsStr) -> Result<Vec<Cgroup>> {
        match self.lookup(host, wanted) {
            Err(error @ Error::NoCgroup { .. }) if Pattern::is_pattern(wanted.as_bytes()) => {
                // A path in the file system may be a pattern, too.
                let below = Path::new(wanted).strip_prefix(self.mount());
                let text = match below {
                    Ok(below) => [b"/", below.as_os_str().as_bytes()].concat(),
                    Err(_) => wanted.as_bytes().to_vec(),
                };
                let pattern = Pattern::new(&text);
                let mut found = Vec::new();
                for (cgroup, _) in Walk::new(self.root(), None).flatten() {
                    if !cgroup.is_root() && pattern.matches(cgroup.name()) {
                        match self.resolve(&cgroup.path()) {
                            Err(Error::NoCgroup { .. }) => {}
                            result => found.push(result?),
                        }
                    }
                }
                match found.is_empty() {
                    true => Err(error),
                    false => Ok(found),
                }
            }
            result => Ok(vec![result?]),
        }
    }

    fn by_content(&self, host: &Host, wanted: &OsStr) -> Result<Option<Cgroup>> {
        let Some((kind, id)) = wanted.to_str().and_then(|wanted| wanted.split_once(':')) else {
            return Ok(None);
        };
        match kind {
            "pid" if id.bytes().all(|digit| digit.is_ascii_digit()) => {
                let path = host.cgroup_of(id)?.map(OsString::from_vec);
                Ok(path.and_then(|path| self.shown(Path::new(&path))))
            }
            "container" if id.len() >= LEAST => self.only(wanted, |name| is_container(name, id)),
            "pod" => self.only(wanted, |name| is_pod(name, id)),
            _ => Ok(None),
        }
    }

    /// Returns the only cgroup whose name matches. Of nested ones the outermost is returned.
    fn only(&self, wanted: &OsStr, is_it: impl Fn(&str) -> bool) -> Result<Option<Cgroup>> {
        let mut found: Vec<Cgroup> = Vec::new();
        for (cgroup, _) in Walk::new(self.root(), None).flatten() {
            let name = cgroup.name().file_name().and_then(OsStr::to_str);
            let inside = || {
                found
                    .iter()
                    .any(|outer| cgroup.dir().starts_with(outer.dir()))
            };
            if name.is_some_and(&is_it) && !inside() {
                found.push(cgroup);
            }
        }
        match found.len() {
            0 | 1 => Ok(found.pop()),
            _ => Err(Error::Ambiguous {
                unit: wanted.to_owned(),
                found: found
                    .iter()
                    .map(|cgroup| cgroup.name().to_owned())
                    .collect(),
            }),
        }
    }
}

/// Returns the container ID in the name of a cgroup: `cri-containerd-ID.scope`, `docker-ID.scope`,
/// `libpod-ID`, or a plain `ID` of 64 hexadecimal digits.
pub fn container_id(name: &str) -> Option<&str> {
    let name = name.strip_suffix(".scope").unwrap_or(name);
    let id = name.rsplit('-').next()?;
    let is_id = id.len() == 64 && id.bytes().all(|digit| digit.is_ascii_hexdigit());
    // The monitor of a container is not part of it.
    (is_id && !name.contains("-conmon-")).then_some(id)
}

/// Returns the pod UID in the name of a cgroup: `pod1234-…` or
/// `kubepods-burstable-pod1234_….slice`.
pub fn pod_uid(name: &str) -> Option<String> {
    let name = name.strip_suffix(".slice").unwrap_or(name);
    let uid = match name.strip_prefix("pod") {
        Some(uid) => uid,
        None if name.starts_with("kubepods") => name.rsplit_once("-pod")?.1,
        None => return None,
    };
    let is_uid = uid.len() >= 32
        && uid
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || b"-_".contains(&byte));
    is_uid.then(|| uid.replace('_', "-"))
}

fn is_container(name: &str, wanted: &str) -> bool {
    // The ID may have a prefix, as in `containerd://ID`.
    let wanted = wanted.rsplit('/').next().unwrap_or(wanted);
    container_id(name).is_some_and(|id| id.starts_with(wanted))
}

fn is_pod(name: &str, wanted: &str) -> bool {
    pod_uid(name).is_some_and(|uid| uid == wanted.replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let id = "3f2a".repeat(16);
        for name in [
            id.clone(),
            format!("cri-containerd-{id}.scope"),
            format!("docker-{id}.scope"),
            format!("libpod-{id}"),
        ] {
            assert_eq!(container_id(&name), Some(id.as_str()), "{name}");
            assert!(
                is_container(&name, "3f2a3f") && is_container(&name, &format!("containerd://{id}"))
            );
            assert!(!is_container(&name, "f2a3f2"));
        }
        for name in [
            "",
            "web.service",
            "3f2a",
            &format!("libpod-conmon-{id}.scope"),
        ] {
            assert_eq!(container_id(name), None, "{name}");
        }
        let uid = "0b61b0a9-7c3e-4d0f-9d7c-1a2b3c4d5e6f";
        let slice = format!("kubepods-burstable-pod{}.slice", uid.replace('-', "_"));
        for name in [
            format!("pod{uid}"),
            slice,
            format!("kubepods-pod{uid}.slice"),
        ] {
            assert_eq!(pod_uid(&name).as_deref(), Some(uid), "{name}");
            assert!(is_pod(&name, uid));
        }
        for name in [
            "pod",
            "podman.service",
            "kubepods.slice",
            "kubepods-besteffort.slice",
            "tripod1",
        ] {
            assert_eq!(pod_uid(name), None, "{name}");
        }
    }
}
