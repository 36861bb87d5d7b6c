// SPDX-License-Identifier: GPL-2.0

//! What would have to be written to bring a machine to what a file declares. Making a plan changes nothing.

use crate::assignment::Assignment;
use crate::cgroup::Cgroup;
use crate::error::Error;
use crate::error::Result;
use crate::escape::escaped;
use crate::hierarchy::Hierarchy;
use crate::host::Host;
use crate::settings::Declared;
use crate::settings::Settings;
use crate::switches::Switch;
use crate::switches::SwitchValue;
use crate::value::Value;
use nix::unistd::access;
use nix::unistd::AccessFlags;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::Path;

/// What is to be done.
#[derive(Debug, Default)]
pub struct Plan {
    /// What is to be changed, in the order of the file.
    pub changes: Vec<Change>,
    /// The optional cgroups that are absent.
    pub skipped: Vec<String>,
}

/// One file that does not hold what it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A switch of the whole machine.
    Switch {
        /// The switch.
        switch: &'static Switch,
        /// What it holds.
        from: SwitchValue,
        /// What it should hold.
        to: SwitchValue,
    },
    /// A knob of a cgroup.
    Knob {
        /// The cgroup.
        cgroup: Cgroup,
        /// What is to be written.
        assignment: Assignment,
        /// What it holds.
        from: Value,
        /// Whether the cgroup may be absent.
        optional: bool,
    },
}

/// Why a line of a file can not be carried out on this machine.
#[derive(Debug)]
pub struct Obstacle {
    /// The line, counted from 1.
    pub line: usize,
    /// What stands in the way.
    pub what: Hindrance,
}

/// What stands in the way.
#[derive(Debug)]
pub enum Hindrance {
    /// The machine.
    Machine(Error),
    /// Another line, which is about the same cgroup.
    Repeats(usize),
}

impl Obstacle {
    /// Whether the kernel lacks what was asked for.
    pub fn is_unsupported(&self) -> bool {
        matches!(&self.what, Hindrance::Machine(error) if error.is_unsupported())
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            Hindrance::Machine(error) => write!(f, "{}: {error}", self.line),
            Hindrance::Repeats(line) => {
                write!(f, "{}: this is the cgroup of line {line} again", self.line)
            }
        }
    }
}

impl Plan {
    /// Compare the machine with what is declared, or tell all that stands in the way.
    pub fn make(
        host: &Host,
        hierarchy: &Hierarchy,
        settings: &Settings,
    ) -> Result<Self, Vec<Obstacle>> {
        let mut plan = Self::default();
        let mut obstacles = Vec::new();
        for Declared { line, what } in &settings.switches {
            match switch(host, what.0, what.1) {
                Ok(change) => plan.changes.extend(change),
                Err(error) => obstacles.push((*line, Hindrance::Machine(error))),
            }
        }
        let mut seen: Vec<(usize, Cgroup)> = Vec::new();
        for settings in &settings.cgroups {
            let Declared { line, what: name } = &settings.name;
            let cgroup = match hierarchy.resolve(OsStr::new(name)) {
                Ok(cgroup) => cgroup,
                Err(Error::NoCgroup { .. }) if settings.optional => {
                    plan.skipped.push(name.clone());
                    continue;
                }
                Err(error) => {
                    obstacles.push((*line, Hindrance::Machine(error)));
                    continue;
                }
            };
            match seen.iter().find(|(_, known)| *known == cgroup) {
                Some((first, _)) => obstacles.push((*line, Hindrance::Repeats(*first))),
                None => seen.push((*line, cgroup.clone())),
            }
            for Declared { line, what } in &settings.assignments {
                match knob(host, &cgroup, what, settings.optional) {
                    Ok(change) => plan.changes.extend(change),
                    // It may have gone a moment ago.
                    Err(_) if settings.optional && !cgroup.exists() => break,
                    Err(error) => obstacles.push((*line, Hindrance::Machine(error))),
                }
            }
        }
        match obstacles.is_empty() {
            true => Ok(plan),
            false => Err(obstacles
                .into_iter()
                .map(|(line, what)| Obstacle { line, what })
                .collect()),
        }
    }
}

impl Change {
    /// Make the change, and tell whether it was made: it is not where an optional cgroup has gone meanwhile.
    pub fn make(&self, host: &Host) -> Result<bool> {
        let result = match self {
            Self::Switch { switch, to, .. } => switch.set(host, *to),
            Self::Knob {
                cgroup, assignment, ..
            } => cgroup.assign(assignment),
        };
        match (result, self) {
            (Ok(()), _) => Ok(true),
            (
                Err(_),
                Self::Knob {
                    cgroup,
                    optional: true,
                    ..
                },
            ) if !cgroup.exists() => Ok(false),
            (Err(error), _) => Err(error),
        }
    }
}

/// `/a memory.dirty_min: 0B -> 64MiB`
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch { switch, from, to } => write!(f, "{}: {from} -> {to}", switch.name),
            Self::Knob {
                cgroup,
                assignment,
                from,
                ..
            } => {
                let path = escaped(cgroup.path());
                let (knob, to) = (assignment.knob().name, assignment.read_back());
                write!(f, "{path} {knob}: {from} -> {to}")
            }
        }
    }
}

fn switch(host: &Host, switch: &'static Switch, to: SwitchValue) -> Result<Option<Change>> {
    let Some(from) = switch.value(host)? else {
        return Err(Error::Absent {
            path: switch.path(host),
            reason: host.why_absent(),
        });
    };
    if from == to {
        return Ok(None);
    }
    writable(&switch.path(host))?;
    Ok(Some(Change::Switch { switch, from, to }))
}

fn knob(
    host: &Host,
    cgroup: &Cgroup,
    assignment: &Assignment,
    optional: bool,
) -> Result<Option<Change>> {
    let Some(from) = cgroup.value(assignment.knob())? else {
        return Err(cgroup.absence(host, assignment.knob()));
    };
    if from == assignment.read_back() {
        return Ok(None);
    }
    writable(&cgroup.file(assignment.knob().name))?;
    Ok(Some(Change::Knob {
        cgroup: cgroup.clone(),
        assignment: assignment.clone(),
        from,
        optional,
    }))
}

/// Fail as a write would for want of permission, or on a file system that is mounted read-only.
fn writable(path: &Path) -> Result<()> {
    access(path, AccessFlags::W_OK).map_err(|errno| Error::NotWritable {
        path: path.to_owned(),
        source: io::Error::from(errno),
    })
}
