// SPDX-License-Identifier: GPL-2.0

//! `memcgctl recharge`.

use crate::Machine;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::process::Stdio;

const TRIGGER: &str = "cgroup/a/memory.recharge";
const STAT: &str = "cgroup/a/memory.recharge_stat";

fn machine() -> Machine {
    let machine = Machine::new();
    machine.cgroup("a");
    machine.put(TRIGGER, "");
    machine.put(
        STAT,
        "inherited 8388608\nrecharged_in 0\nrecharged_out 4096\nrecharge_failed 0\n",
    );
    machine
}

#[test]
fn amounts() {
    let machine = machine();
    machine.put("proc/self/cgroup", "0::/a\n");
    let table: [(&[&str], &str); 4] = [
        (&["recharge", "a"], "max\n"),
        (&["recharge", "a", "64M"], "64M\n"),
        (&["recharge", "--self"], "max\n"),
        (&["recharge", "--self", "1G"], "1G\n"),
    ];
    for (args, written) in table {
        machine.put(TRIGGER, "");
        let out = machine.run(args).expect(0, "");
        assert!(
            out.starts_with("inherited 8MiB -> 8MiB, moved 0B, in 0."),
            "{out}"
        );
        assert_eq!(machine.read(TRIGGER), written);
    }
}

#[test]
fn json() {
    let out = machine()
        .run(["recharge", "a", "1M", "--json"])
        .expect(0, "");
    let mut json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(json["usec"].take().is_u64());
    assert_eq!(
        json,
        serde_json::json!({
            "version": 1,
            "cgroup": "/a",
            "asked": 1 << 20,
            "done": true,
            "usec": null,
            "inherited_before": 8 << 20,
            "inherited_after": 8 << 20,
            "moved": 0,
            "failed": 0,
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
        .args(["recharge", "a"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Nobody reads the trigger yet, so the command waits and has to tell how it goes.
    let mut messages = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    messages.read_line(&mut line).unwrap();
    assert_eq!(line, "memcgctl: inherited 8MiB, moved 0B, 1s\n");
    machine.put(
        STAT,
        "inherited 0\nrecharged_in 0\nrecharged_out 8388608\nrecharge_failed 4096\n",
    );
    assert_eq!(machine.read(TRIGGER), "max\n");
    let mut out = String::new();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_to_string(&mut out).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(
        out.starts_with("inherited 8MiB -> 0B, moved 7.9MiB, failed 4KiB, in 1."),
        "{out}"
    );
}

#[test]
fn without_figures() {
    let machine = machine();
    fs::remove_file(machine.path(STAT)).unwrap();
    let out = machine.run(["recharge", "a"]).expect(0, "");
    assert!(out.starts_with("in 0."), "{out}");
}

#[test]
fn errors() {
    let machine = machine();
    machine.link(TRIGGER, "/dev/full");
    machine.run(["recharge", "a", "1M"]).expect(
        1,
        "memcgctl: cannot write \"1M\" to DIR/cgroup/a/memory.recharge: No space left on device (ENOSPC)\n",
    );
    let run = machine.run(["recharge", "--self", "1X"]);
    assert_eq!(run.code, 2);
    assert!(
        run.err.contains("Usage: memcgctl recharge") && run.err.contains("it is not a size (64M, "),
        "{}",
        run.err
    );
    machine.run(["recharge", "/"]).expect(
        1,
        "memcgctl: DIR/cgroup/memory.recharge: no such file: the root cgroup has none: memory that removed cgroups left to it \
         is not counted and stays there\n",
    );
    fs::remove_file(machine.path(TRIGGER)).unwrap();
    machine.run(["recharge", "a"]).expect(
        3,
        "memcgctl: DIR/cgroup/a/memory.recharge: no such file: the loaded module memcg_knobs does not offer it\n",
    );
}
