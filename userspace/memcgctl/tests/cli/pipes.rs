// SPDX-License-Identifier: GPL-2.0

//! Readers that go away, and output that has no room.

use crate::Machine;
use std::fs::File;
use std::process::Stdio;

/// More cgroups than a pipe has room for lines.
fn large() -> Machine {
    let machine = Machine::new();
    for index in 0..1500 {
        machine.cgroup(format!("cgroup-with-a-long-name-{index}"));
    }
    machine
}

#[test]
fn a_closed_pipe_is_no_error() {
    let machine = large();
    for args in [
        &["tree"][..],
        &["tree", "--json"],
        &["metrics"],
        &["top", "--once", "--interval", "1ms"],
        &["top", "--json", "--interval", "1ms"],
    ] {
        let mut command = machine.command();
        command
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        machine.end(child.wait_with_output().unwrap()).expect(0, "");
    }
}

#[test]
fn nor_is_it_for_messages() {
    let machine = Machine::stock();
    machine.cgroup("a");
    let table = [
        (&["set", "a"][..], 2),
        (&["set", "b", "dirty_min=1M"], 1),
        (&["show", "b"], 1),
        (&["--help"], 0),
        (&["check"], 3),
    ];
    for (args, code) in table {
        let mut command = machine.command();
        command
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().unwrap().code(), Some(code), "{args:?}");
    }
}

#[test]
fn no_room() {
    let machine = Machine::new();
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    let output = machine
        .command()
        .arg("tree")
        .stdout(full())
        .output()
        .unwrap();
    machine.end(output).expect(
        1,
        "memcgctl: cannot write to stdout: No space left on device (ENOSPC)\n",
    );
    // With nowhere to complain to it still does not panic.
    let output = machine
        .command()
        .arg("tree")
        .stdout(full())
        .stderr(full())
        .output()
        .unwrap();
    machine.end(output).expect(1, "");
}
