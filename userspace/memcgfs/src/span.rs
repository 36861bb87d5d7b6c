// SPDX-License-Identifier: GPL-2.0

//! Time spans in user input.

use crate::ratio::Ratio;
use crate::size::ParseError;
use std::fmt;
use std::time::Duration;

/// A time span: a number and `ms`, `s`, `m` or `h`; without a unit, seconds. `0.5` and `1.25s` are
/// valid, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

/// The longest span, so that arithmetic with spans cannot overflow.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

impl Span {
    /// Parses a span: greater than zero, at most a week.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let text = text.trim();
        let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
        let (number, unit) = units
            .iter()
            .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)))
            .unwrap_or((text, 1_000));
        if number.is_empty() {
            return Err(ParseError::Empty);
        }
        let (whole, fraction) = match number.split_once('.') {
            // Parse the fraction like that of a percentage, with at most two decimals.
            Some((_, fraction)) => {
                let hundredths = Ratio::parse(format!("1.{fraction}").as_bytes())?;
                let hundredths = hundredths.ok_or(ParseError::Junk)?.hundredths();
                (
                    number.split_at(number.len() - fraction.len() - 1).0,
                    hundredths - 100,
                )
            }
            None => (number, 0),
        };
        if !whole.bytes().all(|digit| digit.is_ascii_digit()) || whole.is_empty() {
            return Err(ParseError::Junk);
        }
        let whole: u64 = whole.parse().map_err(|_| ParseError::TooLarge)?;
        let millis = whole
            .checked_mul(unit)
            .and_then(|millis| millis.checked_add(u64::from(fraction) * unit / 100))
            .ok_or(ParseError::TooLarge)?;
        match Duration::from_millis(millis) {
            Duration::ZERO => Err(ParseError::TooSmall),
            span if span > LONGEST => Err(ParseError::TooLarge),
            span => Ok(Self(span)),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}s", self.0.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        let good = [
            ("1", 1_000),
            ("2s", 2_000),
            ("500ms", 500),
            ("0.5", 500),
            ("1.25s", 1_250),
            ("2m", 120_000),
            (" 1h ", 3_600_000),
        ];
        for (text, millis) in good {
            assert_eq!(
                Span::parse(text),
                Ok(Span(Duration::from_millis(millis))),
                "{text}"
            );
        }
        use ParseError::*;
        let bad = [
            ("", Empty),
            ("s", Empty),
            ("0", TooSmall),
            ("0.001s", Junk),
            ("-1", Junk),
            ("+1", Junk),
            ("1.", Junk),
            (".5", Junk),
            ("1.-5", Junk),
            ("1.5.5", Junk),
            ("1d", Junk),
            ("1 s", Junk),
            ("inf", Junk),
            ("8000000", TooLarge),
            ("99999999999999999999", TooLarge),
            ("9999999999999999999h", TooLarge),
        ];
        for (text, error) in bad {
            assert_eq!(Span::parse(text), Err(error), "{text}");
        }
    }
}
