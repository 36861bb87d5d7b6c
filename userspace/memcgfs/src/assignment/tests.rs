// SPDX-License-Identifier: GPL-2.0

//! Tests of which values are accepted and rejected, and how accepted ones are written.

use super::*;

#[test]
fn good() {
    let table = [
        (
            "dirty_limit_in_bytes=64M",
            "memory.dirty_limit_in_bytes",
            "64M",
            "64MiB",
        ),
        ("memory.dirty_min=0", "memory.dirty_min", "0", "0B"),
        ("dirty_min=1", "memory.dirty_min", "1", "1B"),
        ("dirty_min=max", "memory.dirty_min", "max", "max"),
        ("dirty_ratio=12.5", "memory.dirty_ratio", "12.5", "12.50%"),
        (
            "persistent=shmem  file",
            "memory.persistent",
            "shmem  file",
            "file shmem",
        ),
        ("persistent=", "memory.persistent", "", "none"),
        ("persistent=none", "memory.persistent", "", "none"),
        (
            "dirty_limit_in_bytes=64MiB",
            "memory.dirty_limit_in_bytes",
            "67108864",
            "64MiB",
        ),
        ("dirty_ratio=5%", "memory.dirty_ratio", "5.00", "5.00%"),
        (
            "dirty_pace_usec=25ms",
            "memory.dirty_pace_usec",
            "25000",
            "25ms",
        ),
        (
            "dirty_background_ratio= max ",
            "memory.dirty_background_ratio",
            "max",
            "max",
        ),
    ];
    for (input, name, text, shown) in table {
        let assignment = Assignment::parse(input).unwrap();
        assert_eq!(assignment.knob().name, name);
        assert_eq!(assignment.text(), text);
        assert_eq!(assignment.value().to_string(), shown);
    }
}

#[test]
fn rounded_as_the_kernel_does() {
    let table = [
        ("dirty_min=5000", "4KiB"),
        ("dirty_min=100", "0B"),
        ("dirty_min=max", "max"),
        ("dirty_limit_in_bytes=9000", "8KiB"),
        ("dirty_limit_in_bytes=max", "max"),
        ("dirty_ratio=0.1", "0.10%"),
    ];
    for (text, read) in table {
        let assignment = Assignment::parse(text).unwrap();
        assert_eq!(assignment.read_back().to_string(), read);
    }
}

#[test]
fn bad() {
    use ParseError::*;
    let value = |knob, text: &str, reason| BadAssignment::Value(knob, text.to_owned(), reason);
    let limit = &knobs::DIRTY_LIMIT;
    let table = [
        ("", BadAssignment::Form),
        ("dirty_ratio", BadAssignment::Form),
        ("=", BadAssignment::Unknown(String::new())),
        (
            "memory.max=1G",
            BadAssignment::Unknown("memory.max".to_owned()),
        ),
        (
            "dirty_stat=1",
            BadAssignment::NotSettable(&knobs::DIRTY_STAT),
        ),
        (
            "dirty_writeback=1M",
            BadAssignment::NotSettable(&knobs::DIRTY_WRITEBACK),
        ),
        ("dirty_limit_in_bytes=", value(limit, "", Empty)),
        ("dirty_limit_in_bytes=-1", value(limit, "-1", Junk)),
        ("dirty_limit_in_bytes=1=2", value(limit, "1=2", Junk)),
        ("dirty_limit_in_bytes=64M 1", value(limit, "64M 1", Junk)),
        ("dirty_limit_in_bytes=0", value(limit, "0", TooSmall)),
        ("dirty_limit_in_bytes=4K", value(limit, "4K", TooSmall)),
        ("dirty_limit_in_bytes=16E", value(limit, "16E", Overflow)),
        (
            "dirty_ratio=100.01",
            value(&knobs::DIRTY_RATIO, "100.01", TooLarge),
        ),
        ("dirty_ratio=0", value(&knobs::DIRTY_RATIO, "0", TooSmall)),
        ("persistent=anon", value(&knobs::PERSISTENT, "anon", Junk)),
        (
            "persistent=shmem,file",
            value(&knobs::PERSISTENT, "shmem,file", Junk),
        ),
        (
            "dirty_pace_usec=999",
            value(&knobs::DIRTY_PACE, "999", TooSmall),
        ),
        ("recharge=1M", BadAssignment::NotSettable(&knobs::RECHARGE)),
        ("dirty_min=ä", value(&knobs::DIRTY_MIN, "ä", Junk)),
    ];
    for (input, error) in table {
        assert_eq!(Assignment::parse(input), Err(error), "{input:?}");
    }
}
