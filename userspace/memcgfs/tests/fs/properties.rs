// SPDX-License-Identifier: GPL-2.0

//! The entry points of the fuzz targets on a few inputs each: any bytes, and what looks like the real thing. No file of
//! old failures is kept: a failure worth keeping becomes a line of a table.

#[path = "../../../fuzz/src/lib.rs"]
mod entries;

use memcgfs::system::Domain;
use memcgfs::system::System;
use memcgfs::VmDirty;
use proptest::collection::vec;
use proptest::prelude::*;

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Words that the parsers know, and bytes that they do not.
fn pieces(words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => proptest::sample::select(words).prop_map(|word| word.as_bytes().to_vec()),
        1 => any::<u64>().prop_map(|number| number.to_string().into_bytes()),
        1 => vec(any::<u8>(), 0..4),
    ];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..1000u64, 0..1u64 << 32, any::<u64>()]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes(data in vec(any::<u8>(), 0..64)) {
        entries::assignment(&data);
        entries::span(&data);
        entries::settings(&data);
        entries::declared(&data);
        entries::pattern(&data);
        entries::trace(&data);
        entries::mounts(&data);
        entries::options(&data);
        entries::statistics(&data);
        entries::name(&data);
        entries::size(&data);
    }

    #[test]
    fn assignments(data in pieces(&["dirty_min", "memory.", "dirty_ratio", "=", ".", "max", "K", "E", " ", "file"])) {
        entries::assignment(&data);
        entries::span(&data);
        entries::size(&data);
    }

    #[test]
    fn patterns(data in pieces(&["a", "b", "*", "?", "**", "/", "[a-b]", "[!a]", "[", "]", "\n", "-"])) {
        entries::pattern(&data);
    }

    #[test]
    fn settings(data in pieces(&[
        "[", "]", "cgroup", "sysfs", ".", "\"", "=", "\n", "dirty_min", "memory", "optional", "true", "recharge_mapped",
        "1.5", "# ", ",", "{", "}",
    ])) {
        entries::declared(&data);
        entries::settings(&data);
    }

    #[test]
    fn traces(data in pieces(&[
        "              dd-", "-", " [001] ", "..... ", "123.456789: ", "flush_foreign: ", "balance_dirty_pages: ",
        "bdi 8:0: ", "pause=", "dirty=", "memcg_redirect: ", "pages=", "err=-", "(", ")", "CPU:1 [LOST ", " EVENTS]", " ",
    ])) {
        entries::trace(&data);
    }

    #[test]
    fn mounts(data in pieces(&["1 2 ", "8:1 ", "/ ", "/mnt ", "rw ", "- ", "tmpfs ", "memcg=", ",", "\\040", "\\", "\n"])) {
        entries::mounts(&data);
        entries::options(&data);
    }

    #[test]
    fn options(data in pieces(&["memcg", "ro", "size", "=", ",", "\"", "/a"])) {
        entries::options(&data);
    }

    #[test]
    fn statistics(data in pieces(&[
        "dirty ", "limit ", "max", "\n", "Node ", "high ", "managed ", "protection: (", ", ", ")", "some avg10=", "0.00",
        " avg60=", " avg300=",
    ])) {
        entries::statistics(&data);
    }

    /// Whatever the figures, a background limit is below its limit, and both are in range.
    #[test]
    fn derived_limits(
        figures in proptest::array::uniform6(number()),
        settings in proptest::array::uniform4(proptest::option::of(number())),
        domain in (number(), number(), proptest::option::of(number())),
    ) {
        let [free, reserve, file, dirty, writeback, _] = figures;
        let [bytes, ratio, background_bytes, background_ratio] = settings;
        let vm = VmDirty { bytes, ratio, background_bytes, background_ratio };
        let system = System { free, reserve, file, dirty, writeback, vm, ..System::default() };
        let (file, dirty, headroom) = domain;
        for derived in [system.derive(), system.derive_for(&Domain { file, dirty, headroom })] {
            prop_assert!(derived.limit <= u64::from(u32::MAX));
            prop_assert!(derived.background <= derived.limit);
        }
    }
}
