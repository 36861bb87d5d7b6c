// SPDX-License-Identifier: GPL-2.0

//! The module's system-wide switches in `/sys/kernel/mm/memcg_knobs`.

use crate::error::Error;
use crate::error::Result;
use crate::files;
use crate::host::Host;
use crate::pace::parse_machine;
use crate::refusal;
use crate::size::ParseError;
use crate::stat::Flat;
use crate::switch_values::parse_seconds;
use crate::switch_values::parse_switch;
use crate::switch_values::Scope;
use crate::usec::Usec;
use rustix::fs::Access;
use std::fmt;
use std::path::PathBuf;

/// One switch.
#[derive(Debug, PartialEq, Eq)]
pub struct Switch {
    /// The file's name.
    pub name: &'static str,
    /// The kind of its values.
    pub kind: SwitchKind,
    /// A one-line description.
    pub help: &'static str,
}

/// The kind of a switch's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwitchKind {
    /// `0` or `1`.
    OnOff,
    /// `subtree` or `any`.
    Scope,
    /// Seconds, or `0` for never.
    Seconds,
    /// A pace of writeback in microseconds, or `0` for none.
    Pace,
}

/// The value of a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwitchValue {
    /// Whether it is on.
    OnOff(bool),
    /// The cgroups that inherited pages may be recharged to.
    Scope(Scope),
    /// Seconds, or 0.
    Seconds(u32),
    /// A pace of writeback, or 0.
    Pace(Usec),
}

/// All switches.
pub static SWITCHES: [Switch; 6] = [
    Switch {
        name: "recharge_mapped",
        kind: SwitchKind::OnOff,
        help: "inherited memory that a process maps is charged to the cgroup of that process",
    },
    Switch {
        name: "recharge_access",
        kind: SwitchKind::OnOff,
        help: "inherited memory that a task reads or writes is charged to the cgroup of that task",
    },
    Switch {
        name: "recharge_adopt",
        kind: SwitchKind::OnOff,
        help: "a new cgroup takes over the memory that a removed one of the same path left behind",
    },
    Switch {
        name: "recharge_scope",
        kind: SwitchKind::Scope,
        help: "subtree: only to descendants of the cgroup that inherited it; any: to any cgroup",
    },
    Switch {
        name: "recharge_drop_sec",
        kind: SwitchKind::Seconds,
        help: "drop page cache of removed cgroups that is unused for this many seconds; 0: never",
    },
    Switch {
        name: "writeback_pace_usec",
        kind: SwitchKind::Pace,
        help:
            "device time that a limited cgroup's writeback may fill; 1ms to 10s, or 0 for no pace",
    },
];

/// Totals of recharging since boot, in pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RechargeTotals {
    /// Examined.
    pub scanned: Option<u64>,
    /// Moved.
    pub moved: Option<u64>,
    /// Could not be moved.
    pub failed: Option<u64>,
    /// Noted when they were accessed.
    pub deferred: Option<u64>,
    /// Not noted, because there were too many notes.
    pub dropped: Option<u64>,
    /// Freed because they were unused.
    pub freed: Option<u64>,
}

/// Returns the switch of this name.
pub fn find(name: &str) -> Option<&'static Switch> {
    SWITCHES.iter().find(|switch| switch.name == name)
}

impl Switch {
    /// Parses the content of its file, or a user's input for it.
    pub fn parse(&self, text: &str) -> Result<SwitchValue, ParseError> {
        match self.kind {
            SwitchKind::OnOff => parse_switch(text.as_bytes()).map(SwitchValue::OnOff),
            SwitchKind::Scope => Scope::parse(text.as_bytes()).map(SwitchValue::Scope),
            SwitchKind::Seconds => parse_seconds(text.as_bytes())
                .map(|seconds| SwitchValue::Seconds(seconds.unwrap_or(0))),
            SwitchKind::Pace => {
                let Usec(usec) = Usec::parse(text.trim())?;
                let pace = parse_machine(usec.to_string().as_bytes())?;
                Ok(SwitchValue::Pace(Usec(
                    pace.map_or(0, |pace| pace.0.into()),
                )))
            }
        }
    }

    /// Parses `NAME=VALUE`.
    pub fn parse_assignment(text: &str) -> Result<(&'static Self, SwitchValue), String> {
        let (name, text) = text.split_once('=').ok_or("not of the form SWITCH=VALUE")?;
        let switch = find(name).ok_or_else(|| {
            let names = SWITCHES.each_ref().map(|switch| switch.name);
            format!("unknown switch {name:?}; there are {}", names.join(" "))
        })?;
        Ok((switch, switch.parse_given(text)?))
    }

