// SPDX-License-Identifier: GPL-2.0

use proptest::prelude::*;

use memcg_knobs_unit::levels::*;

use super::any_number;
use super::config;

#[test]
fn levels_of_common_limits() {
    // Limit in pages, CPUs, writers; stop, chunk.
    for (limit, cpus, writers, expected) in [
        // 4, 16, 64 MiB of 4 KiB pages, with 1, 4, 16 writers on 2 CPUs.
        (1024, 2, 1, (896, 16)),
        (1024, 2, 4, (896, 16)),
        (1024, 2, 16, (896, 8)),
        (4096, 2, 1, (3584, 64)),
        (4096, 2, 16, (3584, 32)),
        (16_384, 2, 1, (15_360, 128)),
        (16_384, 2, 16, (15_360, 64)),
        // Writers that do not divide the margin: rounded down to a power of two.
        (1024, 2, 9, (896, 8)),
        (1024, 2, 17, (896, 4)),
        (1024, 2, 128, (896, 1)),
        (1024, 2, 129, (896, 1)),
        // One unknown writer for each CPU.
        (1024, 64, 1, (896, 2)),
        (16_384, 8, 1, (15_360, 128)),
        (16_384, 9, 1, (15_360, 64)),
        // From 8192 pages on the margin stays.
        (8191, 1, 1, (7168, 64)),
        (8192, 1, 1, (7168, 128)),
        (8193, 1, 1, (7169, 128)),
        (1 << 30, 1, 1, ((1 << 30) - 1024, 128)),
        // The smallest limits.
        (2, 1, 1, (1, 1)),
        (3, 1, 1, (2, 1)),
        (4, 1, 1, (3, 1)),
        (15, 1, 1, (14, 1)),
        (16, 1, 1, (14, 1)),
        (128, 1, 1, (112, 2)),
        // What is never asked for has an answer all the same.
        (0, 0, 0, (1, 1)),
        (1, 0, 0, (1, 1)),
        (u64::MAX, u64::MAX, u64::MAX, (u64::MAX - 1024, 1)),
    ] {
        let Levels { stop, chunk } = levels(limit, cpus, writers);
        assert_eq!(
            (stop, chunk),
            expected,
            "{limit} pages, {cpus} CPUs, {writers} writers"
        );
    }
}

#[test]
fn one_page_more_never_lowers_a_level() {
    for limit in 0..20_000 {
        let (low, high) = (levels(limit, 2, 4), levels(limit + 1, 2, 4));
        assert!(low.stop <= high.stop, "{limit}");
        assert!(low.chunk <= high.chunk, "{limit}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_margin_holds_every_chunk_in_flight(
        limit in 2..1u64 << 33, cpus in 1..512u64, writers in 0..2000u64,
    ) {
        let Levels { stop, chunk } = levels(limit, cpus, writers);
        let margin = limit - stop;
        let known = writers.max(cpus).max(SPARE);

        prop_assert!((1..=limit).contains(&stop));
        prop_assert!((1..=MAX_MARGIN).contains(&margin));
        prop_assert!(chunk.is_power_of_two() && chunk <= 128);
        // The law of the file, and its exception.
        prop_assert!(stop + known * chunk <= limit || (chunk == 1 && known > margin));
        // The chunk is not smaller than it has to be.
        prop_assert!(known * chunk * 2 > margin);
        // Where a page is not too coarse for it, the mean has its place below stop.
        prop_assert!(limit < 16 || stop * 8 >= limit * 7);
    }

    #[test]
    fn levels_grow_with_the_limit(a in any_number(), b in any_number(), cpus in 1..64u64, writers in 0..64u64) {
        let low = levels(a.min(b), cpus, writers);
        let high = levels(a.max(b), cpus, writers);
        prop_assert!(low.stop <= high.stop);
        prop_assert!(low.chunk <= high.chunk);
    }

    #[test]
    fn more_writers_get_smaller_chunks_and_the_same_levels(
        limit in any_number(), cpus in any_number(), a in any_number(), b in any_number(),
    ) {
        let few = levels(limit, cpus, a.min(b));
        let many = levels(limit, cpus, a.max(b));
        prop_assert!(few.chunk >= many.chunk);
        prop_assert_eq!(few.stop, many.stop);
    }
}
