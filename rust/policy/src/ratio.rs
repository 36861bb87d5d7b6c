// SPDX-License-Identifier: GPL-2.0

//! A percentage in steps of a hundredth: its text, and its share of a count of pages.
//!
//! What the percentage is taken of is not this file's business; see `limits.rs`.

use core::fmt;

use super::size::parse_digits;
use super::size::ParseError;
use super::units::Pages;

/// Hundredths of a percent in the whole.
const WHOLE: u64 = 10_000;

/// A percentage between 0.01 and 100, in hundredths of a percent.
///
/// # Invariants
///
/// The value is in `1..=10000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ratio(u16);

impl Ratio {
    /// Makes a ratio of hundredths of a percent; `None` outside of `1..=10000`.
    pub const fn from_hundredths(hundredths: u16) -> Option<Self> {
        match hundredths {
            // INVARIANT: The pattern is the invariant.
            1..=10_000 => Some(Self(hundredths)),
            _ => None,
        }
    }

    /// The ratio in hundredths of a percent.
    pub const fn hundredths(self) -> u16 {
        self.0
    }

    /// Parses a percentage; `max` is `None`.
    ///
    /// A percentage is decimal digits, and at most a point and one or two more digits. White space
    /// (ASCII) around it is ignored. A third decimal is [`ParseError::Junk`] even when it is zero:
    /// a value that would not be read back as it was written is not taken.
    pub fn parse(input: &[u8]) -> Result<Option<Self>, ParseError> {
        let word = match input.trim_ascii() {
            b"" => return Err(ParseError::Empty),
            b"max" => return Ok(None),
            word => word,
        };

        let (percent, hundredths) = match word {
            [percent @ .., b'.', tenth] => (percent, parse_digits(&[*tenth])?.saturating_mul(10)),
            [percent @ .., b'.', tenth, hundredth] => {
                (percent, parse_digits(&[*tenth, *hundredth])?)
            }
            percent => (percent, 0),
        };
        let percent = match parse_digits(percent) {
            // Beyond `u64` is beyond 100 as well, and the user should be told the latter.
            Err(ParseError::Overflow) => return Err(ParseError::TooLarge),
            percent => percent?,
        };

        match percent.saturating_mul(100).saturating_add(hundredths) {
            0 => Err(ParseError::TooSmall),
            total => u16::try_from(total)
                .ok()
                .and_then(Self::from_hundredths)
                .map(Some)
                .ok_or(ParseError::TooLarge),
        }
    }

    /// This share of `pages`, rounded down; never more than `pages`.
    pub fn of(self, Pages(pages): Pages) -> Pages {
        let hundredths = u64::from(self.0);

        // With pages = q * WHOLE + r the share is q * hundredths + r * hundredths / WHOLE. The
        // first term is at most `pages` and the second below WHOLE, so that nothing here saturates;
        // the product of pages and hundredths could overflow.
        Pages(
            (pages / WHOLE)
                .saturating_mul(hundredths)
                .saturating_add((pages % WHOLE).saturating_mul(hundredths) / WHOLE),
        )
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}
