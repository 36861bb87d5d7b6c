// SPDX-License-Identifier: GPL-2.0

//! The values of the switches in `/sys/kernel/mm/memcg_knobs`, as text.
//!
//! This file knows nothing of the kernel; see `size.rs`.

use core::fmt;

use crate::size::ParseError;

/// Parses a switch: `0` or `1`, white space around it is ignored.
pub fn parse_switch(input: &[u8]) -> Result<bool, ParseError> {
    match input.trim_ascii() {
        b"" => Err(ParseError::Empty),
        b"0" => Ok(false),
        b"1" => Ok(true),
        _ => Err(ParseError::Junk),
    }
}

/// To whom inherited pages may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// To descendants of the cgroup that inherited them, so that no ancestor's total changes.
    #[default]
    Subtree,
    /// To any cgroup.
    Any,
}

impl Scope {
    /// Parses `subtree` or `any`, white space around it is ignored.
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
