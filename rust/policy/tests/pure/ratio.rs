// SPDX-License-Identifier: GPL-2.0

use proptest::prelude::*;

use memcg_knobs_policy::ratio::Ratio;
use memcg_knobs_policy::size::ParseError::*;
use memcg_knobs_policy::units::Pages;

use super::any_number;
use super::config;

fn of(ratio: Ratio, pages: u64) -> u64 {
    ratio.of(Pages(pages)).0
}

/// All valid ratios.
pub(crate) fn any_ratio() -> impl Strategy<Value = Ratio> {
    (1..=10_000u16).prop_map(|hundredths| Ratio::from_hundredths(hundredths).unwrap())
}

#[test]
fn good_ratios() {
    for (input, hundredths, shown) in [
        ("0.01", 1, "0.01"),
        ("0.1", 10, "0.10"),
        ("0.10", 10, "0.10"),
        ("00.50", 50, "0.50"),
        ("1", 100, "1.00"),
        ("5\n", 500, "5.00"),
        (" 12.5 ", 1250, "12.50"),
        ("33.33", 3333, "33.33"),
        ("007", 700, "7.00"),
        ("99.99", 9999, "99.99"),
        ("100", 10_000, "100.00"),
        ("100.0", 10_000, "100.00"),
        ("100.00\n", 10_000, "100.00"),
    ] {
        let ratio = Ratio::parse(input.as_bytes()).unwrap().unwrap();
        assert_eq!(ratio.hundredths(), hundredths, "{input:?}");
        assert_eq!(ratio.to_string(), shown, "{input:?}");
    }
}

#[test]
fn max_is_none() {
    for input in ["max", "max\n", "\tmax "] {
        assert_eq!(Ratio::parse(input.as_bytes()), Ok(None), "{input:?}");
    }
}

#[test]
fn bad_ratios() {
    for (input, expected) in [
        ("", Empty),
        (" \n", Empty),
        ("0", TooSmall),
        ("0.0", TooSmall),
        ("0.00", TooSmall),
        ("00", TooSmall),
        ("100.01", TooLarge),
        ("100.1", TooLarge),
        ("101", TooLarge),
        // In hundredths, 655.37 wraps around to 1 in 16 bits.
        ("655.37", TooLarge),
        ("1000", TooLarge),
        ("18446744073709551615", TooLarge),
        ("18446744073709551616", TooLarge),
        ("184467440737095516.17", TooLarge),
        ("99999999999999999999999.99", TooLarge),
        ("0.001", Junk),
        ("1.000", Junk),
        ("1.234", Junk),
        ("1.", Junk),
        (".", Junk),
        (".5", Junk),
        (".50", Junk),
        ("..5", Junk),
        ("1..5", Junk),
        ("1.2.3", Junk),
        ("1.2.34", Junk),
        ("1. 5", Junk),
        ("1 .5", Junk),
        ("1.+5", Junk),
        ("1.-5", Junk),
        ("1,5", Junk),
        ("5%", Junk),
        ("5K", Junk),
        ("+5", Junk),
        ("-5", Junk),
        ("-0", Junk),
        ("0x10", Junk),
        ("1e1", Junk),
        ("5 5", Junk),
        ("nan", Junk),
        ("inf", Junk),
        ("Max", Junk),
        ("max.5", Junk),
        ("5\0", Junk),
    ] {
        assert_eq!(Ratio::parse(input.as_bytes()), Err(expected), "{input:?}");
    }
}

#[test]
fn shares_are_rounded_down() {
    for (hundredths, pages, expected) in [
        (1, 0, 0),
        (1, 9_999, 0),
        (1, 10_000, 1),
        (1, 19_999, 1),
        (1, 20_000, 2),
        (3333, 100, 33),
        (3334, 100, 33),
        (5000, 3, 1),
        (9999, 1, 0),
        (9999, 10_000, 9_999),
        (10_000, 12_345, 12_345),
        (10_000, u64::MAX, u64::MAX),
        (1, u64::MAX, 1_844_674_407_370_955),
    ] {
        let ratio = Ratio::from_hundredths(hundredths).unwrap();
        assert_eq!(of(ratio, pages), expected, "{ratio} of {pages}");
    }
}

#[test]
fn hundredths_out_of_range() {
    for hundredths in [0, 10_001, u16::MAX] {
        assert_eq!(Ratio::from_hundredths(hundredths), None, "{hundredths}");
    }
}

#[test]
fn every_ratio_is_read_back() {
    for hundredths in 1..=10_000 {
        let ratio = Ratio::from_hundredths(hundredths).unwrap();
        let text = ratio.to_string();
        assert_eq!(text.split_once('.').unwrap().1.len(), 2, "{text}");
        assert_eq!(Ratio::parse(text.as_bytes()), Ok(Some(ratio)), "{text}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn arbitrary_bytes_are_read_only_if_they_are_a_ratio(
        input in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..12),
            "[ \n]?[-+]?[0-9]{0,4}[.,]?[0-9]{0,3}[%KM ]?[ \n]?".prop_map(String::into_bytes),
        ],
    ) {
        if let Ok(Some(ratio)) = Ratio::parse(&input) {
            let word = core::str::from_utf8(&input).unwrap().trim();
            let (percent, decimals) = word.split_once('.').unwrap_or((word, "0"));
            prop_assert!(percent.bytes().all(|byte| byte.is_ascii_digit()));
            prop_assert!(decimals.bytes().all(|byte| byte.is_ascii_digit()));
            prop_assert!((1..=2).contains(&decimals.len()));
            let percent: u16 = percent.parse().unwrap();
            let decimals: u16 = format!("{decimals:0<2}").parse().unwrap();
            prop_assert_eq!(ratio.hundredths(), percent * 100 + decimals);
            prop_assert!((1..=10_000).contains(&ratio.hundredths()));
        }
    }

    #[test]
    fn a_share_is_exact(ratio in any_ratio(), pages in any_number()) {
        let exact = u128::from(pages) * u128::from(ratio.hundredths()) / 10_000;
        prop_assert_eq!(u128::from(of(ratio, pages)), exact);
        prop_assert!(of(ratio, pages) <= pages);
    }

    #[test]
    fn a_share_grows_with_both(a in any_ratio(), b in any_ratio(), x in any_number(), y in any_number()) {
        prop_assert!(of(a.min(b), x.min(y)) <= of(a.max(b), x.max(y)));
    }
}
