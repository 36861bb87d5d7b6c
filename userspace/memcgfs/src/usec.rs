// SPDX-License-Identifier: GPL-2.0

//! Times in microseconds, in user input and output.

use crate::pace;
use crate::pace::Pace;
use crate::size::parse_bytes;
use crate::size::ParseError;
use std::fmt;

/// A time in microseconds that displays exactly and readably: `25ms`, `2s`, `1500us`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usec(pub u64);

/// The shortest and the longest pace.
pub const PACES: [Usec; 2] = [Usec(pace::MIN.0 as u64), Usec(pace::MAX.0 as u64)];

impl Usec {
    /// Parses a time with a unit, or a number of microseconds.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let units = [("us", 1), ("ms", 1_000), ("s", 1_000_000)];
        let (number, unit) = units
            .iter()
            .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)))
            .unwrap_or((text, 1));
        if text.is_empty() {
            return Err(ParseError::Empty);
        }
        if number.is_empty() || !number.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(ParseError::Junk);
        }
        let number = parse_bytes(number.as_bytes()).ok().flatten();
        let usec = number.and_then(|number| number.0.checked_mul(unit));
        usec.map(Self).ok_or(ParseError::TooLarge)
    }
}

/// Parses a pace from user input: the syntax of its file, and times with a unit.
pub fn parse_pace(text: &str) -> Result<Pace, ParseError> {
    match Usec::parse(text) {
        Ok(Usec(usec)) => Pace::parse(usec.to_string().as_bytes()),
        Err(_) if ["default", "max"].contains(&text) => Pace::parse(text.as_bytes()),
        Err(error) => Err(error),
    }
}

impl fmt::Display for Usec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            usec if usec >= 1_000_000 && usec % 1_000_000 == 0 => {
                write!(f, "{}s", usec / 1_000_000)
            }
            usec if usec >= 1_000 && usec % 1_000 == 0 => write!(f, "{}ms", usec / 1_000),
            usec => write!(f, "{usec}us"),
        }
    }
}
