// SPDX-License-Identifier: GPL-2.0

use proptest::prelude::*;

use memcg_knobs_policy::size;
use memcg_knobs_policy::size::ParseError;
use memcg_knobs_policy::size::ParseError::*;
use memcg_knobs_policy::units::Bytes;

use super::any_number;
use super::config;

fn parse_bytes(input: &[u8]) -> Result<Option<u64>, ParseError> {
    size::parse_bytes(input).map(|size| size.map(|bytes| bytes.0))
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;
const PIB: u64 = 1 << 50;
const EIB: u64 = 1 << 60;

#[test]
fn good_sizes() {
    for (input, expected) in [
        ("0", 0),
        ("1", 1),
        ("4095", 4095),
        ("64M\n", 64 * MIB),
        (" 64m", 64 * MIB),
        ("\t 64M \r\n", 64 * MIB),
        ("1k", KIB),
        ("1K", KIB),
        ("3g", 3 * GIB),
        ("3G", 3 * GIB),
        ("5t", 5 * TIB),
        ("5T", 5 * TIB),
        ("7p", 7 * PIB),
        ("7P", 7 * PIB),
        ("15e", 15 * EIB),
        ("15E", 15 * EIB),
        ("0E", 0),
        ("16383P", 16383 * PIB),
        ("18014398509481983K", u64::MAX - 1023),
        ("18446744073709551615", u64::MAX),
        // Decimal even with a leading zero.
        ("010", 10),
        ("00000000000000000000000000000064", 64),
    ] {
        assert_eq!(
            parse_bytes(input.as_bytes()),
            Ok(Some(expected)),
            "{input:?}"
        );
    }
}

#[test]
fn max_is_none() {
    for input in ["max", "max\n", "  max  "] {
        assert_eq!(parse_bytes(input.as_bytes()), Ok(None), "{input:?}");
    }
}

#[test]
fn bad_sizes() {
    for (input, expected) in [
        ("", Empty),
        ("\n", Empty),
        (" \t\r\n", Empty),
        ("+5", Junk),
        ("-1", Junk),
        ("-0", Junk),
        ("0x10", Junk),
        ("1.5", Junk),
        ("1.5G", Junk),
        ("1,000", Junk),
        ("1_000", Junk),
        ("1e3", Junk),
        ("1 0", Junk),
        ("64 M", Junk),
        ("64M 64M", Junk),
        ("64M\n64M\n", Junk),
        ("64MM", Junk),
        ("64KM", Junk),
        ("64MB", Junk),
        ("64MiB", Junk),
        ("64B", Junk),
        ("64Z", Junk),
        ("64%", Junk),
        ("K", Junk),
        ("M64", Junk),
        ("Max", Junk),
        ("MAX", Junk),
        ("maxx", Junk),
        ("ma", Junk),
        ("max max", Junk),
        ("max1", Junk),
        ("64M\0", Junk),
        ("\u{b}64M", Junk),
        ("\u{feff}64M", Junk),
        ("６４", Junk),
        ("inf", Junk),
        // Too great, but not a number either: the form takes precedence.
        ("99999999999999999999999x", Junk),
        ("18446744073709551616", Overflow),
        ("18446744073709551620", Overflow),
        ("99999999999999999999999", Overflow),
        ("99999999999999999999999K", Overflow),
        ("18014398509481984K", Overflow),
        ("16384P", Overflow),
        ("1000000P", Overflow),
        ("16E", Overflow),
        // 2^64 and 2^64 + 2^60 would wrap around to 0 and 1E.
        ("17E", Overflow),
        ("4294967296E", Overflow),
    ] {
        assert_eq!(parse_bytes(input.as_bytes()), Err(expected), "{input:?}");
    }
}

#[test]
fn sizes_for_people() {
    for (bytes, expected) in [
        (0, "0B"),
        (1, "1B"),
        (1023, "1023B"),
        (KIB, "1KiB"),
        (KIB + 1, "1.0KiB"),
        (KIB + 512, "1.5KiB"),
        (MIB - 1, "1023.9KiB"),
        (MIB, "1MiB"),
        (MIB + 1, "1.0MiB"),
        (64 * MIB, "64MiB"),
        (64 * MIB + 4 * KIB, "64.0MiB"),
        (64 * MIB + 102 * KIB, "64.0MiB"),
        (64 * MIB + 103 * KIB, "64.1MiB"),
        (GIB + GIB / 2, "1.5GiB"),
        (GIB + KIB, "1.0GiB"),
        // 0.3 is not a multiple of 1/1024.
        (GIB * 3 / 10, "307.1MiB"),
        (GIB * 13 / 10 + 1, "1.3GiB"),
        (TIB, "1TiB"),
        (PIB - 1, "1023.9TiB"),
        (PIB, "1PiB"),
        (EIB, "1EiB"),
        (EIB + 1, "1.0EiB"),
        (u64::MAX, "15.9EiB"),
    ] {
        assert_eq!(Bytes(bytes).to_string(), expected, "{bytes}");
    }
}

#[test]
fn every_error_has_its_phrase() {
    let phrases = [Empty, Junk, Overflow, TooSmall, TooLarge].map(|error| error.to_string());

    for (index, phrase) in phrases.iter().enumerate() {
        assert!(phrase.starts_with("the value "), "{phrase}");
        assert!(!phrases[..index].contains(phrase), "{phrase}");
    }
}

/// A reference implementation of the grammar: slow, and with 128-bit arithmetic.
fn model(input: &[u8]) -> Result<Option<u64>, ParseError> {
    let Ok(text) = core::str::from_utf8(input) else {
        return Err(Junk);
    };
    let word = text.trim_matches([' ', '\t', '\n', '\r', '\x0c']);
    if word.is_empty() {
        return Err(Empty);
    }
    if word == "max" {
        return Ok(None);
    }

    let digits = word.trim_end_matches(|c: char| !c.is_ascii_digit());
    let power = match word[digits.len()..].to_ascii_lowercase().as_str() {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        "e" => 6,
        _ => return Err(Junk),
    };
    if digits.is_empty() || digits.contains(|c: char| !c.is_ascii_digit()) {
        return Err(Junk);
    }
    let number: u128 = digits.parse().map_err(|_| Overflow)?;
    number
        .checked_mul(1024u128.pow(power))
        .and_then(|bytes| u64::try_from(bytes).ok())
        .map(Some)
        .ok_or(Overflow)
}

/// Parses the output of `Bytes`: returns the tenths of the unit, and the unit in bytes.
fn shown(bytes: u64) -> (u128, u128) {
    let text = Bytes(bytes).to_string();
    let (number, unit) = match text.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) => text.split_at(at),
        None => panic!("no unit in {text}"),
    };
    let scale = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        .iter()
        .position(|known| *known == unit)
        .map(|power| 1024u128.pow(power as u32))
        .unwrap_or_else(|| panic!("unknown unit in {text}"));
    let (whole, tenths) = number.split_once('.').unwrap_or((number, "0"));
    let tenths = whole.parse::<u128>().unwrap() * 10 + tenths.parse::<u128>().unwrap();

    (tenths, scale)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn arbitrary_bytes_agree_with_the_model(input in prop::collection::vec(any::<u8>(), 0..40)) {
        prop_assert_eq!(parse_bytes(&input), model(&input));
    }

    #[test]
    fn near_misses_agree_with_the_model(
        input in "[ \t\n]{0,2}[-+]?(0x|max)?[0-9]{0,22}[.,_ ]?[0-9]{0,2}[kKmMgGtTpPeEzxB]{0,2}[ \n]{0,2}",
    ) {
        prop_assert_eq!(parse_bytes(input.as_bytes()), model(input.as_bytes()));
    }

    #[test]
    fn a_number_is_read_back(
        number in any_number(),
        before in "[ \t\r\n]{0,3}",
        zeros in "0{0,30}",
        after in "[ \t\r\n]{0,3}",
    ) {
        let input = format!("{before}{zeros}{number}{after}");
        prop_assert_eq!(parse_bytes(input.as_bytes()), Ok(Some(number)));
    }

    #[test]
    fn a_suffix_scales_or_overflows(number in any_number(), power in 1..=6usize, upper in any::<bool>()) {
        let suffix = if upper { b"KMGTPE"[power - 1] } else { b"kmgtpe"[power - 1] };
        let input = format!("{number}{}", suffix as char);
        let exact = u128::from(number) << (10 * power);
        prop_assert_eq!(
            parse_bytes(input.as_bytes()),
            u64::try_from(exact).map(Some).map_err(|_| Overflow)
        );
    }

    #[test]
    fn a_second_word_is_junk(first in "[0-9]{1,8}[KMG]?|max", second in "[!-~]{1,8}", gap in "[ \t\n]{1,3}") {
        let input = format!("{first}{gap}{second}");
        prop_assert_eq!(parse_bytes(input.as_bytes()), Err(Junk));
    }

    #[test]
    fn whole_units_show_and_parse_back(number in 0..1023u64, power in 0..=6u32) {
        // At most 15 whole EiB fit.
        let number = 1 + if power == 6 { number % 15 } else { number };
        let bytes = number << (10 * power);
        let text = Bytes(bytes).to_string();
        prop_assert!(!text.contains('.'), "{}", text);
        let input = text.trim_end_matches('B').trim_end_matches('i');
        prop_assert_eq!(parse_bytes(input.as_bytes()), Ok(Some(bytes)));
    }

    #[test]
    fn shown_is_cut_off_in_the_greatest_unit(bytes in any_number()) {
        let (tenths, scale) = shown(bytes);
        let bytes128 = u128::from(bytes);
        prop_assert_eq!(tenths, bytes128 * 10 / scale);
        prop_assert!(bytes == 0 || scale <= bytes128);
        prop_assert!(bytes128 < scale * 1024);
        // There is a decimal if and only if the size is not a whole number of units.
        prop_assert_eq!(Bytes(bytes).to_string().contains('.'), bytes128 % scale != 0);
    }
}
