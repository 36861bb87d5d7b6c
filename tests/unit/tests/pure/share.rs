// SPDX-License-Identifier: GPL-2.0

use proptest::prelude::*;

use memcg_knobs_unit::share::*;

use super::any_number;
use super::config;

#[test]
fn shares() {
    for (stop, active, share, over_share_stop) in [
        // An only child, or one that is not counted as active yet, has all of it.
        (896, 0, 896, 672),
        (896, 1, 896, 672),
        (896, 2, 448, 672),
        (896, 8, 112, 672),
        (895, 8, 111, 672),
        (897, 8, 112, 673),
        (3, 8, 1, 2),
        (31, 2, 15, 24),
        (32, 2, 16, 24),
        (2, 2, 1, 1),
        (2, 3, 1, 1),
        (1, 2, 1, 1),
        (1, 1, 1, 1),
        (0, 1, 1, 0),
        (0, 2, 1, 0),
        (u64::MAX, 2, u64::MAX / 2, u64::MAX - u64::MAX / 4),
        (u64::MAX, u64::MAX, 1, u64::MAX - u64::MAX / 4),
    ] {
        assert_eq!(
            child_share(stop, active),
            Share {
                share,
                over_share_stop
            },
            "stop {stop}, {active} active"
        );
    }
}

/// Two children of a parent that stops at `stop` pages. The first holds all of them and is always
/// the one that finds the page that writeback has cleaned; the second comes after it. Writeback
/// takes from each in proportion to what it holds. Returns what they hold after a long time.
fn contend(stop: u64, rule: Share) -> [u64; 2] {
    let mut held = [stop, 0];

    for turn in 0..200 * stop {
        let sum = held[0] + held[1];
        let cleaned = turn.wrapping_mul(0x9e37_79b9_7f4a_7c15) % sum.max(1);
        held[usize::from(cleaned >= held[0])] -= 1;

        for asking in 0..2 {
            let level = if held[asking] > rule.share {
                rule.over_share_stop
            } else {
                stop
            };
            if held[0] + held[1] < level {
                held[asking] += 1;
            }
        }
    }
    held
}

#[test]
fn a_late_child_gets_its_share_beside_a_greedy_one() {
    let rule = child_share(320, 2);
    let no_rule = Share {
        over_share_stop: 320,
        ..rule
    };

    let [greedy, late] = contend(320, no_rule);
    assert!(
        late * 4 < greedy,
        "the case is too easy: {greedy} and {late}"
    );

    let [greedy, late] = contend(320, rule);
    assert!(late * 10 >= greedy * 9, "{greedy} and {late}");
    assert!(greedy + late >= 300, "{greedy} and {late}");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn parts_of_a_background_limit_fit_it(background in any_number(), active in any_number()) {
        let part = child_background(background, active);

        prop_assert!(part >= 1);
        prop_assert!(active > 1 || part == background.max(1));
        // All parts together are half of it.
        prop_assert!(active < 2 || part == 1 || part.saturating_mul(active) <= background / 2);
    }

    #[test]
    fn shares_fit_and_leave_a_band(stop in any_number(), active in any_number()) {
        let Share { share, over_share_stop } = child_share(stop, active);

        prop_assert!(share >= 1);
        prop_assert!(over_share_stop <= stop);
        if active > 0 && stop >= active {
            prop_assert!(u128::from(share) * u128::from(active) <= u128::from(stop));
            prop_assert!((u128::from(share) + 1) * u128::from(active) > u128::from(stop));
        }
        if stop >= 2 {
            prop_assert!((1..stop).contains(&over_share_stop));
            prop_assert!(stop - over_share_stop <= (stop / 4).max(1));
        }
        // Of several children, one that waits there for exceeding its share does exceed it.
        prop_assert!(over_share_stop >= share || stop < 2 || active < 2);
    }

    #[test]
    fn more_children_have_smaller_shares(stop in any_number(), a in any_number(), b in any_number()) {
        let few = child_share(stop, a.min(b));
        let many = child_share(stop, a.max(b));
        prop_assert!(few.share >= many.share);
        prop_assert!(few.over_share_stop >= many.over_share_stop);
    }
}
