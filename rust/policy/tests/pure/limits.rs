// SPDX-License-Identifier: GPL-2.0

use proptest::prelude::*;

use memcg_knobs_policy::limits::*;
use memcg_knobs_policy::ratio::Ratio;
use memcg_knobs_policy::size::ParseError::*;
use memcg_knobs_policy::units::Bytes;
use memcg_knobs_policy::units::Pages;

use super::any_number;
use super::any_pages;
use super::config;
use super::ratio::any_ratio;

const SHIFT: u32 = 12;
const PAGE: u64 = 1 << SHIFT;
const MIB: Bytes = Bytes(1 << 20);
const HALF: Bytes = Bytes(MIB.0 / 2);
const MIN_PAGES: u64 = MIN.0;
const MAX_PAGES: u64 = MAX.0;

fn ratio(text: &str) -> Ratio {
    Ratio::parse(text.as_bytes()).unwrap().unwrap()
}

#[test]
fn a_new_config_sets_nothing() {
    let config = Config::default();
    assert!(config.is_default());
    assert_eq!(config.limit, Setting::Max);
    assert_eq!(config.background, Setting::Max);
    assert_eq!(config.min, Bytes(0));

    // A single file with another value is enough.
    for other in [
        config.with_limit_bytes(Some(MIB), SHIFT).unwrap(),
        config.with_limit_ratio(Some(ratio("5"))),
        config.with_background_bytes(Some(MIB), SHIFT).unwrap(),
        config.with_background_ratio(Some(ratio("5"))),
        config.with_min(Some(Bytes(PAGE)), SHIFT),
    ] {
        assert!(!other.is_default(), "{other:?}");
    }
}

#[test]
fn bytes_are_rounded_down_to_pages() {
    for (shift, written, expected) in [
        (12, 2 * PAGE, Ok(2 * PAGE)),
        (12, 2 * PAGE + 1, Ok(2 * PAGE)),
        (12, 3 * PAGE - 1, Ok(2 * PAGE)),
        (12, 3 * PAGE, Ok(3 * PAGE)),
        (12, (64 << 20) + 5, Ok(64 << 20)),
        (12, MAX_PAGES * PAGE, Ok(MAX_PAGES * PAGE)),
        (12, MAX_PAGES * PAGE + PAGE - 1, Ok(MAX_PAGES * PAGE)),
        (12, 0, Err(TooSmall)),
        (12, 1, Err(TooSmall)),
        (12, PAGE, Err(TooSmall)),
        (12, 2 * PAGE - 1, Err(TooSmall)),
        (12, MAX_PAGES * PAGE + PAGE, Err(Overflow)),
        (12, 1 << 60, Err(Overflow)),
        (12, u64::MAX, Err(Overflow)),
        (16, 2 * PAGE, Err(TooSmall)),
        (16, 131_071, Err(TooSmall)),
        (16, 131_072, Ok(131_072)),
        (16, 196_607, Ok(131_072)),
    ] {
        let config = Config::default();
        let limit = config.with_limit_bytes(Some(Bytes(written)), shift);
        let background = config.with_background_bytes(Some(Bytes(written)), shift);
        let expected = expected.map(|bytes| Some(Bytes(bytes)));
        assert_eq!(limit.map(|new| new.limit.bytes()), expected, "{written}");
        assert_eq!(
            background.map(|new| new.background.bytes()),
            expected,
            "{written}"
        );
    }
}

#[test]
fn bytes_and_ratio_exclude_each_other() {
    let bytes = Config::default()
        .with_limit_bytes(Some(MIB), SHIFT)
        .unwrap()
        .with_background_bytes(Some(HALF), SHIFT)
        .unwrap();
    assert_eq!(bytes.limit, Setting::Bytes(MIB));
    assert_eq!(bytes.background, Setting::Bytes(HALF));

    let both = bytes
        .with_limit_ratio(Some(ratio("5")))
        .with_background_ratio(Some(ratio("2.5")));
    assert_eq!(both.limit.bytes(), None);
    assert_eq!(both.limit.ratio(), Some(ratio("5")));
    assert_eq!(both.background.bytes(), None);
    assert_eq!(both.background.ratio(), Some(ratio("2.5")));

    let one = bytes.with_background_ratio(Some(ratio("2.5")));
    assert_eq!(one.limit, bytes.limit);
    assert_eq!(one.with_background_ratio(None).background, Setting::Max);
    let back = both.with_limit_bytes(Some(MIB), SHIFT).unwrap();
    assert_eq!(back.limit.bytes(), Some(MIB));
    assert_eq!(back.limit.ratio(), None);
    assert_eq!(back.background, both.background);
}

