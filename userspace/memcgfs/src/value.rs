// SPDX-License-Identifier: GPL-2.0

//! The values of knobs.

use crate::given;
use crate::knobs::Kind;
use crate::pace::Pace;
use crate::payments::Payments;
use crate::ratio::Ratio;
use crate::size::parse_bytes;
use crate::size::ParseError;
use crate::units::Bytes;
use crate::usec;
use crate::usec::Usec;
use std::fmt;

/// A value that may be unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit<T> {
    /// `max`.
    Max,
    /// A value.
    At(T),
}

impl<T> Limit<T> {
    /// Returns the value unless it is `max`.
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

impl From<Option<Bytes>> for Limit<u64> {
    fn from(size: Option<Bytes>) -> Self {
        size.map(|bytes| bytes.0).into()
    }
}

impl Limit<u64> {
    /// Returns the value as a size.
    pub(crate) fn size(self) -> Option<Bytes> {
        self.at().map(Bytes)
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

/// The value of a knob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A size.
    Bytes(Limit<u64>),
    /// A percentage.
    Ratio(Limit<Ratio>),
    /// The memory that the cgroup pays for in place of its descendants.
    Payments(Payments),
    /// The amount of device time that writeback may take up.
    Pace(Pace),
}

impl Value {
    /// Parses the content of a file.
    pub fn parse(kind: Kind, text: &[u8]) -> Result<Self, ParseError> {
        match kind {
            Kind::Bytes | Kind::Trigger => Ok(Self::Bytes(parse_bytes(text)?.into())),
            Kind::Ratio => Ok(Self::Ratio(Ratio::parse(text)?.into())),
            Kind::Words => Ok(Self::Payments(Payments::parse(text)?)),
            Kind::Pace => Ok(Self::Pace(Pace::parse(text)?)),
            Kind::Flat => Err(ParseError::Junk),
        }
    }

    /// Parses user input: the syntax of the file, and that of this crate's output.
    pub fn parse_given(kind: Kind, text: &str) -> Result<Self, ParseError> {
        let text = text.trim();
        match kind {
            Kind::Bytes | Kind::Trigger => Ok(Self::Bytes(given::bytes(text)?.into())),
            Kind::Ratio => Self::parse(kind, text.strip_suffix('%').unwrap_or(text).as_bytes()),
            Kind::Words if text == NONE => Ok(Self::Payments(Payments::default())),
            Kind::Pace => Ok(Self::Pace(usec::parse_pace(text)?)),
            Kind::Words | Kind::Flat => Self::parse(kind, text.as_bytes()),
        }
    }

    /// Returns whether this is `max`.
    pub fn is_max(self) -> bool {
        matches!(self, Self::Bytes(Limit::Max) | Self::Ratio(Limit::Max))
    }

    /// Returns the text to write to a file for this value.
    pub fn text(self) -> String {
        match self {
            Self::Bytes(bytes) => bytes.to_string(),
            Self::Ratio(ratio) => ratio.to_string(),
            Self::Payments(payments) => payments.to_string(),
            Self::Pace(pace) => pace.to_string(),
        }
    }

    /// Returns the size, if this is one.
    pub fn bytes(self) -> Option<u64> {
        match self {
            Self::Bytes(Limit::At(bytes)) => Some(bytes),
            _ => None,
        }
    }
}

/// The text displayed for no payments.
const NONE: &str = "none";

/// Displays the value for humans: `64MiB`, `12.50%`, `file shmem`, `25ms`, `max`, `none`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(Limit::At(bytes)) => Bytes(*bytes).fmt(f),
            Self::Ratio(Limit::At(ratio)) => write!(f, "{ratio}%"),
            Self::Bytes(Limit::Max) | Self::Ratio(Limit::Max) => f.write_str("max"),
            Self::Payments(payments) if *payments == Payments::default() => f.write_str(NONE),
            Self::Payments(payments) => payments.fmt(f),
            Self::Pace(Pace::Usec(pace)) => Usec(pace.0.into()).fmt(f),
            Self::Pace(pace) => pace.fmt(f),
        }
    }
}

// The file that defines the type is `no_std`.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payments() {
        let table: [(&str, &str, &str); 4] = [
            ("\n", "", "none"),
            ("shmem file\n", "file shmem", "file shmem"),
            (" shmem ", "shmem", "shmem"),
            ("file file", "file", "file"),
        ];
        for (input, text, shown) in table {
            let value = Value::parse(Kind::Words, input.as_bytes()).unwrap();
            assert_eq!(
                (value.text().as_str(), value.to_string().as_str()),
                (text, shown)
            );
        }
        // As in the module, a comma is not white space.
        for input in [
            &b"anon"[..],
            b"File",
            b"file=1",
            b"file,shmem",
            b"\xff",
            b"none",
        ] {
            assert_eq!(Value::parse(Kind::Words, input), Err(ParseError::Junk));
        }
    }

    #[test]
    fn what_is_displayed_is_taken() {
        use ParseError::*;
        let good = [
            (Kind::Bytes, "64MiB", "67108864"),
            (Kind::Bytes, "1.5GiB", "1610612736"),
            (Kind::Bytes, "512B", "512"),
            (Kind::Bytes, "64M", "67108864"),
            (Kind::Bytes, "max", "max"),
            (Kind::Ratio, "12.50%", "12.50"),
            (Kind::Ratio, "max", "max"),
            (Kind::Words, "none", ""),
            (Kind::Words, "file shmem", "file shmem"),
            (Kind::Pace, "25ms", "25000"),
            (Kind::Pace, "2s", "2000000"),
            (Kind::Pace, "1500us", "1500"),
            (Kind::Pace, "default", "default"),
            (Kind::Pace, "max", "max"),
        ];
        for (kind, given, written) in good {
            let value = Value::parse_given(kind, given).unwrap();
            assert_eq!(value.text(), written, "{given}");
            // The displayed form is valid input.
            let again = Value::parse_given(kind, &value.to_string());
            assert_eq!(again, Ok(value), "{value}");
        }
        let bad = [
            (Kind::Bytes, "64mib", Junk),
            (Kind::Bytes, "64MB", Junk),
            (Kind::Bytes, "1.5M", Junk),
            (Kind::Bytes, ".5MiB", Junk),
            (Kind::Bytes, "1.55MiB", Junk),
            (Kind::Bytes, "64 MiB", Junk),
            (Kind::Bytes, "maxiB", Junk),
            (Kind::Bytes, "1.5B", Junk),
            (Kind::Bytes, "16EiB", Overflow),
            (Kind::Ratio, "max%%", Junk),
            (Kind::Pace, "25", TooSmall),
            (Kind::Pace, "11s", TooLarge),
            (Kind::Pace, "ms", Junk),
            (Kind::Pace, "", Empty),
            (Kind::Pace, "99999999999999999999s", TooLarge),
        ];
        for (kind, given, error) in bad {
            assert_eq!(Value::parse_given(kind, given), Err(error), "{given}");
        }
    }
}
