// SPDX-License-Identifier: GPL-2.0

//! What a knob holds.

use crate::knobs::Kind;
use crate::ratio::Ratio;
use crate::size::parse_bytes;
use crate::size::Bytes;
use crate::size::ParseError;
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
    /// Kinds of memory.
    Kinds(Kinds),
}

/// The kinds of memory that descendants bring in and this cgroup pays for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    /// Page cache of files.
    pub file: bool,
    /// Shared memory and tmpfs.
    pub shmem: bool,
}

impl Kinds {
    /// Words in any order, between white space or commas; none at all is no kind.
    pub fn parse(text: &[u8]) -> Result<Self, ParseError> {
        let mut kinds = Self::default();
        let words = text.split(|byte| byte.is_ascii_whitespace() || *byte == b',');
        for word in words.filter(|word| !word.is_empty()) {
            match word {
                b"file" => kinds.file = true,
                b"shmem" => kinds.shmem = true,
                _ => return Err(ParseError::Junk),
            }
        }
        Ok(kinds)
    }

    /// The words, in a fixed order.
    pub fn words(self) -> Vec<&'static str> {
        let words = [(self.file, "file"), (self.shmem, "shmem")];
        words
            .iter()
            .filter_map(|(there, word)| there.then_some(*word))
            .collect()
    }
}

impl Value {
    /// Parse the content of a file, or what a user would write into it.
    pub fn parse(kind: Kind, text: &[u8]) -> Result<Self, ParseError> {
        match kind {
            Kind::Bytes | Kind::Trigger => Ok(Self::Bytes(parse_bytes(text)?.into())),
            Kind::Ratio => Ok(Self::Ratio(Ratio::parse(text)?.into())),
            Kind::Words => Ok(Self::Kinds(Kinds::parse(text)?)),
            Kind::Flat => Err(ParseError::Junk),
        }
    }

    /// Whether this is `max`.
    pub fn is_max(self) -> bool {
        matches!(self, Self::Bytes(Limit::Max) | Self::Ratio(Limit::Max))
    }

    /// What is written to a file for this value.
    pub fn text(self) -> String {
        match self {
            Self::Bytes(bytes) => bytes.to_string(),
            Self::Ratio(ratio) => ratio.to_string(),
            Self::Kinds(kinds) => kinds.words().join(" "),
        }
    }

    /// The size, if this is one.
    pub fn bytes(self) -> Option<u64> {
        match self {
            Self::Bytes(Limit::At(bytes)) => Some(bytes),
            _ => None,
        }
    }
}

/// For people: `64MiB`, `12.50%`, `file shmem`, `max`, `none`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(Limit::At(bytes)) => Bytes(*bytes).fmt(f),
            Self::Ratio(Limit::At(ratio)) => write!(f, "{ratio}%"),
            Self::Bytes(Limit::Max) | Self::Ratio(Limit::Max) => f.write_str("max"),
            Self::Kinds(kinds) if *kinds == Kinds::default() => f.write_str("none"),
            Self::Kinds(kinds) => f.write_str(&kinds.words().join(" ")),
        }
    }
}

// The file that the type is from knows no `std`.
impl std::error::Error for ParseError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        let table: [(&[u8], &str, &str); 5] = [
            (b"\n", "", "none"),
            (b"shmem file\n", "file shmem", "file shmem"),
            (b"file,shmem", "file shmem", "file shmem"),
            (b" shmem ", "shmem", "shmem"),
            (b"file file", "file", "file"),
        ];
        for (input, text, shown) in table {
            let value = Value::parse(Kind::Words, input).unwrap();
            assert_eq!(
                (value.text().as_str(), value.to_string().as_str()),
                (text, shown)
            );
        }
        for input in [&b"anon"[..], b"File", b"file=1", b"\xff"] {
            assert_eq!(Value::parse(Kind::Words, input), Err(ParseError::Junk));
        }
    }
}
