// SPDX-License-Identifier: GPL-2.0

use proptest::prelude::*;

use memcg_knobs_policy::floors;
use memcg_knobs_policy::floors::Ask;
use memcg_knobs_policy::units::Pages;

use super::any_number;
use super::config;

fn top_grant(limit: u64) -> u64 {
    floors::top_grant(Pages(limit)).0
}

fn are_shared(sum: u64, old: u64, new: u64, parent: u64) -> bool {
    floors::are_shared(Pages(sum), Pages(old), Pages(new), Pages(parent))
}

fn grant(own: u64, sum: u64, parent: u64) -> u64 {
    floors::grant(Pages(own), Pages(sum), Pages(parent)).0
}

#[test]
fn half_is_granted_at_the_top() {
    for (limit, expected) in [(0, 0), (1, 0), (2, 1), (8191, 4095), (8192, 4096)] {
        assert_eq!(top_grant(limit), expected, "{limit}");
    }
}

#[test]
fn grants() {
    for (own, sum, parent, expected) in [
        // Enough for all.
        (0, 0, 0, 0),
        (0, 0, 100, 0),
        (40, 40, 100, 40),
        (40, 100, 100, 40),
        // More requested than available: all shrink in proportion.
        (40, 101, 100, 39),
        (50, 200, 100, 25),
        (150, 200, 100, 75),
        (1, 3, 2, 0),
        (2, 3, 2, 1),
        (200, 200, 100, 100),
        (0, 200, 100, 0),
        // A parent without a grant passes nothing on.
        (40, 40, 0, 0),
        (u64::MAX, u64::MAX, 0, 0),
        // A sum that is less than the cgroup's own request.
        (200, 10, 100, 100),
        (90, 10, 100, 90),
        // Products beyond 64 bits.
        (u64::MAX, u64::MAX, u64::MAX, u64::MAX),
        (u64::MAX, u64::MAX, u64::MAX - 1, u64::MAX - 1),
        (u64::MAX / 2, u64::MAX, u64::MAX - 1, u64::MAX / 2 - 1),
        (1 << 63, u64::MAX, 1 << 40, 1 << 39),
        (1 << 52, 1 << 53, 1 << 40, 1 << 39),
    ] {
        assert_eq!(
            grant(own, sum, parent),
            expected,
            "{own} of {sum} from {parent}"
        );
    }
}

#[test]
fn a_delegated_subtree_takes_no_more_than_its_root() {
    // A system-wide limit of 8000 pages. `a` requests 3000 and has two greedy children, `b`
    // requests 2000.
    let top = top_grant(8000);
    let a = grant(3000, 5000, top);
    let b = grant(2000, 5000, top);
    assert_eq!((a, b), (2400, 1600));

    let children = [u64::from(u32::MAX), 1_000_000];
    let sum = children.iter().sum();
    let granted = children.map(|own| grant(own, sum, a));
    assert!(granted.iter().sum::<u64>() <= a);
    assert!(granted[0] > granted[1]);
    assert!(granted.iter().sum::<u64>() >= a - 1);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_grant_is_exact(own in any_number(), others in any_number(), parent in any_number()) {
        let sum = own.saturating_add(others);
        let exact = if sum <= parent {
            u128::from(own)
        } else {
            u128::from(parent) * u128::from(own) / u128::from(sum)
        };
        prop_assert_eq!(u128::from(grant(own, sum, parent)), exact);
    }

    #[test]
    fn no_sum_raises_a_grant_above_what_was_asked(
        own in any_number(), sum in any_number(), parent in any_number(),
    ) {
        prop_assert!(grant(own, sum, parent) <= own);
        prop_assert!(grant(own, sum, parent) <= parent);
    }

    #[test]
    fn grants_of_siblings_fit_into_their_parents(
        floors in prop::collection::vec(any_number().prop_map(|floor| floor >> 5), 1..32),
        parent in any_number(),
    ) {
        let sum: u64 = floors.iter().sum();
        let granted: Vec<u64> = floors.iter().map(|own| grant(*own, sum, parent)).collect();
        let total: u128 = granted.iter().map(|grant| u128::from(*grant)).sum();

        prop_assert!(total <= u128::from(parent));
        // Only the remainders of rounding down are lost.
        prop_assert!(total + floors.len() as u128 > u128::from(parent.min(sum)));
        for pair in floors.iter().zip(&granted).collect::<Vec<_>>().windows(2) {
            prop_assert!(pair[0].0 > pair[1].0 || pair[0].1 <= pair[1].1);
        }
    }

    #[test]
    fn who_is_not_shared_with_keeps_its_grant(
        own in any_number(), old in any_number(), new in any_number(), others in any_number(),
        parent in any_number(),
    ) {
        let [own, old, new, others] = [own, old, new, others].map(|pages| pages >> 3);
        let sum = own + others + new;

        if !are_shared(sum, old, new, parent) {
            prop_assert_eq!(grant(own, sum, parent), grant(own, own + others + old, parent));
        }
    }

    #[test]
    fn grants_are_monotone(
        own in any_number(), more in any_number(), others in any_number(), parent in any_number(),
    ) {
        let own = own >> 2;
        let others = others >> 2;
        let more = more >> 2;
        let granted = grant(own, own + others, parent);

        prop_assert!(grant(own + more, own + more + others, parent) >= granted);
        prop_assert!(grant(own, own + others + more, parent) <= granted);
        prop_assert!(grant(own, own + others, parent.saturating_add(more)) >= granted);
    }
}

#[test]
fn grants_are_handed_down() {
    let ask = |own, siblings| Ask {
        own: Pages(own),
        siblings: Pages(siblings),
    };
    let granted = |asks: &[Ask]| floors::granted(Pages(2000), asks.iter().copied()).0;

    assert_eq!(granted(&[]), 1000);
    // Three levels: the first is granted its whole request, the second half, the third its parent's
    // grant.
    let way = [ask(800, 900), ask(1000, 1600), ask(700, 700)];
    for (depth, expected) in [(1, 800), (2, 500), (3, 500)] {
        assert_eq!(granted(&way[..depth]), expected);
    }
}
