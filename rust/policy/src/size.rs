// SPDX-License-Identifier: GPL-2.0

//! Sizes in bytes as text: as users write them into limit files, and as they are displayed.
//!
//! This file does not depend on the kernel or on limits. It uses `core` only, so that the module,
//! the host's tests and the command line tool all share the same code. The error type of all
//! parsers and setters in this crate is defined here as well.

use core::fmt;

use super::units::Bytes;

/// The reason why an input was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// Nothing but white space.
    Empty,
    /// Not a number of the accepted form: a sign, a second word, hexadecimal, an unknown suffix.
    Junk,
    /// A size that does not fit in a `u64` of bytes, or a page count that the kernel's dirty limits
    /// cannot hold.
    Overflow,
    /// Below the minimum: two pages, a ratio of 0.01 percent, or the shortest pace.
    TooSmall,
    /// Above the maximum: a ratio of 100 percent, the longest pace, or a day.
    TooLarge,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the value is empty",
            Self::Junk => "the value is not a number of the expected form, nor \"max\"",
            Self::Overflow => "the value does not fit a count of pages",
            Self::TooSmall => "the value is below the minimum",
            Self::TooLarge => "the value is above the maximum",
        })
    }
}

impl core::error::Error for ParseError {}

/// The suffixes and the powers of two that they stand for.
const SUFFIXES: [(u8, u32); 6] = [
    (b'K', 10),
    (b'M', 20),
    (b'G', 30),
    (b'T', 40),
    (b'P', 50),
    (b'E', 60),
];

/// Parses a size in bytes; `max` is `None`.
///
/// A size consists of decimal digits and an optional suffix out of `KMGTPE`, in either case, for
/// powers of 1024. ASCII white space around it is ignored, so the newline of `echo 64M` is
/// accepted. Anything else is [`ParseError::Junk`], however great its number, so
/// [`ParseError::Overflow`] implies that the form was right. Unlike in `memparse()`, leading zeros
/// do not make a number octal.
pub fn parse_bytes(input: &[u8]) -> Result<Option<Bytes>, ParseError> {
    let word = match input.trim_ascii() {
        b"" => return Err(ParseError::Empty),
        b"max" => return Ok(None),
        word => word,
    };

    let (digits, shift) = match word {
        [digits @ .., last] if !last.is_ascii_digit() => (digits, suffix_shift(*last)?),
        digits => (digits, 0),
    };

    let number = parse_digits(digits)?;
    let scale = 1u64.checked_shl(shift).ok_or(ParseError::Overflow)?;
    number
        .checked_mul(scale)
        .map(|bytes| Some(Bytes(bytes)))
        .ok_or(ParseError::Overflow)
}

/// Returns the power of two that a suffix stands for.
fn suffix_shift(suffix: u8) -> Result<u32, ParseError> {
    let suffix = suffix.to_ascii_uppercase();

    SUFFIXES
        .iter()
        .find(|(known, _)| *known == suffix)
        .map(|(_, shift)| *shift)
        .ok_or(ParseError::Junk)
}

/// Parses a word that consists of decimal digits; an empty word is `Junk`.
///
/// The whole word is checked before an overflow is reported, as it may turn out to be `Junk`.
pub(crate) fn parse_digits(digits: &[u8]) -> Result<u64, ParseError> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(ParseError::Junk);
    }

    digits
        .iter()
        .try_fold(0u64, |number, digit| {
            number
                .checked_mul(10)?
                .checked_add(u64::from(digit.wrapping_sub(b'0')))
        })
        .ok_or(ParseError::Overflow)
}

/// Displays a size for humans: `512B`, `64MiB`, `1.5GiB`.
///
/// The unit is the greatest one not above the size. A whole number of units is shown without a
/// decimal, any other size with one decimal. That is truncated, not rounded, so the displayed size
/// never exceeds the real one, and `64.0MiB` means a little more than `64MiB`.
impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = *self;
        let Some((suffix, shift)) = SUFFIXES
            .iter()
            .rev()
            .find(|(_, shift)| bytes.wrapping_shr(*shift) != 0)
        else {
            return write!(f, "{bytes}B");
        };

        let whole = bytes.wrapping_shr(*shift);
        let rest = bytes.wrapping_sub(whole.wrapping_shl(*shift));
        write!(f, "{whole}")?;
        if rest != 0 {
            // The rest is less than 2^60, so ten times the rest fits.
            write!(f, ".{}", rest.wrapping_mul(10).wrapping_shr(*shift))?;
        }
        write!(f, "{}iB", char::from(*suffix))
    }
}
