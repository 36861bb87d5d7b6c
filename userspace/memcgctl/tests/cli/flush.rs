// SPDX-License-Identifier: GPL-2.0

//! `memcgctl flush`.

use crate::Machine;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

const TRIGGER: &str = "cgroup/a/memory.dirty_writeback";

fn machine() -> Machine {
    let machine = Machine::new();
    machine.cgroup("a");
    machine
}

#[test]
fn amounts() {
    let machine = machine();
    machine.put("proc/self/cgroup", "0::/a\n");
    let table: [(&[&str], &str); 5] = [
        (&["flush", "a"], "max\n"),
        (&["flush", "a", "64MiB"], "67108864\n"),
        (&["flush", "a", "max"], "max\n"),
        (&["flush", "--self"], "max\n"),
        (&["flush", "--self", "1G"], "1G\n"),
    ];
    for (args, written) in table {
        machine.put(TRIGGER, "");
        let out = machine.run(args).expect(0, "");
        assert!(
            out.starts_with("dirty 8KiB -> 8KiB, writeback 4KiB -> 4KiB, in 0."),
            "{out}"
        );
        assert_eq!(machine.read(TRIGGER), written);
    }
}

#[test]
fn json() {
    let out = machine().run(["flush", "a", "1M", "--json"]).expect(0, "");
    let mut json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(json["usec"].take().is_u64());
    let figures = serde_json::json!({ "dirty": 8192, "writeback": 4096 });
    assert_eq!(
        json,
        serde_json::json!({
            "version": 1,
            "cgroup": "/a",
            "asked": 1 << 20,
            "done": true,
            "usec": null,
            "before": figures,
            "after": figures,
        })
    );
}

#[test]
fn progress_while_it_waits() {
    let machine = machine();
    fs::remove_file(machine.path(TRIGGER)).unwrap();
    mkfifo(&machine.path(TRIGGER), Mode::S_IRWXU).unwrap();
    let mut command = machine.command();
    command
        .args(["flush", "a"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Nobody reads the trigger yet, so the flush waits and has to tell how it goes.
    let mut messages = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    messages.read_line(&mut line).unwrap();
    assert_eq!(line, "memcgctl: dirty 8KiB, writeback 4KiB, 1s\n");
    // Once: this may be a job whose messages are mailed.
    thread::sleep(Duration::from_millis(2200));
    assert_eq!(machine.read(TRIGGER), "max\n");
    let mut more = String::new();
    messages.read_to_string(&mut more).unwrap();
    assert_eq!(more, "");
    let mut out = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut out)
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert!(out.starts_with("dirty 8KiB -> "), "{out}");
}

#[test]
fn errors() {
    let machine = machine();
    machine.link(TRIGGER, "/dev/full");
    machine.run(["flush", "a", "1M"]).expect(
        1,
        "memcgctl: cannot write \"1M\" to DIR/cgroup/a/memory.dirty_writeback: No space left on device (ENOSPC)\n",
    );
    for (args, message) in [
        (
            &["flush", "a", "1X"][..],
            "not a size (64M, 64MiB or 67108864)",
        ),
        (
            &["flush", "--self", "1X"],
            "not a size (64M, 64MiB or 67108864)",
        ),
        (&["flush", "--self", "1M", "2M"], "one amount is enough"),
        (&["flush"], "<CGROUP|--self> is missing"),
    ] {
        let run = machine.run(args);
        assert_eq!(run.code, 2);
        assert!(run.err.contains(message), "{}", run.err);
    }
    let stock = Machine::stock();
    stock.put("cgroup/a/memory.max", "max\n");
    stock.run(["flush", "a"]).expect(
        3,
        "memcgctl: DIR/cgroup/a/memory.dirty_writeback: no such file: the module memcg_knobs is not loaded\n",
    );
}