    /// Parses a user's input; an error lists the valid values.
    pub fn parse_given(&self, text: &str) -> Result<SwitchValue, String> {
        self.parse(text).map_err(|error| {
            format!(
                "{} does not take {text:?}: {} ({})",
                self.name,
                refusal::of_switch(self.kind, error),
                self.help
            )
        })
    }

    /// Returns its value in a newly loaded module, if that is the same for every version.
    pub fn initial(&self) -> Option<SwitchValue> {
        match self.kind {
            SwitchKind::OnOff => Some(SwitchValue::OnOff(false)),
            SwitchKind::Scope => Some(SwitchValue::Scope(Scope::Subtree)),
            SwitchKind::Seconds => Some(SwitchValue::Seconds(0)),
            SwitchKind::Pace => None,
        }
    }

    /// Returns the path of its file.
    pub fn path(&self, host: &Host) -> PathBuf {
        directory(host).join(self.name)
    }

    /// Returns its value; `None` without the module.
    pub fn value(&self, host: &Host) -> Result<Option<SwitchValue>> {
        let path = self.path(host);
        let Some(text) = files::read(&path)? else {
            return Ok(None);
        };
        match self.parse(&text) {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(Error::Content { path, found: text }),
        }
    }

    /// Fails if permission to set it is missing.
    pub fn check_writable(&self, host: &Host) -> Result<()> {
        let path = self.path(host);
        rustix::fs::access(&path, Access::WRITE_OK).map_err(|errno| Error::NotWritable {
            path,
            source: errno.into(),
        })
    }

    /// Returns the error that explains its absence.
    pub fn absent(&self, host: &Host) -> Error {
        Error::Absent {
            path: self.path(host),
            reason: host.why_absent(),
        }
    }

    /// Sets it.
    pub fn set(&self, host: &Host, value: SwitchValue) -> Result<()> {
        files::write(&self.path(host), &value.to_string())
    }
}

/// Formats the value in the syntax of the file.
impl fmt::Display for SwitchValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnOff(on) => u8::from(*on).fmt(f),
            Self::Scope(scope) => scope.fmt(f),
            Self::Seconds(seconds) => seconds.fmt(f),
            Self::Pace(Usec(usec)) => usec.fmt(f),
        }
    }
}

impl RechargeTotals {
    /// Reads the totals; `None` without the module.
    pub fn read(host: &Host) -> Result<Option<Self>> {
        let path = directory(host).join("recharge_stat");
        let Some(text) = files::read(&path)? else {
            return Ok(None);
        };
        let flat = Flat::new(&path, &text);
        Ok(Some(Self {
            scanned: flat.number("scanned")?,
            moved: flat.number("moved")?,
            failed: flat.number("failed")?,
            deferred: flat.number("deferred")?,
            dropped: flat.number("dropped")?,
            freed: flat.number("freed")?,
        }))
    }
}

fn directory(host: &Host) -> PathBuf {
    host.sys("kernel/mm/memcg_knobs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let on_off = |on| Ok(SwitchValue::OnOff(on));
        let scope = |scope| Ok(SwitchValue::Scope(scope));
        let table = [
            ("recharge_mapped", "0\n", on_off(false)),
            ("recharge_mapped", "1", on_off(true)),
            ("recharge_mapped", "any", Err(ParseError::Junk)),
            ("recharge_mapped", "2", Err(ParseError::Junk)),
            ("recharge_mapped", "", Err(ParseError::Empty)),
            ("recharge_scope", "subtree\n", scope(Scope::Subtree)),
            ("recharge_scope", "any", scope(Scope::Any)),
            ("recharge_scope", "1", Err(ParseError::Junk)),
            ("recharge_drop_sec", "600\n", Ok(SwitchValue::Seconds(600))),
            ("recharge_drop_sec", "0", Ok(SwitchValue::Seconds(0))),
            ("recharge_drop_sec", "86401", Err(ParseError::TooLarge)),
            ("writeback_pace_usec", "0\n", Ok(SwitchValue::Pace(Usec(0)))),
            (
                "writeback_pace_usec",
                "25ms",
                Ok(SwitchValue::Pace(Usec(25_000))),
            ),
            ("writeback_pace_usec", "max", Err(ParseError::Junk)),
            ("writeback_pace_usec", "1", Err(ParseError::TooSmall)),
        ];
        for (name, text, value) in table {
            assert_eq!(find(name).unwrap().parse(text), value, "{name} {text}");
        }
        assert_eq!(find("recharge_stat"), None);
    }
}
