// SPDX-License-Identifier: GPL-2.0

//! Tests of the policy. Each module tests one file: first with tables, then with properties that
//! hold for every input. This file has what the modules share.

mod floors;
mod levels;
mod limits;
mod pace;
mod payments;
mod ratio;
mod size;
mod switches;
mod tries;

use proptest::prelude::*;

/// Tests each property with at least 2000 inputs, or more if `PROPTEST_CASES` says so. Failures are
/// not persisted to a file: add those worth keeping to a table.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();

    ProptestConfig {
        cases: default.cases.max(2000),
        failure_persistence: None,
        ..default
    }
}

/// Numbers of every magnitude, with more than their share around powers of two and at the ends of
/// the range.
fn any_number() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..64u64,
        0..1u64 << 20,
        0..1u64 << 33,
        any::<u64>(),
        (0..64u32, 0..3u64).prop_map(|(bit, offset)| (1u64 << bit).wrapping_add(offset) - 1),
        (0..4u64).prop_map(|offset| u64::MAX - offset),
    ]
}

/// Page counts, most of them in the range of real machines.
fn any_pages() -> impl Strategy<Value = u64> {
    prop_oneof![
        any_number(),
        any_number().prop_map(|number| number >> 24),
        any_number().prop_map(|number| number & 0xffff_ffff),
    ]
}
