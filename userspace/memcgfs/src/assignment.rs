// SPDX-License-Identifier: GPL-2.0

//! Wishes that were checked before anything is written: to set a knob, to start a trigger.

use crate::knobs;
use crate::knobs::Knob;
use crate::knobs::Mode;
use crate::limits;
use crate::limits::Config;
use crate::page;
use crate::size::parse_bytes;
use crate::size::ParseError;
use crate::value::Limit;
use crate::value::Value;
use std::fmt;

/// How much a trigger is asked for: a size or `max`, checked and as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    text: String,
    bytes: Limit<u64>,
}

impl Amount {
    /// All there is.
    pub fn max() -> Self {
        Self {
            text: "max".to_owned(),
            bytes: Limit::Max,
        }
    }

    /// Parse and check it.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        Ok(Self {
            text: text.trim().to_owned(),
            bytes: parse_bytes(text.as_bytes())?.into(),
        })
    }

    /// What is written, as the user gave it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it means.
    pub fn bytes(&self) -> Limit<u64> {
        self.bytes
    }
}

/// One `KNOB=VALUE` that the kernel should take: the knob can be set and the value passed the module's own checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    knob: &'static Knob,
    text: String,
    value: Value,
}

/// Why a `KNOB=VALUE` is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadAssignment {
    /// There is no `=` in it.
    Form,
    /// No knob has this name.
    Unknown(String),
    /// The knob can not be set.
    NotSettable(&'static Knob),
    /// The value is not good for the knob.
    Value(&'static Knob, String, ParseError),
}

impl Assignment {
    /// Parse and check `KNOB=VALUE`.
    pub fn parse(text: &str) -> Result<Self, BadAssignment> {
        let (name, text) = text.split_once('=').ok_or(BadAssignment::Form)?;
        Self::new(name, text)
    }

    /// Check that the knob of this name takes this value.
    pub fn new(name: &str, text: &str) -> Result<Self, BadAssignment> {
        let knob = knobs::find(name).ok_or_else(|| BadAssignment::Unknown(name.to_owned()))?;
        if knob.mode != Mode::ReadWrite {
            return Err(BadAssignment::NotSettable(knob));
        }
        let text = text.trim().to_owned();
        let bad = |reason| BadAssignment::Value(knob, text.clone(), reason);
        let value = Value::parse(knob.kind, text.as_bytes()).map_err(bad)?;
        check(knob, value).map_err(bad)?;
        let text = match value {
            // The kernel takes white space only.
            Value::Kinds(_) => value.text(),
            _ => text,
        };
        Ok(Self { knob, text, value })
    }

    /// The knob.
    pub fn knob(&self) -> &'static Knob {
        self.knob
    }

    /// What is written, as the user gave it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it means.
    pub fn value(&self) -> Value {
        self.value
    }

    /// What the knob reads when this was written: sizes are rounded down to pages.
    pub fn read_back(&self) -> Value {
        let Value::Bytes(bytes) = self.value else {
            return self.value;
        };
        let config = Config::default();
        let kept = match self.knob.excludes {
            // The checks were passed, so that this can not fail.
            Some(_) => match config.with_limit_bytes(bytes.at(), page::shift()) {
                Ok(config) => config.limit.bytes(),
                Err(_) => bytes.at(),
            },
            None => {
                let min = config.with_min(bytes.at(), page::shift()).min;
                Some(min).filter(|min| *min != limits::MIN_ALL)
            }
        };
        Value::Bytes(kept.into())
    }

    /// Whether this and the other undo each other. `max` undoes nothing: it may stand beside what replaces it.
    pub fn conflicts_with(&self, other: &Self) -> bool {
        self.knob.conflicts_with(other.knob) && !self.value.is_max() && !other.value.is_max()
    }

    /// Why this can not stand behind the others, which are for the same cgroup; `None` if it can.
    pub fn problem_after<'a>(&self, others: impl IntoIterator<Item = &'a Self>) -> Option<String> {
        let name = self.knob.name;
        others.into_iter().find_map(|other| {
            let other_name = other.knob.name;
            if other_name == name {
                // It may have been written in two ways, with `memory.` and without.
                Some(format!("{name} is given twice"))
            } else if self.conflicts_with(other) {
                Some(format!(
                    "{other_name} and {name} replace each other; give one of them"
                ))
            } else {
                None
            }
        })
    }
}