#[test]
fn max_takes_back_only_what_its_own_file_set() {
    let bytes = Setting::Bytes(MIB);
    let percent = Setting::Ratio(ratio("5"));

    for (before, after_bytes_max, after_ratio_max) in [
        (Setting::Max, Setting::Max, Setting::Max),
        (bytes, Setting::Max, bytes),
        (percent, percent, Setting::Max),
    ] {
        let config = Config {
            limit: before,
            background: before,
            min: Bytes(PAGE),
            ..Config::default()
        };
        for limit in [Setting::Max, bytes, percent] {
            // The limit does not affect the background setting.
            let after = Config { limit, ..config }.with_background_bytes(None, SHIFT);
            assert_eq!(after.map(|new| new.background), Ok(after_bytes_max));
            let after = Config { limit, ..config }.with_background_ratio(None);
            assert_eq!(after.background, after_ratio_max);
            assert_eq!(after.limit, limit);
        }
        let limit = |limit| Config { limit, ..config };
        let background = |background| Config {
            background,
            ..config
        };

        assert_eq!(
            config.with_limit_bytes(None, SHIFT),
            Ok(limit(after_bytes_max))
        );
        assert_eq!(config.with_limit_ratio(None), limit(after_ratio_max));
        assert_eq!(
            config.with_background_bytes(None, SHIFT),
            Ok(background(after_bytes_max))
        );
        assert_eq!(
            config.with_background_ratio(None),
            background(after_ratio_max)
        );
    }
}

#[test]
fn floors_take_any_value() {
    for (written, bytes, pages) in [
        (Some(0), 0, 0),
        (Some(PAGE - 1), 0, 0),
        (Some(PAGE), PAGE, 1),
        (Some((8 << 20) + 1), 8 << 20, 2048),
        (Some(MAX_PAGES * PAGE), MAX_PAGES * PAGE, MAX_PAGES),
        (Some(1 << 60), 1 << 60, MAX_PAGES),
        (Some(u64::MAX), u64::MAX - (PAGE - 1), MAX_PAGES),
        (None, MIN_ALL.0, MAX_PAGES),
    ] {
        let config = Config::default().with_min(written.map(Bytes), SHIFT);
        assert_eq!(config.min, Bytes(bytes), "{written:?}");
        assert_eq!(config.min_pages(SHIFT), Pages(pages), "{written:?}");
        assert_eq!(config.limit, Setting::Max);
        assert_eq!(config.background, Setting::Max);
    }
}

#[test]
fn effective_limits() {
    let pages = |count: u64| Setting::Bytes(Bytes(count * PAGE));
    let percent = |text| Setting::Ratio(ratio(text));
    let max = Setting::Max;

    // Limit, background limit, dirtyable pages; expected results. The kernel's limits: 1000 and
    // 500.
    for (limit, background, dirtyable, expected) in [
        // Nothing set.
        (max, max, 10_000, (None, None)),
        (max, max, 0, (None, None)),
        // A limit replaces the kernel's, whether lower or higher, and implies half as background
        // limit.
        (pages(100), max, 10_000, (Some(100), Some(50))),
        (pages(101), max, 10_000, (Some(101), Some(50))),
        (pages(5000), max, 10_000, (Some(5000), Some(2500))),
        (percent("10"), max, 10_000, (Some(1000), Some(500))),
        (percent("0.01"), max, 29_999, (Some(2), Some(1))),
        (percent("33.33"), max, 999, (Some(332), Some(166))),
        // Never more than the dirtyable memory, never less than two pages.
        (pages(5000), max, 4000, (Some(4000), Some(2000))),
        (pages(5000), max, 2, (Some(2), Some(1))),
        (pages(5000), max, 1, (Some(2), Some(1))),
        (pages(5000), max, 0, (Some(2), Some(1))),
        (percent("100"), max, 4000, (Some(4000), Some(2000))),
        (percent("0.01"), max, 100, (Some(2), Some(1))),
        (percent("100"), max, 0, (Some(2), Some(1))),
        // More pages than fit in 32 bits.
        (
            percent("100"),
            max,
            u64::MAX,
            (Some(MAX_PAGES), Some(MAX_PAGES / 2)),
        ),
        (max, percent("100"), u64::MAX, (None, Some(500))),
        // A background limit below the limit is kept; at or above the limit it is reduced to half
        // of that.
        (pages(100), pages(2), 10_000, (Some(100), Some(2))),
        (pages(100), pages(99), 10_000, (Some(100), Some(99))),
        (pages(100), pages(100), 10_000, (Some(100), Some(50))),
        (pages(100), pages(101), 10_000, (Some(100), Some(50))),
        (pages(2), pages(2), 10_000, (Some(2), Some(1))),
        (pages(100), percent("0.5"), 10_000, (Some(100), Some(50))),
        (pages(100), percent("0.99"), 10_000, (Some(100), Some(99))),
        (pages(100), percent("1"), 10_000, (Some(100), Some(50))),
        (percent("10"), percent("5"), 10_000, (Some(1000), Some(500))),
        (
            percent("10"),
            percent("20"),
            10_000,
            (Some(1000), Some(500)),
        ),
        // The cap is applied first: both limits become 50 pages.
        (pages(100), pages(60), 50, (Some(50), Some(25))),
        (pages(100), percent("0.01"), 10, (Some(10), Some(1))),
        // Without a limit, the background limit is compared with the kernel's limit of 1000.
        (max, pages(10), 10_000, (None, Some(10))),
        (max, pages(999), 10_000, (None, Some(999))),
        (max, pages(1000), 10_000, (None, Some(500))),
        (max, pages(5000), 10_000, (None, Some(500))),
        (max, pages(100), 60, (None, Some(60))),
        (max, pages(100), 0, (None, Some(1))),
        (max, percent("1"), 10_000, (None, Some(100))),
    ] {
        let config = Config {
            limit,
            background,
            ..Config::default()
        };
        let inputs = Inputs {
            dirtyable: Pages(dirtyable),
            system_limit: Pages(1000),
            system_background: Pages(500),
            page_shift: SHIFT,
        };
        let result = effective(&config, &inputs);
        assert_eq!(
            (
                result.limit.map(|limit| limit.0),
                result.background.map(|limit| limit.0)
            ),
            expected,
            "{config:?} {dirtyable}"
        );
        assert_eq!(result.limit_in_force(&inputs).0, expected.0.unwrap_or(1000));
        assert_eq!(
            result.background_in_force(&inputs).0,
            expected.1.unwrap_or(500)
        );
    }
}

