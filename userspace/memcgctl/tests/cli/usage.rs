// SPDX-License-Identifier: GPL-2.0

//! The command line itself.

use crate::Machine;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

#[test]
fn mistakes() {
    let machine = Machine::new();
    machine.cgroup("a");
    let raw = OsStr::from_bytes(b"raw\xff");
    let table: [&[&OsStr]; 9] = [
        &[],
        &["shwo".as_ref()],
        &["show".as_ref(), "a".as_ref(), "b".as_ref()],
        &["show".as_ref(), "--self".as_ref(), "a".as_ref()],
        &["show".as_ref(), "--jsno".as_ref()],
        &["check".as_ref(), "a".as_ref()],
        &["set".as_ref(), "a".as_ref(), raw],
        &["set".as_ref(), "--self".as_ref(), raw],
        &[raw],
    ];
    for args in table {
        let run = machine.run(args);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{args:?}");
        assert!(!run.err.is_empty());
    }
}

#[test]
fn help() {
    let machine = Machine::new();
    let out = machine.run(["--help"]).expect(0, "");
    for word in [
        "check",
        "show",
        "tree",
        "set",
        "flush",
        "recharge",
        "Exit codes:",
    ] {
        assert!(out.contains(word), "{word}");
    }
    // What is for tests only is not shown.
    assert!(!out.contains("root DIR"), "{out}");
    let out = machine.run(["set", "--help"]).expect(0, "");
    for knob in memcgfs::knobs::settable() {
        assert!(
            out.contains(knob.short_name()) && out.contains(knob.help),
            "{out}"
        );
    }
    assert!(!out.contains("dirty_stat"), "{out}");
    let out = machine.run(["--version"]).expect(0, "");
    assert_eq!(out, format!("memcgctl {}\n", env!("CARGO_PKG_VERSION")));
}
