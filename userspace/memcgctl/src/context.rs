// SPDX-License-Identifier: GPL-2.0

//! What every command starts from: the host and the mounted hierarchy.

use crate::cli::Places;
use crate::cli::Target;
use memcgfs::Cgroup;
use memcgfs::Hierarchy;
use memcgfs::Host;
use memcgfs::Result;
use std::path::PathBuf;

/// The host, and how to get at its cgroups.
pub struct Context {
    pub host: Host,
    cgroup_root: Option<PathBuf>,
}

impl Context {
    pub fn new(places: &Places) -> Self {
        Self {
            host: Host::at(&places.proc_root, &places.sys_root),
            cgroup_root: places.cgroup_root.clone(),
        }
    }

    /// The mounted hierarchy.
    pub fn hierarchy(&self) -> Result<Hierarchy> {
        match &self.cgroup_root {
            Some(dir) => Ok(Hierarchy::at(dir)),
            None => Hierarchy::find(&self.host),
        }
    }

    /// The cgroup that a command is about.
    pub fn cgroup(&self, target: &Target) -> Result<Cgroup> {
        let hierarchy = self.hierarchy()?;
        match target {
            Target::Named(name) => hierarchy.resolve(name),
            Target::Own => hierarchy.own(&self.host),
        }
    }
}