#[test]
fn a_huge_page_is_a_page() {
    let config = Config::default().with_limit_bytes(Some(MIB), 16).unwrap();
    let inputs = Inputs {
        dirtyable: Pages(1000),
        system_limit: Pages(100),
        system_background: Pages(50),
        page_shift: 16,
    };
    assert_eq!(effective(&config, &inputs).limit, Some(Pages(16)));
}

fn any_limit() -> impl Strategy<Value = Setting> {
    prop_oneof![
        Just(Setting::Max),
        any_ratio().prop_map(Setting::Ratio),
        (MIN_PAGES..=MAX_PAGES).prop_map(|pages| Setting::Bytes(Bytes(pages * PAGE))),
        (MIN_PAGES..100_000).prop_map(|pages| Setting::Bytes(Bytes(pages * PAGE))),
    ]
}

fn any_config() -> impl Strategy<Value = Config> {
    (any_limit(), any_limit(), any_number()).prop_map(|(limit, background, min)| {
        Config {
            limit,
            background,
            ..Config::default()
        }
        .with_min(Some(Bytes(min)), SHIFT)
    })
}

fn any_inputs() -> impl Strategy<Value = Inputs> {
    (any_pages(), 2..=MAX_PAGES).prop_map(|(dirtyable, system_limit)| Inputs {
        dirtyable: Pages(dirtyable),
        system_limit: Pages(system_limit),
        system_background: Pages(system_limit / 2),
        page_shift: SHIFT,
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn bytes_are_taken_whole_or_not_at_all(
        old in any_config(), bytes in any_number(), shift in 10..=18u32,
    ) {
        let pages = bytes >> shift;
        let expected = match pages {
            0 | 1 => Err(TooSmall),
            2..=0xffff_ffff => Ok(Setting::Bytes(Bytes(pages << shift))),
            _ => Err(Overflow),
        };
        prop_assert_eq!(
            old.with_limit_bytes(Some(Bytes(bytes)), shift),
            expected.map(|limit| Config { limit, ..old })
        );
        prop_assert_eq!(
            old.with_background_bytes(Some(Bytes(bytes)), shift),
            expected.map(|background| Config { background, ..old })
        );
    }

    #[test]
    fn a_write_changes_nothing_but_its_own(old in any_config(), ratio in prop::option::of(any_ratio())) {
        let limit = old.with_limit_ratio(ratio);
        prop_assert_eq!(Config { limit: old.limit, ..limit }, old);
        let background = old.with_background_ratio(ratio);
        prop_assert_eq!(Config { background: old.background, ..background }, old);
        let min = old.with_min(None, SHIFT);
        prop_assert_eq!(Config { min: old.min, ..min }, old);

        // Any value written reads back.
        prop_assert_eq!(limit.limit.ratio(), ratio);
        prop_assert_eq!(background.background.ratio(), ratio);
        prop_assert!(limit.limit.ratio().is_none() || limit.limit.bytes().is_none());
    }

    #[test]
    fn no_page_shift_panics(config in any_config(), inputs in any_inputs(), shift in any::<u32>()) {
        let inputs = Inputs { page_shift: shift, ..inputs };
        let result = effective(&config, &inputs);
        prop_assert!(result.limit.is_none_or(|limit| limit >= MIN));
        prop_assert!(config.with_min(Some(Bytes(u64::MAX)), shift).min_pages(shift) <= MAX);
    }

    #[test]
    fn limits_are_capped_and_never_zero(config in any_config(), inputs in any_inputs()) {
        let result = effective(&config, &inputs);

        prop_assert_eq!(result.limit.is_some(), config.limit != Setting::Max);
        if let Some(limit) = result.limit {
            prop_assert!(limit >= MIN);
            prop_assert!(limit <= inputs.dirtyable.max(MIN));
            prop_assert!(limit <= MAX);
        }
        if let Some(bytes) = config.limit.bytes() {
            prop_assert!(result.limit_in_force(&inputs) <= Pages(bytes.0 / PAGE));
        }

        prop_assert_eq!(
            result.background.is_some(),
            config.limit != Setting::Max || config.background != Setting::Max
        );
        if let Some(background) = result.background {
            prop_assert!(background >= Pages(1));
            // A background limit at or above the limit in force is reduced to half of that.
            prop_assert!(background < result.limit_in_force(&inputs));
            prop_assert!(background <= inputs.dirtyable.max(result.limit_in_force(&inputs).half()));
        }
        if config.background == Setting::Max {
            prop_assert_eq!(result.background, result.limit.map(Pages::half));
        }
    }

    #[test]
    fn floors_change_no_limit(config in any_config(), inputs in any_inputs(), min in any_number()) {
        let other = config.with_min(Some(Bytes(min)), SHIFT);
        prop_assert_eq!(effective(&config, &inputs), effective(&other, &inputs));
    }

    #[test]
    fn the_kernels_limit_does_not_touch_a_set_one(
        config in any_config(), inputs in any_inputs(), system_limit in any_number(),
    ) {
        let other = Inputs {
            system_limit: Pages(system_limit),
            system_background: Pages(0),
            ..inputs
        };
        let (one, two) = (effective(&config, &inputs), effective(&config, &other));
        prop_assert_eq!(one.limit, two.limit);
        prop_assert!(config.limit == Setting::Max || one.background == two.background);
    }

    #[test]
    fn a_limit_grows_with_memory_and_with_its_value(
        a in any_limit(), b in any_limit(), x in any_inputs(), y in any_inputs(),
    ) {
        let of = |limit, inputs| effective(&Config { limit, ..Config::default() }, inputs).limit;
        let (less, more) = if x.dirtyable <= y.dirtyable { (&x, &y) } else { (&y, &x) };
        prop_assert!(of(a, less) <= of(a, more));

        let ordered = match (a, b) {
            (Setting::Bytes(low), Setting::Bytes(high)) => Some(low <= high),
            (Setting::Ratio(low), Setting::Ratio(high)) => Some(low <= high),
            _ => None,
        };
        match ordered {
            Some(true) => prop_assert!(of(a, less) <= of(b, less)),
            Some(false) => prop_assert!(of(a, less) >= of(b, less)),
            None => (),
        }
    }
}

#[test]
fn cgroups_above_narrow_what_is_in_force() {
    let inputs = Inputs {
        dirtyable: Pages(10_000),
        system_limit: Pages(1_000),
        system_background: Pages(500),
        page_shift: SHIFT,
    };
    let limit = |pages: u64| {
        Config::default()
            .with_limit_bytes(Some(Bytes(pages << SHIFT)), SHIFT)
            .unwrap()
    };
    let in_force = |limit, background| InForce {
        limit: Pages(limit),
        background: Pages(background),
    };
    let own = InForce::new(&limit(2_000), &inputs);

    assert_eq!(
        InForce::new(&Config::default(), &inputs),
        in_force(1_000, 500)
    );
    assert_eq!(own, in_force(2_000, 1_000));
    assert_eq!(own.below(&limit(300), &inputs), in_force(300, 150));
    assert_eq!(own.below(&limit(3_000), &inputs), own);
    // A cgroup with only a floor limits nothing, whatever is derived for it.
    let floor = Config::default().with_min(None, SHIFT);
    assert_eq!(own.below(&floor, &inputs), own);
}
