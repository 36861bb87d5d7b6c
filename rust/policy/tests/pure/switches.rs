// SPDX-License-Identifier: GPL-2.0

//! The switches of recharging.

use proptest::prelude::*;

use memcg_knobs_policy::size::ParseError;
use memcg_knobs_policy::switches::parse_seconds;
use memcg_knobs_policy::switches::parse_switch;
use memcg_knobs_policy::switches::Scope;
use memcg_knobs_policy::switches::MAX_SECONDS;

use super::config;

#[test]
fn switches_are_zero_or_one() {
    assert_eq!(parse_switch(b"0"), Ok(false));
    assert_eq!(parse_switch(b"1\n"), Ok(true));
    assert_eq!(parse_switch(b" 1 \n"), Ok(true));
    assert_eq!(parse_switch(b""), Err(ParseError::Empty));
    assert_eq!(parse_switch(b"\n"), Err(ParseError::Empty));
    for junk in [&b"2"[..], b"-1", b"01", b"1 1", b"y", b"on", b"0x1", b"1\0"] {
        assert_eq!(parse_switch(junk), Err(ParseError::Junk), "{junk:?}");
    }
}

#[test]
fn seconds_are_a_day_at_most() {
    assert_eq!(parse_seconds(b"0\n"), Ok(None));
    assert_eq!(parse_seconds(b" 600 "), Ok(Some(600)));
    assert_eq!(parse_seconds(b"86400"), Ok(Some(MAX_SECONDS)));
    assert_eq!(parse_seconds(b" \n"), Err(ParseError::Empty));
    for large in [&b"86401"[..], b"4294967296", b"18446744073709551615"] {
        assert_eq!(parse_seconds(large), Err(ParseError::TooLarge), "{large:?}");
    }
    assert_eq!(
        parse_seconds(b"18446744073709551616"),
        Err(ParseError::Overflow)
    );
    for junk in [&b"-1"[..], b"1s", b"1.5", b"1 1", b"max", b"1\0"] {
        assert_eq!(parse_seconds(junk), Err(ParseError::Junk), "{junk:?}");
    }
}

#[test]
fn scopes_have_two_names() {
    assert_eq!(Scope::default(), Scope::Subtree);
    for scope in [Scope::Subtree, Scope::Any] {
        assert_eq!(Scope::parse(format!("{scope}\n").as_bytes()), Ok(scope));
    }
    assert_eq!(Scope::parse(b""), Err(ParseError::Empty));
    for junk in [&b"Any"[..], b"subtree any", b"1", b"sub"] {
        assert_eq!(Scope::parse(junk), Err(ParseError::Junk), "{junk:?}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn junk_is_no_switch(input in proptest::collection::vec(any::<u8>(), 0..8)) {
        if let Ok(on) = parse_switch(&input) {
            prop_assert_eq!(input.trim_ascii(), if on { &b"1"[..] } else { b"0" });
        }
    }
}
