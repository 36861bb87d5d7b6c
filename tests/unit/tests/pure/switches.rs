// SPDX-License-Identifier: GPL-2.0

//! The switches of recharging and the times of its tries.

use proptest::prelude::*;

use memcg_knobs_unit::size::ParseError;
use memcg_knobs_unit::switches::parse_switch;
use memcg_knobs_unit::switches::Scope;
use memcg_knobs_unit::tries::delay_ms;
use memcg_knobs_unit::tries::GATHER_MS;
use memcg_knobs_unit::tries::TRIES;

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

#[test]
fn tries_come_later_each_time() {
    assert_eq!(delay_ms(TRIES), GATHER_MS);
    let delays: Vec<u32> = (1..TRIES).rev().map(delay_ms).collect();

    assert!(
        delays.windows(2).all(|pair| pair[1] == 2 * pair[0]),
        "{delays:?}"
    );
    let sum: u32 = delays.iter().sum();
    assert!((20_000..30_000).contains(&sum), "{sum} ms until the last");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn delays_are_bounded(left in any::<u32>()) {
        prop_assert!((GATHER_MS..=30_000).contains(&delay_ms(left)));
    }

    #[test]
    fn junk_is_no_switch(input in proptest::collection::vec(any::<u8>(), 0..8)) {
        if let Ok(on) = parse_switch(&input) {
            prop_assert_eq!(input.trim_ascii(), if on { &b"1"[..] } else { b"0" });
        }
    }
}
