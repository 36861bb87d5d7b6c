// SPDX-License-Identifier: GPL-2.0

//! The writes that apply a file to a machine. Making a plan changes nothing.

use crate::assignment::Assignment;
use crate::cgroup::Cgroup;
use crate::declared::Held;
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
use std::ffi::OsStr;
use std::fmt;

/// The planned changes.
#[derive(Debug, Default)]
pub struct Plan {
    /// The changes, in the order of the file.
    pub changes: Vec<Change>,
    /// The optional cgroups that are absent.
    pub skipped: Vec<String>,
}

/// A file whose value differs from the declared one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A system-wide switch.
    Switch {
        /// The switch.
        switch: &'static Switch,
        /// Its present value.
        from: SwitchValue,
        /// The value to write.
        to: SwitchValue,
        /// Whether the file declares it; otherwise it is turned off.
        declared: bool,
    },
    /// A knob of a cgroup.
    Knob {
        /// The cgroup.
        cgroup: Cgroup,
        /// The value to write.
        assignment: Assignment,
        /// Its present value.
        from: Value,
        /// Whether the cgroup may be absent.
        optional: bool,
        /// Whether the file declares it; otherwise it is reset to its default.
        declared: bool,
    },
}

/// A line of a file that cannot be applied on this machine, and why.
#[derive(Debug)]
pub struct Obstacle {
    /// The line, counted from 1.
    pub line: usize,
    /// The problem.
    pub what: Hindrance,
}

/// The problem.
#[derive(Debug)]
pub enum Hindrance {
    /// A problem of the machine.
    Machine(Error),
    /// Another line for the same cgroup.
    Repeats(usize),
}

impl Obstacle {
    /// Returns whether the kernel lacks the requested feature.
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
    /// Compares the machine with the declaration, and returns the plan or all problems; missing
    /// write permission is a problem only if `to_write`.
    pub fn make(
        host: &Host,
        hierarchy: &Hierarchy,
        settings: &Settings,
        to_write: bool,
    ) -> Result<Self, Vec<Obstacle>> {
        let mut plan = Self::default();
        let mut obstacles = Vec::new();
        for Declared { line, what } in &settings.switches {
            match switch(host, what.0, what.1, to_write) {
                Ok(change) => plan.changes.extend(change),
                Err(error) => obstacles.push((*line, Hindrance::Machine(error))),
            }
        }
        let mut seen: Vec<(usize, Cgroup)> = Vec::new();
        for settings in &settings.cgroups {
            let Declared { line, what: name } = &settings.name;
            let cgroup = match hierarchy.lookup(host, OsStr::new(name)) {
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
                match knob(host, &cgroup, what, (settings.optional, to_write)) {
                    Ok(change) => plan.changes.extend(change),
                    // It may just have vanished.
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

impl Plan {
    /// Adds resets for everything that is set on the machine but not declared.
    pub fn exact(&mut self, hierarchy: &Hierarchy, host: &Host, settings: &Settings, held: &Held) {
        for (switch, from) in &held.switches {
            let declared = settings
                .switches
                .iter()
                .any(|known| known.what.0 == *switch);
            if let Some(to) = switch.initial().filter(|to| !declared && to != from) {
                self.changes.push(Change::Switch {
                    switch,
                    from: *from,
                    to,
                    declared: false,
                });
            }
        }
        let names = settings.cgroups.iter().map(|cgroup| {
            let found = hierarchy.lookup(host, OsStr::new(&cgroup.name.what));
            (found.ok(), &cgroup.assignments)
        });
        let names: Vec<_> = names.collect();
        for (cgroup, set) in &held.cgroups {
            let declared = names
                .iter()
                .find(|(known, _)| known.as_ref() == Some(cgroup));
            let declared = declared.map(|(_, assignments)| assignments.as_slice());
            for (knob, from) in set {
                let assignments = || declared.unwrap_or_default().iter().map(|known| &known.what);
                // It is reset by the setting that replaces it.
                let is_known = assignments().any(|known| {
                    known.knob() == *knob
                        || (knob.conflicts_with(known.knob()) && !known.value().is_max())
                });
                let initial = knob.initial().filter(|_| !is_known);
                let back = initial.and_then(|to| Assignment::new(knob.name, &to.text()).ok());
                self.changes.extend(back.map(|assignment| Change::Knob {
                    cgroup: cgroup.clone(),
                    assignment,
                    from: *from,
                    optional: true,
                    declared: false,
                }));
            }
        }
    }
}

impl Change {
    /// Makes the change. Returns whether it was made; it is not if an optional cgroup was removed
    /// meanwhile.
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
            Self::Switch {
                switch, from, to, ..
            } => write!(f, "{}: {from} -> {to}", switch.name),
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

fn switch(
    host: &Host,
    switch: &'static Switch,
    to: SwitchValue,
    to_write: bool,
) -> Result<Option<Change>> {
    let Some(from) = switch.value(host)? else {
        return Err(switch.absent(host));
    };
    if from == to {
        return Ok(None);
    }
    if to_write {
        switch.check_writable(host)?;
    }
    Ok(Some(Change::Switch {
        switch,
        from,
        to,
        declared: true,
    }))
}

fn knob(
    host: &Host,
    cgroup: &Cgroup,
    assignment: &Assignment,
    (optional, to_write): (bool, bool),
) -> Result<Option<Change>> {
    let Some(from) = cgroup.value(assignment.knob())? else {
        return Err(cgroup.absence(host, assignment.knob()));
    };
    if from == assignment.read_back() {
        return Ok(None);
    }
    if to_write {
        cgroup.check_writable(assignment.knob())?;
    }
    Ok(Some(Change::Knob {
        cgroup: cgroup.clone(),
        assignment: assignment.clone(),
        from,
        optional,
        declared: true,
    }))
}
