// SPDX-License-Identifier: GPL-2.0

//! KUnit suites of the files that have no kernel in them.
//!
//! The host's tests (`tests/unit`) go through these files in depth. What is repeated here shows
//! that the same lines compute the same inside the kernel, with its compiler options and checks.

use kernel::{
    prelude::*,
    str::CString, //
};

#[kunit_tests(memcg_knobs_size)]
mod size {
    use crate::size::{
        parse_bytes,
        ParseError, //
    };

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
            assert_eq!(parse_bytes(input), expected);
        }
    }
}

#[kunit_tests(memcg_knobs_ratio)]
mod ratio {
    use super::*;
    use crate::{
        ratio::Ratio,
        size::ParseError, //
    };

    #[test]
    fn ratios_are_parsed_and_taken() -> Result {
        let ratio = Ratio::parse(b"12.5\n").map_err(|_| EINVAL)?.ok_or(EINVAL)?;
        let text = CString::try_from_fmt(fmt!("{}", ratio))?;

        assert_eq!(text.to_bytes(), b"12.50");
        assert_eq!(ratio.of(1000), 125);
        assert_eq!(ratio.of(u64::MAX), u64::MAX / 8);
        assert_eq!(Ratio::parse(b"0"), Err(ParseError::TooSmall));
        assert_eq!(Ratio::parse(b"100.01"), Err(ParseError::TooLarge));
        Ok(())
    }
}

#[kunit_tests(memcg_knobs_limits)]
mod limits {
    use super::*;
    use crate::limits::{
        effective,
        Config,
        Inputs, //
    };

    #[test]
    fn a_limit_is_capped_and_implies_half() -> Result {
        let inputs = Inputs {
            dirtyable: 1000,
            system_limit: 200,
            system_background: 100,
            page_shift: 12,
        };
        let config = Config::default()
            .with_limit_bytes(Some(64 << 20), 12)
            .map_err(|_| EINVAL)?;
        let limits = effective(&config, &inputs);

        assert_eq!(limits.limit, Some(1000));
        assert_eq!(limits.background, Some(500));
        assert!(config.with_limit_bytes(Some(8191), 12).is_err());
        Ok(())
    }
}

#[kunit_tests(memcg_knobs_levels)]
mod levels {
    use crate::{
        floors::grant,
        levels::levels,
        share::child_share, //
    };

    #[test]
    fn chunks_fit_the_margin() {
        for limit in [2, 3, 64, 1024, 16384, 1 << 30] {
            for writers in [0, 1, 8, 100] {
                let levels = levels(limit, 2, writers);

                assert!(levels.stop >= 1 && levels.stop < limit);
                assert!(levels.chunk.is_power_of_two());
                assert!(levels.chunk == 1 || levels.stop + writers.max(2) * levels.chunk <= limit);
            }
        }
    }

    #[test]
    fn shares_and_grants_add_up() {
        assert_eq!(child_share(1600, 4).share, 400);
        assert_eq!(grant(100, 100, 1000), 100);
        assert_eq!(grant(1000, 4000, 1000), 250);
    }
}

#[kunit_tests(memcg_knobs_payments)]
mod payments {
    use super::*;
    use crate::{
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
    use crate::{
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
