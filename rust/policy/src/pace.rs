// SPDX-License-Identifier: GPL-2.0

//! The pace of writeback: the values of its files, and what follows from them.
//!
//! A pace is a time: the amount of device time that a cgroup's pages under writeback may take up.
//! Others that sync to the same device wait no longer than that. A limit bounds the dirty pages,
//! not how many of them are submitted at once, so a cgroup with a limit is paced unless its file
//! says otherwise. A floor promises that other cgroups do not get in the way, so while a floor is
//! granted, all cgroups without one are paced.

use core::fmt;

use super::size::{parse_digits, ParseError};
use super::units::Micros;

/// The shortest pace.
pub const MIN: Micros = Micros(1_000);

/// The longest pace.
pub const MAX: Micros = Micros(10_000_000);

/// The initial pace of cgroups that set none themselves.
///
/// A longer pace improves neither throughput nor the number of writers, and others that sync to the
/// same device wait longer; `tests/bench/run.sh pace` measures both.
pub const DEFAULT: Micros = Micros(7_000);

/// The value of `memory.dirty_pace_usec`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// The system-wide pace, if there is a reason to pace the cgroup.
    #[default]
    Default,
    /// The cgroup is not paced on its own account.
    Max,
    /// A time from [`MIN`] to [`MAX`].
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

/// Parses the system-wide pace: a number of microseconds, or `0` for no pace (`None`).
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

/// The pace that applies to a cgroup and its descendants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The pace, if this cgroup sets one.
    pub pace: Option<Micros>,
    /// Whether the pace of cgroups without a floor does not apply, even if this one has no floor.
    pub exempt: bool,
}

/// Returns the rule for a cgroup whose file holds `pace`, given whether it is `limited` by a limit
/// of its own, and the system-wide pace `machine`.
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
