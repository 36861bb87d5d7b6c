// SPDX-License-Identifier: GPL-2.0

//! The pace of writeback: the values that its files accept, and the cgroups that it applies to.

use proptest::prelude::*;

use memcg_knobs_policy::pace::parse_machine;
use memcg_knobs_policy::pace::rule;
use memcg_knobs_policy::pace::Pace;
use memcg_knobs_policy::pace::Rule;
use memcg_knobs_policy::pace::DEFAULT;
use memcg_knobs_policy::pace::MAX;
use memcg_knobs_policy::pace::MIN;
use memcg_knobs_policy::size::ParseError;
use memcg_knobs_policy::units::Micros;

use super::config;

#[test]
fn a_pace_is_a_word_or_microseconds() {
    let table: [(&[u8], Result<Pace, ParseError>); 18] = [
        (b"default", Ok(Pace::Default)),
        (b"default\n", Ok(Pace::Default)),
        (b"max", Ok(Pace::Max)),
        (b" max \n", Ok(Pace::Max)),
        (b"1000", Ok(Pace::Usec(Micros(1_000)))),
        (b"25000\n", Ok(Pace::Usec(Micros(25_000)))),
        (b"10000000", Ok(Pace::Usec(Micros(10_000_000)))),
        (b"999", Err(ParseError::TooSmall)),
        (b"0", Err(ParseError::TooSmall)),
        (b"10000001", Err(ParseError::TooLarge)),
        (b"4294968296", Err(ParseError::TooLarge)),
        (b"18446744073709551616", Err(ParseError::Overflow)),
        (b"", Err(ParseError::Empty)),
        (b" \n", Err(ParseError::Empty)),
        (b"-1", Err(ParseError::Junk)),
        (b"25ms", Err(ParseError::Junk)),
        (b"25000 1", Err(ParseError::Junk)),
        (b"Default", Err(ParseError::Junk)),
    ];

    for (input, expected) in table {
        assert_eq!(Pace::parse(input), expected, "{input:?}");
    }
}

#[test]
fn the_machine_has_a_pace_or_none() {
    assert_eq!(parse_machine(b"0\n"), Ok(None));
    assert_eq!(parse_machine(b"25000"), Ok(Some(Micros(25_000))));
    assert_eq!(parse_machine(b"1"), Err(ParseError::TooSmall));
    assert_eq!(parse_machine(b"99999999"), Err(ParseError::TooLarge));
    for junk in [&b"max"[..], b"default", b"off", b"-0"] {
        assert_eq!(parse_machine(junk), Err(ParseError::Junk), "{junk:?}");
    }
    assert!((MIN..=MAX).contains(&DEFAULT));
}

#[test]
fn whoever_is_limited_is_paced() {
    let machine = Some(Micros(20_000));
    let own = |usec| Some(Micros(usec));
    // Inputs: pace, limited, machine. Expected: pace, exempt.
    let table = [
        (Pace::Default, false, machine, None, false),
        (Pace::Default, true, machine, machine, false),
        (Pace::Default, true, None, None, false),
        (Pace::Max, true, machine, None, true),
        (Pace::Max, false, machine, None, true),
        (Pace::Usec(Micros(1_000)), false, machine, own(1_000), true),
        (Pace::Usec(Micros(50_000)), true, machine, own(50_000), true),
        (Pace::Usec(Micros(50_000)), true, None, own(50_000), true),
    ];

    for (file, limited, machine, pace, exempt) in table {
        assert_eq!(
            rule(file, limited, machine),
            Rule { pace, exempt },
            "{file} limited={limited} {machine:?}"
        );
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_printed_is_read_back(usec in MIN.0..=MAX.0) {
        for pace in [Pace::Default, Pace::Max, Pace::Usec(Micros(usec))] {
            prop_assert_eq!(Pace::parse(format!("{pace}\n").as_bytes()), Ok(pace));
        }
    }

    #[test]
    fn no_input_is_out_of_range(input in proptest::collection::vec(any::<u8>(), 0..12)) {
        if let Ok(Pace::Usec(usec)) = Pace::parse(&input) {
            prop_assert!((MIN..=MAX).contains(&usec));
        }
        if let Ok(Some(usec)) = parse_machine(&input) {
            prop_assert!((MIN..=MAX).contains(&usec));
        }
    }
}