/// Refuse what the module would refuse: a limit below two pages, or beyond what counts as pages.
fn check(knob: &Knob, value: Value) -> Result<(), ParseError> {
    // The floor is the one size that nothing replaces, and the one that may be any.
    let (Value::Bytes(bytes), true) = (value, knob.excludes.is_some()) else {
        return Ok(());
    };
    Config::default()
        .with_limit_bytes(bytes.at(), page::shift())
        .map(|_| ())
}

impl fmt::Display for BadAssignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("not of the form KNOB=VALUE"),
            Self::Unknown(name) => {
                write!(f, "no knob has the name {name:?}; there are")?;
                for knob in knobs::settable() {
                    write!(f, " {}", knob.short_name())?;
                }
                Ok(())
            }
            Self::NotSettable(knob) => write!(f, "{} can not be set: {}", knob.name, knob.help),
            Self::Value(knob, text, reason) => {
                write!(
                    f,
                    "{} does not take {text:?}: {reason} ({})",
                    knob.name, knob.help
                )
            }
        }
    }
}

impl std::error::Error for BadAssignment {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good() {
        let table = [
            (
                "dirty_limit_in_bytes=64M",
                "memory.dirty_limit_in_bytes",
                "64M",
                "64MiB",
            ),
            ("memory.dirty_min=0", "memory.dirty_min", "0", "0B"),
            ("dirty_min=1", "memory.dirty_min", "1", "1B"),
            ("dirty_min=max", "memory.dirty_min", "max", "max"),
            ("dirty_ratio=12.5", "memory.dirty_ratio", "12.5", "12.50%"),
            (
                "persistent=shmem,file",
                "memory.persistent",
                "file shmem",
                "file shmem",
            ),
            ("persistent=", "memory.persistent", "", "none"),
            (
                "dirty_background_ratio= max ",
                "memory.dirty_background_ratio",
                "max",
                "max",
            ),
        ];
        for (input, name, text, shown) in table {
            let assignment = Assignment::parse(input).unwrap();
            assert_eq!(assignment.knob().name, name);
            assert_eq!(assignment.text(), text);
            assert_eq!(assignment.value().to_string(), shown);
        }
    }

    #[test]
    fn rounded_as_the_kernel_does() {
        let table = [
            ("dirty_min=5000", "4KiB"),
            ("dirty_min=100", "0B"),
            ("dirty_min=max", "max"),
            ("dirty_limit_in_bytes=9000", "8KiB"),
            ("dirty_limit_in_bytes=max", "max"),
            ("dirty_ratio=0.1", "0.10%"),
        ];
        for (text, read) in table {
            let assignment = Assignment::parse(text).unwrap();
            assert_eq!(assignment.read_back().to_string(), read);
        }
    }

    #[test]
    fn bad() {
        use ParseError::*;
        let value = |knob, text: &str, reason| BadAssignment::Value(knob, text.to_owned(), reason);
        let limit = &knobs::DIRTY_LIMIT;
        let table = [
            ("", BadAssignment::Form),
            ("dirty_ratio", BadAssignment::Form),
            ("=", BadAssignment::Unknown(String::new())),
            (
                "memory.max=1G",
                BadAssignment::Unknown("memory.max".to_owned()),
            ),
            (
                "dirty_stat=1",
                BadAssignment::NotSettable(&knobs::DIRTY_STAT),
            ),
            (
                "dirty_writeback=1M",
                BadAssignment::NotSettable(&knobs::DIRTY_WRITEBACK),
            ),
            ("dirty_limit_in_bytes=", value(limit, "", Empty)),
            ("dirty_limit_in_bytes=-1", value(limit, "-1", Junk)),
            ("dirty_limit_in_bytes=1=2", value(limit, "1=2", Junk)),
            ("dirty_limit_in_bytes=64M 1", value(limit, "64M 1", Junk)),
            ("dirty_limit_in_bytes=0", value(limit, "0", TooSmall)),
            ("dirty_limit_in_bytes=4K", value(limit, "4K", TooSmall)),
            ("dirty_limit_in_bytes=16E", value(limit, "16E", Overflow)),
            (
                "dirty_ratio=100.01",
                value(&knobs::DIRTY_RATIO, "100.01", TooLarge),
            ),
            ("dirty_ratio=0", value(&knobs::DIRTY_RATIO, "0", TooSmall)),
            ("persistent=anon", value(&knobs::PERSISTENT, "anon", Junk)),
            ("recharge=1M", BadAssignment::NotSettable(&knobs::RECHARGE)),
            ("dirty_min=ä", value(&knobs::DIRTY_MIN, "ä", Junk)),
        ];
        for (input, error) in table {
            assert_eq!(Assignment::parse(input), Err(error), "{input:?}");
        }
    }
}
