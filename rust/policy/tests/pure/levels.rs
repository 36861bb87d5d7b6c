// SPDX-License-Identifier: GPL-2.0

use proptest::prelude::*;

use memcg_knobs_policy::levels;
use memcg_knobs_policy::levels::MARGIN;
use memcg_knobs_policy::limits::Config;
use memcg_knobs_policy::limits::Inputs;
use memcg_knobs_policy::units::Bytes;
use memcg_knobs_policy::units::Pages;

use super::any_number;
use super::config;

fn stop(limit: u64) -> u64 {
    levels::stop(Pages(limit)).0
}

fn waits(stop: u64) -> u64 {
    levels::waits(Pages(stop)).0
}

fn slows(stop: u64) -> u64 {
    levels::slows(Pages(stop)).0
}

#[test]
fn levels_of_common_limits() {
    // The limit in pages; the levels at which all writers stop, all wait, and some wait.
    for (limit, expected, all, some) in [
        // This input does not occur, but must have a result all the same.
        (0, 1, 1, 1),
        (1, 1, 1, 1),
        // The smallest limits.
        (2, 2, 1, 1),
        (3, 3, 2, 2),
        (15, 15, 14, 11),
        (16, 15, 14, 11),
        // 4, 16 and 64 MiB of 4 KiB pages.
        (1023, 960, 840, 600),
        (1024, 960, 840, 600),
        (4096, 4032, 3528, 2520),
        (16_384, 16_320, 14_280, 10_200),
    ] {
        assert_eq!(stop(limit), expected, "{limit} pages");
        assert_eq!(waits(stop(limit)), all, "{limit} pages");
        assert_eq!(slows(stop(limit)), some, "{limit} pages");
    }
    assert_eq!(stop(u64::MAX), u64::MAX - 64);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_level_is_close_below_its_limit(limit in any_number()) {
        let stop = stop(limit);

        prop_assert!(stop >= 1 && stop <= limit.max(1));
        prop_assert!(limit - stop.min(limit) <= MARGIN.0);
        prop_assert!(u128::from(stop) * 16 >= u128::from(limit) * 15);
        prop_assert!(waits(stop) <= stop && waits(stop) >= 1);
        prop_assert!(slows(stop) <= waits(stop) && slows(stop) >= 1);
    }

    #[test]
    fn levels_grow_with_the_limit(a in any_number(), b in any_number()) {
        prop_assert!(stop(a.min(b)) <= stop(a.max(b)));
        prop_assert!(waits(a.min(b)) <= waits(a.max(b)));
        prop_assert!(slows(a.min(b)) <= slows(a.max(b)).saturating_add(1));
    }
}

#[test]
fn stops_of_a_configuration() {
    let inputs = Inputs {
        dirtyable: Pages(10_000),
        system_limit: Pages(1_000),
        system_background: Pages(500),
        page_shift: 12,
    };
    let pages = |pages: u64| Some(Bytes(pages << 12));
    let config = Config::default();
    let stops =
        |config| levels::stops(&config, &inputs).map(|stops| (stops.writers.0, stops.background.0));

    // A floor and a pace alone limit nothing.
    assert_eq!(stops(config.with_min(pages(64), 12)), None);
    let limit = config.with_limit_bytes(pages(4096), 12).unwrap();
    assert_eq!(stops(limit), Some((stop(4096), 2048)));
    // With only a background limit, the derived limit is enforced.
    let background = config.with_background_bytes(pages(16), 12).unwrap();
    assert_eq!(stops(background), Some((stop(1_000), 16)));
    // A waiting writer relies on writeback being in progress.
    let small = config.with_limit_bytes(pages(2), 12).unwrap();
    assert_eq!(stops(small), Some((2, 1)));
    let tight = limit.with_background_bytes(pages(4095), 12).unwrap();
    assert_eq!(stops(tight), Some((stop(4096), stop(4096) - 1)));
}
