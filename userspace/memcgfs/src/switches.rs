// SPDX-License-Identifier: GPL-2.0

//! The module's switches in `/sys/kernel/mm/memcg_knobs`, which hold for the whole machine.

use crate::error::Error;
use crate::error::Result;
use crate::files;
use crate::host::Host;
use crate::size::ParseError;
use crate::stat::Flat;
use crate::switch_values::parse_switch;
use crate::switch_values::Scope;
use std::fmt;
use std::path::PathBuf;

/// One switch.
#[derive(Debug, PartialEq, Eq)]
pub struct Switch {
    /// The file's name.
    pub name: &'static str,
    /// What it may hold.
    pub kind: SwitchKind,
    /// What it is for, in one line.
    pub help: &'static str,
}

/// What a switch may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwitchKind {
    /// `0` or `1`.
    OnOff,
    /// `subtree` or `any`.
    Scope,
}

/// What a switch holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwitchValue {
    /// Whether it is on.
    OnOff(bool),
    /// To whom inherited pages may go.
    Scope(Scope),
}

/// All of them.
pub static SWITCHES: [Switch; 4] = [
    Switch {
        name: "recharge_mapped",
        kind: SwitchKind::OnOff,
        help: "what a removed cgroup left and a process maps goes to that process's cgroup",
    },
    Switch {
        name: "recharge_access",
        kind: SwitchKind::OnOff,
        help: "what a removed cgroup left goes to the cgroup that reads or writes it",
    },
    Switch {
        name: "recharge_adopt",
        kind: SwitchKind::OnOff,
        help: "a new cgroup takes back what a removed one of its name left",
    },
    Switch {
        name: "recharge_scope",
        kind: SwitchKind::Scope,
        help: "subtree: only to descendants of who inherited it; any: to any cgroup",
    },
];

/// Totals of recharging since the module was loaded, in pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RechargeTotals {
    /// Looked at.
    pub scanned: Option<u64>,
    /// Moved.
    pub moved: Option<u64>,
    /// Could not be moved.
    pub failed: Option<u64>,
    /// Put off to be tried again.
    pub deferred: Option<u64>,
    /// Given up.
    pub dropped: Option<u64>,
}

/// The switch of this name.
pub fn find(name: &str) -> Option<&'static Switch> {
    SWITCHES.iter().find(|switch| switch.name == name)
}

impl Switch {
    /// Parse what its file holds, or what a user would write into it.
    pub fn parse(&self, text: &str) -> Result<SwitchValue, ParseError> {
        match self.kind {
            SwitchKind::OnOff => parse_switch(text.as_bytes()).map(SwitchValue::OnOff),
            SwitchKind::Scope => Scope::parse(text.as_bytes()).map(SwitchValue::Scope),
        }
    }

    /// Its file.
    pub fn path(&self, host: &Host) -> PathBuf {
        directory(host).join(self.name)
    }

    /// What it holds; `None` without the module.
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

    /// Set it.
    pub fn set(&self, host: &Host, value: SwitchValue) -> Result<()> {
        files::write(&self.path(host), &value.to_string())
    }
}

/// What the file takes.
impl fmt::Display for SwitchValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnOff(on) => u8::from(*on).fmt(f),
            Self::Scope(scope) => scope.fmt(f),
        }
    }
}

impl RechargeTotals {
    /// Read them; `None` without the module.
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
        ];
        for (name, text, value) in table {
            assert_eq!(find(name).unwrap().parse(text), value, "{name} {text}");
        }
        assert_eq!(find("recharge_stat"), None);
    }
}
