// SPDX-License-Identifier: GPL-2.0

//! The list of the module's files in a cgroup. Parser, help and all displays are derived from it.

use crate::pace::Pace;
use crate::payments::Payments;
use crate::value::Limit;
use crate::value::Value;

/// The allowed accesses to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Reads and writes.
    ReadWrite,
    /// Writes only.
    Write,
    /// Reads only.
    Read,
}

/// The content of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A size in bytes, or `max`.
    Bytes,
    /// A percentage, or `max`.
    Ratio,
    /// Not readable: writing a size, or `max`, starts an operation.
    Trigger,
    /// Kinds of memory, as words.
    Words,
    /// A pace of writeback: microseconds, `default` or `max`.
    Pace,
    /// Lines of a key and a number.
    Flat,
}

/// The part of the module that a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Per-cgroup dirty limits.
    DirtyLimits,
    /// Recharging of memory inherited from removed cgroups.
    Recharge,
    /// Cgroups that pay for their descendants.
    DeterministicCharges,
}

/// One file of a cgroup.
#[derive(Debug, PartialEq, Eq)]
pub struct Knob {
    /// The file's name.
    pub name: &'static str,
    /// The allowed accesses.
    pub mode: Mode,
    /// The kind of its content.
    pub kind: Kind,
    /// The capability that it belongs to.
    pub since: Capability,
    /// The knob that is reset to `max` when this one is set.
    pub excludes: Option<&'static str>,
    /// A one-line description.
    pub help: &'static str,
}

/// Dirty and writeback bytes that the subtree may hold.
pub static DIRTY_LIMIT: Knob = Knob {
    name: "memory.dirty_limit_in_bytes",
    mode: Mode::ReadWrite,
    kind: Kind::Bytes,
    since: Capability::DirtyLimits,
    excludes: Some("memory.dirty_ratio"),
    help: "dirty and writeback bytes that the subtree may hold; size or max",
};

/// The size above which the flusher is started.
pub static DIRTY_BACKGROUND_LIMIT: Knob = Knob {
    name: "memory.dirty_background_limit_in_bytes",
    mode: Mode::ReadWrite,
    kind: Kind::Bytes,
    since: Capability::DirtyLimits,
    excludes: Some("memory.dirty_background_ratio"),
    help: "bytes above which the subtree is written back; size or max",
};

/// The limit as a percentage.
pub static DIRTY_RATIO: Knob = Knob {
    name: "memory.dirty_ratio",
    mode: Mode::ReadWrite,
    kind: Kind::Ratio,
    since: Capability::DirtyLimits,
    excludes: Some("memory.dirty_limit_in_bytes"),
    help: "the limit as a percentage of the dirtyable memory; 0.01 to 100 or max",
};

/// The background limit as a percentage.
pub static DIRTY_BACKGROUND_RATIO: Knob = Knob {
    name: "memory.dirty_background_ratio",
    mode: Mode::ReadWrite,
    kind: Kind::Ratio,
    since: Capability::DirtyLimits,
    excludes: Some("memory.dirty_background_limit_in_bytes"),
    help: "the background limit as a percentage; 0.01 to 100 or max",
};

/// The floor below which the system-wide limit does not slow writers.
pub static DIRTY_MIN: Knob = Knob {
    name: "memory.dirty_min",
    mode: Mode::ReadWrite,
    kind: Kind::Bytes,
    since: Capability::DirtyLimits,
    excludes: None,
    help: "bytes up to which the system-wide limit does not slow the subtree; size or max",
};

/// The amount of device time that the subtree's writeback may take up.
pub static DIRTY_PACE: Knob = Knob {
    name: "memory.dirty_pace_usec",
    mode: Mode::ReadWrite,
    kind: Kind::Pace,
    since: Capability::DirtyLimits,
    excludes: None,
    help: "device time that its writeback may take up; 1ms to 10s, default or max",
};

/// Starts writeback of the subtree.
pub static DIRTY_WRITEBACK: Knob = Knob {
    name: "memory.dirty_writeback",
    mode: Mode::Write,
    kind: Kind::Trigger,
    since: Capability::DirtyLimits,
    excludes: None,
    help: "write back this many bytes of the subtree's dirty pages",
};

