// SPDX-License-Identifier: GPL-2.0

//! Requests that are checked before anything is written: to set a knob or to start a trigger.

use crate::given;
use crate::knobs;
use crate::knobs::Kind;
use crate::knobs::Knob;
use crate::knobs::Mode;
use crate::limits;
use crate::limits::Config;
use crate::page;
use crate::refusal;
use crate::size::parse_bytes;
use crate::size::ParseError;
use crate::value::Limit;
use crate::value::Value;
use std::fmt;

/// The argument of a trigger: a size or `max`, checked and as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    text: String,
    bytes: Limit<u64>,
}

impl Amount {
    /// Returns the amount that stands for everything.
    pub fn max() -> Self {
        Self {
            text: "max".to_owned(),
            bytes: Limit::Max,
        }
    }

    /// Parses and checks an amount.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let bytes = given::bytes(text)?.into();
        Ok(Self {
            text: kernel_text(text, Value::Bytes(bytes)),
            bytes,
        })
    }

    /// Returns the text to write, as the user gave it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the parsed amount.
    pub fn bytes(&self) -> Limit<u64> {
        self.bytes
    }
}

/// A `KNOB=VALUE` that the kernel should accept: the knob is settable and the value has passed the
/// module's own checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    knob: &'static Knob,
    text: String,
    value: Value,
}

/// The reason why a `KNOB=VALUE` is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadAssignment {
    /// It contains no `=`.
    Form,
    /// No knob has this name.
    Unknown(String),
    /// The knob cannot be set.
    NotSettable(&'static Knob),
    /// The value is invalid for the knob.
    Value(&'static Knob, String, ParseError),
}

impl Assignment {
    /// Parses and checks `KNOB=VALUE`.
    pub fn parse(text: &str) -> Result<Self, BadAssignment> {
        let (name, text) = text.split_once('=').ok_or(BadAssignment::Form)?;
        Self::new(name, text)
    }

    /// Checks that the knob of this name accepts this value.
    pub fn new(name: &str, text: &str) -> Result<Self, BadAssignment> {
        let knob = knobs::find(name).ok_or_else(|| BadAssignment::Unknown(name.to_owned()))?;
        if knob.mode != Mode::ReadWrite {
            return Err(BadAssignment::NotSettable(knob));
        }
        let text = text.trim().to_owned();
        let bad = |reason| BadAssignment::Value(knob, text.clone(), reason);
        let value = Value::parse_given(knob.kind, &text).map_err(bad)?;
        check(knob, value).map_err(bad)?;
        let text = match knob.kind {
            Kind::Bytes => kernel_text(&text, value),
            _ if Value::parse(knob.kind, text.as_bytes()) == Ok(value) => text,
            _ => value.text(),
        };
        Ok(Self { knob, text, value })
    }

    /// Returns the knob.
    pub fn knob(&self) -> &'static Knob {
        self.knob
    }

    /// Returns the text to write, as the user gave it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the parsed value.
    pub fn value(&self) -> Value {
        self.value
    }

    /// Returns the value that the knob reads after this was written: sizes are rounded down to
    /// pages.
    pub fn read_back(&self) -> Value {
        let Value::Bytes(bytes) = self.value else {
            return self.value;
        };
        let config = Config::default();
        let kept = match self.knob.excludes {
            // The value has passed the checks, so this cannot fail.
            Some(_) => match config.with_limit_bytes(bytes.size(), page::shift()) {
                Ok(config) => config.limit.bytes(),
                Err(_) => bytes.size(),
            },
            None => {
                let min = config.with_min(bytes.size(), page::shift()).min;
                Some(min).filter(|min| *min != limits::MIN_ALL)
            }
        };
        Value::Bytes(kept.into())
    }

    /// Returns whether the two assignments exclude each other. `max` may be combined with anything.
    pub fn conflicts_with(&self, other: &Self) -> bool {
        self.knob.conflicts_with(other.knob) && !self.value.is_max() && !other.value.is_max()
    }

    /// Returns why this assignment is invalid after the others for the same cgroup; `None` if it is
    /// valid.
    pub fn problem_after<'a>(&self, others: impl IntoIterator<Item = &'a Self>) -> Option<String> {
        let name = self.knob.name;
        others.into_iter().find_map(|other| {
            let other_name = other.knob.name;
            if other_name == name {
                // The same knob may be spelled with and without `memory.`.
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

/// Returns the text to write to the kernel for a size: the user's own text where possible.
fn kernel_text(given: &str, value: Value) -> String {
    let given = given.trim();
    match parse_bytes(given.as_bytes()) {
        Ok(_) => given.to_owned(),
        Err(_) => value.text(),
    }
}

/// Rejects values that the module rejects: a limit below two pages or above the largest number of
/// pages.
fn check(knob: &Knob, value: Value) -> Result<(), ParseError> {
    // The floor is the only size that no other knob replaces, and the only one without a minimum.
    let (Value::Bytes(bytes), true) = (value, knob.excludes.is_some()) else {
        return Ok(());
    };
    Config::default()
        .with_limit_bytes(bytes.size(), page::shift())
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
            Self::NotSettable(knob) => write!(f, "{} cannot be set: {}", knob.name, knob.help),
            Self::Value(knob, text, reason) => {
                let reason = refusal::of_knob(knob.kind, *reason);
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
mod tests;
