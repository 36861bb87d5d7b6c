// SPDX-License-Identifier: GPL-2.0

//! The pace of writeback: what a cgroup's file holds, and what follows from it.
//!
//! A pace is a time: how much work for a device the pages of a cgroup that are under writeback may
//! be. Whoever syncs beside it waits for no more than that. A limit bounds what is dirty and says
//! nothing about how much of it is submitted at once, so whoever has a limit is paced unless its
//! file says otherwise. A floor promises that others do not stand in the way, so while one is
//! granted all who have none are paced.

use core::fmt;

use super::size::{parse_digits, ParseError};
use super::units::Micros;

/// The shortest pace.
pub const MIN: Micros = Micros(1_000);

/// The longest pace.
pub const MAX: Micros = Micros(10_000_000);

/// The pace of those who do not say, until it is set.
///
/// With a longer one neither throughput nor the number of writers gain, and whoever syncs beside
/// waits longer; `tests/bench/run.sh pace` measures both.
pub const DEFAULT: Micros = Micros(15_000);

/// What `memory.dirty_pace_usec` holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// The pace of the machine, where there is a reason for one.
    #[default]
    Default,
    /// Not paced for this cgroup's own sake.
    Max,
    /// From [`MIN`] to [`MAX`].
    Usec(Micros),
}

impl Pace {
    /// Parses `default`, `max` or a number of microseconds; white space around it is ignored.
    pub fn parse(input: &[u8]) -> Result<Self, ParseError> {
        match input.trim_ascii() {
            b"" => Err(ParseError::Empty),
            b"default" => Ok(Self::Default),
            b"max" => Ok(Self::Max),
            digits => micros(parse_digits(digits)?).map(Self::Usec),
        }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Max => f.write_str("max"),
            Self::Usec(Micros(usec)) => write!(f, "{usec}"),
        }
    }
}

/// Parses the pace of the machine: `0` for none, which is `None`, or a number of microseconds.
pub fn parse_machine(input: &[u8]) -> Result<Option<Micros>, ParseError> {
    match input.trim_ascii() {
        b"" => Err(ParseError::Empty),
        digits => match parse_digits(digits)? {
            0 => Ok(None),
            number => micros(number).map(Some),
        },
    }
}

fn micros(number: u64) -> Result<Micros, ParseError> {
    match u32::try_from(number).map(Micros) {
        Ok(pace) if pace < MIN => Err(ParseError::TooSmall),
        Ok(pace) if pace <= MAX => Ok(pace),
        _ => Err(ParseError::TooLarge),
    }
}

/// What holds for a cgroup and those below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The pace, if this cgroup is a reason for one.
    pub pace: Option<Micros>,
    /// The pace of those who have no floor does not concern it, even if it has none.
    pub exempt: bool,
}

/// The rule of a cgroup whose file holds `pace` and which may be `limited` by a limit of its own, on a
/// machine with the pace `machine`.
pub fn rule(pace: Pace, limited: bool, machine: Option<Micros>) -> Rule {
    Rule {
        pace: match pace {
            Pace::Default if limited => machine,
            Pace::Default | Pace::Max => None,
            Pace::Usec(own) => Some(own),
        },
        exempt: pace != Pace::Default,
    }
}
