// SPDX-License-Identifier: GPL-2.0

//! Sizes in bytes as text: what a user writes into a limit file, and how a size is shown to one.
//!
//! This file knows nothing of limits or the kernel. It uses `core` only, so that the module,
//! the host tests and the command line tool all compile the same lines. The one error type of every
//! parser and setter of the pure files stands here too.

use core::fmt;

use super::units::Bytes;

/// Why an input was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// Nothing but white space.
    Empty,
    /// Not a number of the accepted form: a sign, a second word, hexadecimal, an unknown suffix.
    Junk,
    /// A size that fits no `u64` of bytes, or no page count that the kernel's dirty limits can
    /// hold.
    Overflow,
    /// Below the smallest value that makes sense: two pages, or a ratio of 0.01 percent.
    TooSmall,
    /// Above the greatest value that makes sense: a ratio of 100 percent.
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

/// The suffixes, and the powers of two that they stand for.
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
/// A size is decimal digits and at most one of `KMGTPE` in either case, for powers of 1024. White
/// space (ASCII) around it is ignored, so that the newline of `echo 64M` is no error. Whatever is
/// not a size is [`ParseError::Junk`], however great its number, so that [`ParseError::Overflow`]
/// says that the form was right. Leading zeros do not make a number octal, unlike in `memparse()`.
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

/// The power of two that a suffix stands for.
fn suffix_shift(suffix: u8) -> Result<u32, ParseError> {
    let suffix = suffix.to_ascii_uppercase();

    SUFFIXES
        .iter()
        .find(|(known, _)| *known == suffix)
        .map(|(_, shift)| *shift)
        .ok_or(ParseError::Junk)
}

/// Parses a word of decimal digits and nothing else; no digit at all is `Junk`.
///
/// The whole word is looked at before an overflow is reported: it may yet be junk.
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

/// A size for people: `512B`, `64MiB`, `1.5GiB`.
///
/// The unit is the greatest that the size reaches. A size of whole units is shown without a
/// decimal; any other with one, cut off and not rounded, so that what is shown is never above what
/// is there and `64.0MiB` tells a few bytes more than `64MiB`.
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
            // The rest is below 2^60, so ten times that fits.
            write!(f, ".{}", rest.wrapping_mul(10).wrapping_shr(*shift))?;
        }
        write!(f, "{}iB", char::from(*suffix))
    }
}
