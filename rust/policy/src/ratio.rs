// SPDX-License-Identifier: GPL-2.0

//! A percentage with two decimals: its text form, and its application to a number of pages.
//!
//! What it is a percentage of is defined in `limits.rs`.

use core::fmt;

use super::size::parse_digits;
use super::size::ParseError;
use super::units::Pages;

/// The number of hundredths of a percent in the whole.
const WHOLE: u64 = 10_000;

/// A percentage between 0.01 and 100, in hundredths of a percent.
///
/// # Invariants
///
/// The value is in `1..=10000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ratio(u16);

impl Ratio {
    /// Creates a ratio from hundredths of a percent; `None` if outside of `1..=10000`.
    pub const fn from_hundredths(hundredths: u16) -> Option<Self> {
        match hundredths {
            // INVARIANT: The pattern is the invariant.
            1..=10_000 => Some(Self(hundredths)),
            _ => None,
        }
    }

    /// Returns the ratio in hundredths of a percent.
    pub const fn hundredths(self) -> u16 {
        self.0
    }

    /// Parses a percentage; `max` is `None`.
    ///
    /// A percentage consists of decimal digits, optionally followed by a point and one or two more
    /// digits. ASCII white space around it is ignored. A third decimal is [`ParseError::Junk`] even
    /// if it is zero: a value is accepted only if it reads back unchanged.
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
            // A value beyond `u64` exceeds 100, too, and that is what the user needs to know.
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

    /// Returns this share of `pages`, rounded down; never more than `pages`.
    pub fn of(self, Pages(pages): Pages) -> Pages {
        let hundredths = u64::from(self.0);

        // The product of pages and hundredths could overflow. With pages = q * WHOLE + r, the share
        // is q * hundredths + r * hundredths / WHOLE. The first term is at most `pages` and the
        // second is below WHOLE, so nothing here saturates.
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
