// SPDX-License-Identifier: GPL-2.0

//! KUnit suites for the files that do not depend on the kernel.
//!
//! The host's tests (`rust/policy/tests`) cover these files in depth. The few cases repeated here
//! show that the same code gives the same results inside the kernel, with its compiler options and
//! checks.

use kernel::{
    prelude::*,
    str::CString, //
};

#[kunit_tests(memcg_knobs_size)]
mod size {
    use crate::policy::size::{
        parse_bytes,
        ParseError, //
    };
    use crate::policy::units::Bytes;

    #[test]
    fn sizes_are_parsed() {
        let table: [(&[u8], core::result::Result<Option<u64>, ParseError>); 10] = [
            (b"max\n", Ok(None)),
            (b"0", Ok(Some(0))),
            (b" 64M\n", Ok(Some(64 << 20))),
            (b"1g", Ok(Some(1 << 30))),
            (b"15E", Ok(Some(15 << 60))),
            (b"16E", Err(ParseError::Overflow)),
            (b"", Err(ParseError::Empty)),
            (b"-1", Err(ParseError::Junk)),
            (b"1 0", Err(ParseError::Junk)),
            (b"0x10", Err(ParseError::Junk)),
        ];

        for (input, expected) in table {
            assert_eq!(parse_bytes(input), expected.map(|size| size.map(Bytes)));
        }
    }
}

#[kunit_tests(memcg_knobs_ratio)]
mod ratio {
    use super::*;
    use crate::policy::{
        ratio::Ratio,
        size::ParseError,
        units::Pages, //
    };

    #[test]
    fn ratios_are_parsed_and_taken() -> Result {
        let ratio = Ratio::parse(b"12.5\n").map_err(|_| EINVAL)?.ok_or(EINVAL)?;
        let text = CString::try_from_fmt(fmt!("{}", ratio))?;

        assert_eq!(text.to_bytes(), b"12.50");
        assert_eq!(ratio.of(Pages(1000)), Pages(125));
        assert_eq!(ratio.of(Pages(u64::MAX)), Pages(u64::MAX / 8));
        assert_eq!(Ratio::parse(b"0"), Err(ParseError::TooSmall));
        assert_eq!(Ratio::parse(b"100.01"), Err(ParseError::TooLarge));
        Ok(())
    }
}

#[kunit_tests(memcg_knobs_limits)]
mod limits {
    use super::*;
    use crate::policy::{
        limits::{
            effective,
            Config,
            Inputs, //
        },
        units::{
            Bytes,
            Pages, //
        }, //
    };

    #[test]
    fn a_limit_is_capped_and_implies_half() -> Result {
        let inputs = Inputs {
            dirtyable: Pages(1000),
            system_limit: Pages(200),
            system_background: Pages(100),
            page_shift: 12,
        };
        let config = Config::default()
            .with_limit_bytes(Some(Bytes(64 << 20)), 12)
            .map_err(|_| EINVAL)?;
        let limits = effective(&config, &inputs);

        assert_eq!(limits.limit, Some(Pages(1000)));
        assert_eq!(limits.background, Some(Pages(500)));
        assert!(config.with_limit_bytes(Some(Bytes(8191)), 12).is_err());
        Ok(())
    }
}

#[kunit_tests(memcg_knobs_levels)]
mod levels {
    use crate::policy::{
        floors::grant,
        levels::stop,
        units::Pages, //
    };

    #[test]
    fn writers_stop_close_below_the_limit() {
        for limit in [2, 3, 64, 1024, 16384, 1 << 30] {
            let stop = stop(Pages(limit)).0;

            assert!(stop >= 1 && stop <= limit);
            assert!(stop * 16 >= limit * 15);
        }
    }

    #[test]
    fn grants_add_up() {
        assert_eq!(grant(Pages(100), Pages(100), Pages(1000)), Pages(100));
        assert_eq!(grant(Pages(1000), Pages(4000), Pages(1000)), Pages(250));
    }
}

#[kunit_tests(memcg_knobs_pace)]
mod pace {
    use crate::policy::{
        pace::{
            parse_machine,
            rule,
            Pace, //
        },
        size::ParseError,
        units::Micros, //
    };

    #[test]
    fn paces_are_parsed_and_hold() {
        assert_eq!(Pace::parse(b"default\n"), Ok(Pace::Default));
        assert_eq!(Pace::parse(b"1000"), Ok(Pace::Usec(Micros(1000))));
        assert_eq!(Pace::parse(b"999"), Err(ParseError::TooSmall));
        assert_eq!(parse_machine(b"0"), Ok(None));
        assert_eq!(
            rule(Pace::Default, true, Some(Micros(9))).pace,
            Some(Micros(9))
        );
        assert!(rule(Pace::Max, true, Some(Micros(9))).exempt);
    }
}

#[kunit_tests(memcg_knobs_payments)]
mod payments {
    use super::*;
    use crate::policy::{
        payments::Payments,
        size::ParseError, //
    };

    #[test]
    fn payments_are_words() -> Result {
        let payments = Payments::parse(b" shmem\nfile\n").map_err(|_| EINVAL)?;
        let text = CString::try_from_fmt(fmt!("{}", payments))?;

        assert_eq!(text.to_bytes(), b"file shmem");
        assert_eq!(Payments::parse(b"\n"), Ok(Payments::default()));
        assert_eq!(Payments::parse(b"file,shmem"), Err(ParseError::Junk));
        Ok(())
    }
}

#[kunit_tests(memcg_knobs_switches)]
mod switches {
    use crate::policy::{
        switches::{
            parse_switch,
            Scope, //
        },
        tries::{
            delay_ms,
            GATHER_MS,
            TRIES, //
        }, //
    };

    #[test]
    fn switches_are_parsed() {
        assert_eq!(parse_switch(b"1\n"), Ok(true));
        assert_eq!(parse_switch(b"0"), Ok(false));
        assert!(parse_switch(b"2").is_err());
        assert_eq!(Scope::parse(b"any\n"), Ok(Scope::Any));
        assert!(Scope::parse(b"all").is_err());
    }

    #[test]
    fn tries_come_later_each_time() {
        assert_eq!(delay_ms(TRIES), GATHER_MS);
        for left in 1..TRIES - 1 {
            assert_eq!(delay_ms(left), 2 * delay_ms(left + 1));
        }
    }
}
