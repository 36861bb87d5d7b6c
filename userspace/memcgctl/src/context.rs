// SPDX-License-Identifier: GPL-2.0

//! The context of every command: the host and the mounted hierarchy.

use crate::cli::Places;
use crate::cli::Target;
use crate::cli::Top;
use crate::output;
use memcgfs::knobs;
use memcgfs::knobs::Knob;
use memcgfs::Cgroup;
use memcgfs::ChargedMount;
use memcgfs::Hierarchy;
use memcgfs::Host;
use memcgfs::Result;
use std::ffi::OsString;
use std::path::PathBuf;

/// The host and its cgroups.
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

    /// Returns the mounted hierarchy, which must have the memory controller.
    pub fn hierarchy(&self) -> Result<Hierarchy> {
        let hierarchy = self.mounted()?;
        hierarchy.check_memory(&self.host)?;
        Ok(hierarchy)
    }

    /// Returns the mounted hierarchy, with or without the memory controller.
    pub fn mounted(&self) -> Result<Hierarchy> {
        match &self.cgroup_root {
            Some(dir) => Ok(Hierarchy::at(dir)),
            None => Hierarchy::find(&self.host),
        }
    }

    /// Returns the cgroup that a command is about.
    pub fn cgroup(&self, target: &Target) -> Result<Cgroup> {
        let hierarchy = self.hierarchy()?;
        match target {
            Target::Named(name) => hierarchy.lookup(&self.host, name),
            Target::Own => hierarchy.own(&self.host),
        }
    }

    /// Returns the cgroups of a name that may be a pattern.
    pub fn cgroups(&self, target: &Target) -> Result<Vec<Cgroup>> {
        match target {
            Target::Named(name) => self.hierarchy()?.expand(&self.host, name),
            Target::Own => Ok(vec![self.cgroup(target)?]),
        }
    }

    /// Returns the mounts whose pages are all charged to one cgroup.
    pub fn charged_mounts(&self) -> Result<Vec<ChargedMount>> {
        // Without a hierarchy, the cgroups are not accessible, but the mounts are.
        let hierarchy = self.hierarchy().ok();
        Ok(ChargedMount::among(self.host.mounts()?, hierarchy.as_ref()))
    }

    /// Returns the cgroup of that name, or the caller's own.
    pub fn named_or_own(&self, name: Option<&OsString>) -> Result<Cgroup> {
        self.cgroup(&name.map_or(Target::Own, |name| Target::Named(name.clone())))
    }

    /// Returns the cgroup at the top of a listing.
    pub fn top(&self, top: &Top) -> Result<Cgroup> {
        match &top.cgroup {
            None if !top.own => Ok(self.hierarchy()?.root()),
            name => self.named_or_own(name.as_ref()),
        }
    }

    /// Fails if the cgroup does not have the knob's file.
    pub fn require(&self, cgroup: &Cgroup, knob: &Knob) -> Result<()> {
        match cgroup.offers(knob) {
            true => Ok(()),
            false => Err(cgroup.absence(&self.host, knob)),
        }
    }

    /// Reports on stderr why the module's figures of this cgroup are absent, if they should exist.
    pub fn note_absent_figures(&self, cgroup: &Cgroup) {
        if !cgroup.is_root() && !cgroup.offers(&knobs::DIRTY_STAT) {
            output::note(cgroup.absence(&self.host, &knobs::DIRTY_STAT));
        }
    }
}