/// The figures in force.
pub static DIRTY_STAT: Knob = Knob {
    name: "memory.dirty_stat",
    mode: Mode::Read,
    kind: Kind::Flat,
    since: Capability::DirtyLimits,
    excludes: None,
    help: "dirty and writeback bytes, the limits in force, throttling",
};

/// Starts recharging.
pub static RECHARGE: Knob = Knob {
    name: "memory.recharge",
    mode: Mode::Write,
    kind: Kind::Trigger,
    since: Capability::Recharge,
    excludes: None,
    help: "move this many bytes inherited from removed cgroups to their users",
};

/// The amount of memory inherited, and the amount moved.
pub static RECHARGE_STAT: Knob = Knob {
    name: "memory.recharge_stat",
    mode: Mode::Read,
    kind: Kind::Flat,
    since: Capability::Recharge,
    excludes: None,
    help: "bytes inherited from removed cgroups, recharged, failed",
};

/// What this cgroup pays for in place of its descendants.
pub static PERSISTENT: Knob = Knob {
    name: "memory.persistent",
    mode: Mode::ReadWrite,
    kind: Kind::Words,
    since: Capability::DeterministicCharges,
    excludes: None,
    help: "memory of descendants that this cgroup pays for; file, shmem, both or nothing",
};

/// All knobs, in the order of display.
pub static KNOBS: [&Knob; 11] = [
    &DIRTY_LIMIT,
    &DIRTY_BACKGROUND_LIMIT,
    &DIRTY_RATIO,
    &DIRTY_BACKGROUND_RATIO,
    &DIRTY_MIN,
    &DIRTY_PACE,
    &DIRTY_WRITEBACK,
    &DIRTY_STAT,
    &RECHARGE,
    &RECHARGE_STAT,
    &PERSISTENT,
];

/// Returns the knob of this name, with or without `memory.`.
pub fn find(name: &str) -> Option<&'static Knob> {
    let short = name.strip_prefix("memory.").unwrap_or(name);
    KNOBS.into_iter().find(|knob| knob.short_name() == short)
}

/// Returns the knobs whose value can be set.
pub fn settable() -> impl Iterator<Item = &'static Knob> {
    KNOBS
        .into_iter()
        .filter(|knob| knob.mode == Mode::ReadWrite)
}

impl Knob {
    /// Returns the name without `memory.`.
    pub fn short_name(&self) -> &'static str {
        self.name.strip_prefix("memory.").unwrap_or(self.name)
    }

    /// Returns its value in a new cgroup.
    pub fn initial(&self) -> Option<Value> {
        match self.kind {
            Kind::Bytes if self.excludes.is_none() => Some(Value::Bytes(Limit::At(0))),
            Kind::Bytes => Some(Value::Bytes(Limit::Max)),
            Kind::Ratio => Some(Value::Ratio(Limit::Max)),
            Kind::Words => Some(Value::Payments(Payments::default())),
            Kind::Pace => Some(Value::Pace(Pace::Default)),
            Kind::Trigger | Kind::Flat => None,
        }
    }

    /// Returns whether setting one of the two resets the other to `max`.
    pub fn conflicts_with(&self, other: &Knob) -> bool {
        self.excludes == Some(other.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_by_both_names() {
        for knob in KNOBS {
            assert_eq!(find(knob.name), Some(knob));
            assert_eq!(find(knob.short_name()), Some(knob));
        }
        for name in [
            "",
            "memory.",
            "dirty",
            "memory.memory.dirty_min",
            "memory.max",
        ] {
            assert_eq!(find(name), None, "{name}");
        }
    }

    #[test]
    fn exclusion_is_mutual() {
        for knob in KNOBS {
            assert_eq!(knob.initial().is_some(), knob.mode == Mode::ReadWrite);
            if let Some(name) = knob.excludes {
                let other = find(name).unwrap();
                assert!(other.conflicts_with(knob), "{} and {name}", knob.name);
            }
        }
    }

    #[test]
    fn only_what_can_be_read_back_is_settable() {
        let names: Vec<_> = settable().map(Knob::short_name).collect();
        assert_eq!(
            names,
            [
                "dirty_limit_in_bytes",
                "dirty_background_limit_in_bytes",
                "dirty_ratio",
                "dirty_background_ratio",
                "dirty_min",
                "dirty_pace_usec",
                "persistent"
            ]
        );
    }
}
