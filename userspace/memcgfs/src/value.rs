// SPDX-License-Identifier: GPL-2.0

//! What a knob holds, and a wish to set one that was checked before anything is written.

use crate::knobs;
use crate::knobs::Kind;
use crate::knobs::Knob;
use crate::knobs::Mode;
use crate::limits::Config;
use crate::ratio::Ratio;
use crate::size::parse_bytes;
use crate::size::Bytes;
use crate::size::ParseError;
use nix::unistd::sysconf;
use nix::unistd::SysconfVar;
use std::fmt;

/// Something that has a bound, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit<T> {
    /// `max`.
    Max,
    /// This much.
    At(T),
}

impl<T> Limit<T> {
    /// The bound, if there is one.
    pub fn at(self) -> Option<T> {
        match self {
            Self::Max => None,
            Self::At(bound) => Some(bound),
        }
    }
}

impl<T> From<Option<T>> for Limit<T> {
    fn from(bound: Option<T>) -> Self {
        bound.map_or(Self::Max, Self::At)
    }
}

impl<T: fmt::Display> fmt::Display for Limit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Max => f.write_str("max"),
            Self::At(bound) => bound.fmt(f),
        }
    }
}

/// What a knob holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A size.
    Bytes(Limit<u64>),
    /// A percentage.
    Ratio(Limit<Ratio>),
}

impl Value {
    /// Parse the content of a file, or what a user would write into it.
    pub fn parse(kind: Kind, text: &[u8]) -> Result<Self, ParseError> {
        match kind {
            Kind::Bytes | Kind::Trigger => Ok(Self::Bytes(parse_bytes(text)?.into())),
            Kind::Ratio => Ok(Self::Ratio(Ratio::parse(text)?.into())),
            Kind::Flat => Err(ParseError::Junk),
        }
    }

    /// Whether this is `max`.
    pub fn is_max(self) -> bool {
        matches!(self, Self::Bytes(Limit::Max) | Self::Ratio(Limit::Max))
    }

    /// The size, if this is one.
    pub fn bytes(self) -> Option<u64> {
        match self {
            Self::Bytes(Limit::At(bytes)) => Some(bytes),
            _ => None,
        }
    }
}

/// For people: `64MiB`, `12.50%`, `max`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(Limit::At(bytes)) => Bytes(*bytes).fmt(f),
            Self::Ratio(Limit::At(ratio)) => write!(f, "{ratio}%"),
            Self::Bytes(Limit::Max) | Self::Ratio(Limit::Max) => f.write_str("max"),
        }
    }
}

// The file that the type is from knows no `std`.
impl std::error::Error for ParseError {}

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
        let knob = knobs::find(name).ok_or_else(|| BadAssignment::Unknown(name.to_owned()))?;
        if knob.mode != Mode::ReadWrite {
            return Err(BadAssignment::NotSettable(knob));
        }
        let text = text.trim().to_owned();
        let bad = |reason| BadAssignment::Value(knob, text.clone(), reason);
        let value = Value::parse(knob.kind, text.as_bytes()).map_err(bad)?;
        check(knob, value).map_err(bad)?;
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
}

/// Refuse what the module would refuse: a limit below two pages, or beyond what counts as pages.
fn check(knob: &Knob, value: Value) -> Result<(), ParseError> {
    // The floor is the one size that nothing replaces, and the one that may be any.
    let (Value::Bytes(bytes), true) = (value, knob.excludes.is_some()) else {
        return Ok(());
    };
    Config::default()
        .with_limit_bytes(bytes.at(), page_shift())
        .map(|_| ())
}

/// The page size as a power of two.
fn page_shift() -> u32 {
    let size = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
    size.map_or(12, |size| size.trailing_zeros())
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
            ("dirty_min=ä", value(&knobs::DIRTY_MIN, "ä", Junk)),
        ];
        for (input, error) in table {
            assert_eq!(Assignment::parse(input), Err(error), "{input:?}");
        }
    }
}
