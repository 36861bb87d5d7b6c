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
    for command in crate::generate::commands(&machine) {
        let out = machine.run([command.as_str(), "--help"]).expect(0, "");
        assert!(out.contains("Exit codes: 0 done, 1 failed, "), "{out}");
        let takes = ["CGROUP]", "CGROUP>", "<CGROUP|", "<CGROUP..."]
            .iter()
            .any(|word| out.contains(word));
        assert_eq!(out.contains("A CGROUP is a path "), takes, "{out}");
    }
    // By a command as well as by an option.
    for args in [&["help"][..], &["help", "set"]] {
        let by_option = [&args[1..], &["--help"]].concat();
        assert_eq!(machine.run(args), machine.run(by_option));
    }
    assert_eq!(machine.run(["help", "nosuch"]).code, 2);
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

#[test]
fn own_cgroup() {
    let machine = Machine::new();
    machine.cgroup("a");
    machine.cgroup("a/own");
    machine.put("proc/self/cgroup", "0::/a/own\n");
    for command in [
        &["show"][..],
        &["tree"],
        &["top", "--once", "--interval", "1ms"],
        &["watch", "--count", "1"],
        &["metrics"],
        &["set", "dirty_min=0"],
    ] {
        let run = machine.run(command.iter().chain(&["--self"]));
        assert_eq!(run.code, 0, "{command:?} {run:?}");
        let names = run.out + &run.err;
        if !["watch", "set"].contains(&command[0]) {
            assert!(names.contains("/a/own"), "{command:?} {names}");
        }
        assert!(!names.contains("\"/a\""), "{command:?} {names}");
    }
    for command in [
        &["top", "a"][..],
        &["metrics", "a"],
        &["mount", "--memcg", "a", "/mnt"],
    ] {
        let run = machine.run(command.iter().chain(&["--self"]));
        assert_eq!(run.code, 2, "{command:?} {run:?}");
    }
    // It has got as far as to the file system.
    let run = machine.run(["mount", "--self", "-t", "nosuchfs", "/mnt"]);
    assert!(
        run.err.starts_with("memcgctl: cannot mount nosuchfs: "),
        "{run:?}"
    );
}

#[test]
fn the_root_by_its_units_name() {
    let machine = Machine::new();
    for args in [&["show", "-.slice"][..], &["show", "--", "-.slice"]] {
        let out = machine.run(args).expect(0, "");
        assert!(out.starts_with("cgroup          /\n"), "{out}");
    }
}
