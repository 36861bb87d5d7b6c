// SPDX-License-Identifier: GPL-2.0

//! A cgroup file system that is mounted read-only, as containers have it.

use crate::Machine;
use crate::Run;
use std::process::Command;

/// A run with the cgroup directory mounted read-only; `None` where one may not mount.
fn run(machine: &Machine, args: &[&str]) -> Option<Run> {
    let script = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" || exit 99; shift; exec \"$@\"";
    let inner = machine.command();
    let mut command = Command::new("unshare");
    command.args([
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        script,
        "sh",
    ]);
    command.arg(machine.path("cgroup"));
    command.arg(inner.get_program()).args(inner.get_args());
    let output = command.args(args).output().ok()?;
    let began = output.status.code() != Some(99) && !output.stderr.starts_with(b"unshare:");
    began.then(|| machine.end(output))
}

#[test]
fn what_reads_works_and_what_writes_says_so() {
    let machine = Machine::new();
    machine.limited("a", 64 << 20);
    machine.put("settings", "[cgroup.a]\ndirty_min = \"1M\"\n");
    let Some(shown) = run(&machine, &["show", "a"]) else {
        return;
    };
    assert_eq!(shown, machine.run(["show", "a"]));
    let settings = machine.path("settings");
    let apply = ["apply", settings.to_str().unwrap()];
    let file = "DIR/cgroup/a/memory.dirty_";
    let why = "Read-only file system (EROFS)";
    let table = [
        (
            &["set", "a", "dirty_min=1M"][..],
            format!("memcgctl: cannot write \"1M\" to {file}min: {why}\n"),
        ),
        (
            &["flush", "a"],
            format!("memcgctl: cannot write \"max\" to {file}writeback: {why}\n"),
        ),
        (
            &apply,
            format!("memcgctl: DIR/settings:2: cannot write {file}min: {why}\n"),
        ),
    ];
    for (args, err) in table {
        let run = run(&machine, args).unwrap();
        assert_eq!(run.expect(1, &err), "", "{args:?}");
    }
}
