// SPDX-License-Identifier: GPL-2.0

//! Sizes in user input: the kernel's syntax, and that of the tool's own output, so that output can
//! be pasted.

use crate::size::parse_bytes;
use crate::size::ParseError;

/// Parses `64M`, `67108864` and `max`, as the kernel accepts them, and `64MiB`, `1.5GiB` and
/// `512B`, as they are displayed.
pub(crate) fn bytes(text: &str) -> Result<Option<u64>, ParseError> {
    let text = text.trim();
    let Some(number) = text.strip_suffix('B') else {
        return Ok(parse_bytes(text.as_bytes())?.map(|size| size.0));
    };
    let Some((number, unit)) = number.strip_suffix('i').and_then(split_unit) else {
        return plain(number, "");
    };
    match number.split_once('.') {
        None => plain(number, unit),
        Some((whole, tenth)) => {
            if tenth.len() != 1 {
                return Err(ParseError::Junk);
            }
            let whole = plain(whole, unit)?.ok_or(ParseError::Junk)?;
            let tenths = plain(tenth, unit)?.ok_or(ParseError::Junk)?;
            let sum = whole.checked_add(tenths / 10);
            Ok(Some(sum.ok_or(ParseError::Overflow)?))
        }
    }
}

/// Splits a number from its last character, a letter.
fn split_unit(text: &str) -> Option<(&str, &str)> {
    let start = text.len().checked_sub(1)?;
    let (number, unit) = text.split_at_checked(start)?;
    unit.bytes()
        .all(|byte| byte.is_ascii_uppercase())
        .then_some((number, unit))
}

/// Parses digits only: neither `max` nor a second unit is valid here.
fn plain(number: &str, unit: &str) -> Result<Option<u64>, ParseError> {
    match !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()) {
        true => Ok(parse_bytes(format!("{number}{unit}").as_bytes())?.map(|size| size.0)),
        false => Err(ParseError::Junk),
    }
}
