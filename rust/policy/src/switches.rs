// SPDX-License-Identifier: GPL-2.0

//! The values of the switches in `/sys/kernel/mm/memcg_knobs`, as text.

use core::fmt;

use super::size::{parse_digits, ParseError};

/// The longest time that [`parse_seconds`] accepts: a day.
pub const MAX_SECONDS: u32 = 86_400;

/// Parses a switch, `0` or `1`; white space around it is ignored.
pub fn parse_switch(input: &[u8]) -> Result<bool, ParseError> {
    match input.trim_ascii() {
        b"" => Err(ParseError::Empty),
        b"0" => Ok(false),
        b"1" => Ok(true),
        _ => Err(ParseError::Junk),
    }
}

/// Parses seconds, at most [`MAX_SECONDS`], or `0` for `None`; white space around it is ignored.
pub fn parse_seconds(input: &[u8]) -> Result<Option<u32>, ParseError> {
    let seconds = match input.trim_ascii() {
        b"" => return Err(ParseError::Empty),
        digits => parse_digits(digits)?,
    };

    match u32::try_from(seconds) {
        Ok(0) => Ok(None),
        Ok(seconds) if seconds <= MAX_SECONDS => Ok(Some(seconds)),
        _ => Err(ParseError::TooLarge),
    }
}

/// The cgroups that inherited pages may be recharged to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Descendants of the cgroup that inherited them, so that no ancestor's total changes.
    #[default]
    Subtree,
    /// Any cgroup.
    Any,
}

impl Scope {
    /// Parses `subtree` or `any`; white space around it is ignored.
    pub fn parse(input: &[u8]) -> Result<Self, ParseError> {
        match input.trim_ascii() {
            b"" => Err(ParseError::Empty),
            b"subtree" => Ok(Self::Subtree),
            b"any" => Ok(Self::Any),
            _ => Err(ParseError::Junk),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Subtree => "subtree",
            Self::Any => "any",
        })
    }
}
