// SPDX-License-Identifier: GPL-2.0

//! `memcgctl trace`: saved traces, and one that is being written.

use crate::Machine;
use nix::sys::signal::kill;
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use nix::unistd::Pid;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

fn inode(machine: &Machine, cgroup: &str) -> u64 {
    fs::metadata(machine.path("cgroup").join(cgroup))
        .unwrap()
        .ino()
}

/// Two writers that wait, one that is let go, charges that go elsewhere, and what else there may be.
fn trace(machine: &Machine) -> String {
    let (a, b) = (inode(machine, "a"), inode(machine, "a/b"));
    let pays = |pages, error| format!("memcg_redirect: pages={pages} err={error} cgroup_ino={a}\n");
    let balance = |cgroup, pause| {
        format!(
            "balance_dirty_pages: bdi 8:0: limit=16384 setpoint=5 dirty=16000 wb_setpoint=1 wb_dirty=1 \
             dirty_ratelimit=1 task_ratelimit=1 dirtied=1 dirtied_pause=1 paused=0 pause={pause} period=15 think=0 \
             cgroup_ino={cgroup}\n"
        )
    };
    [
        "              dd-12      [001] .....   123.456789: ",
        &balance(a, 120),
        "          my app-13      [000] d..2.   123.500000: ",
        &balance(b, -3),
        "          my app-13      [000] d..2.   124.000000: ",
        &balance(b, 8),
        "CPU:1 [LOST 17 EVENTS]\nCPU:0 [LOST EVENTS]\n",
        "              dd-12      [001] .....   125.000000: memcg_dirty_throttle: bdi 8:0: dirty=16000 limit=16384 \
         usec=2500 level_ino=99999998 cgroup_ino=99999999\n",
        "              dd-12      [001] .....   125.500000: memcg_dirty_throttle: bdi 254:0: dirty=16000 limit=18432 \
         stop=16384 usec=2500 ",
        &format!("level_ino={a} cgroup_ino={b}\n"),
        "              dd-12      [001] .....   125.700000: memcg_dirty_paced: bdi 254:0: usec=12345 ",
        &format!("cgroup_ino={b}\n"),
        "              dd-12      [001] .....   126.000000: flush_foreign: bdi 8:0: cgroup_ino=",
        &format!("{a} frn_bdi_id=1 frn_memcg_id=9\n"),
        "              dd-12      [001] .....   127.000000: memcg_recharge: ",
        &format!("pages=3 from_ino={a} cgroup_ino={b}\n"),
        "              cp-14      [001] .....   128.000000: ",
        &pays(1, 0),
        "              cp-14      [000] .....   128.000001: ",
        &pays(16, 0),
        "              cp-14      [000] .....   129.000001: ",
        &pays(1, 0),
        "              dd-12      [000] .....   129.000002: ",
        &pays(1, 0),
        "              dd-12      [000] .....   129.000003: ",
        &pays(1, -28),
        "              dd-12      [000] .....   129.000004: ",
        &pays(1, -28),
        "              dd-12      [001] .....   130.000000: memcg_other: cgroup_ino=",
        &format!("{b} x=3\n"),
        "# nonsense\n",
    ]
    .concat()
}

fn machine() -> Machine {
    let machine = Machine::new();
    machine.cgroup("a");
    machine.cgroup("a/b");
    let trace = trace(&machine);
    machine.put("saved", trace);
    machine
}

const LOST: &str = "memcgctl: 17 events were lost\nmemcgctl: events were lost\n";

fn saved(machine: &Machine, args: &[&str]) -> crate::Run {
    let mut command = machine.command();
    command
        .args(["trace", "--input"])
        .arg(machine.path("saved"))
        .args(args);
    machine.end(command.output().unwrap())
}

#[test]
fn words() {
    let machine = machine();
    assert_eq!(
        saved(&machine, &[]).expect(0, LOST),
        "   \
   123.456789 dd-12 /a waits 0.120s dirty 62.5MiB of 64MiB bdi 8:0
   124.000000 my app-13 /a/b waits 0.008s dirty 62.5MiB of 64MiB bdi 8:0
   125.000000 dd-12 (inode 99999999) waits 0.002s dirty 62.5MiB, stopped from 64MiB of (inode 99999998) bdi 8:0
   125.500000 dd-12 /a/b waits 0.002s dirty 62.5MiB of 72MiB of /a, stopped from 64MiB bdi 254:0
   125.700000 dd-12 /a/b writeback held back for 12ms so that others get through bdi 254:0
   126.000000 dd-12 /a flushes foreign pages of memcg 9
   127.000000 dd-12 /a/b takes over 12KiB from /a
   128.000000 cp-14 /a pays 68KiB in 2 charges
   129.000001 cp-14 /a pays 4KiB
   129.000002 dd-12 /a pays 4KiB
   129.000003 dd-12 /a cannot pay 8KiB in 2 charges: No space left on device (ENOSPC)
   130.000000 dd-12 /a/b memcg_other cgroup_ino=INODE x=3
"
        .replace("INODE", &inode(&machine, "a/b").to_string())
    );
}

#[test]
fn part() {
    let machine = machine();
    let lines = |args: &[&str], err| saved(&machine, args).expect(0, err).lines().count();
    let gone = "events left out because their cgroups were removed";
    let part = format!("{LOST}memcgctl: {gone}: 1\n");
    assert_eq!(lines(&["a"], &part), 11);
    assert_eq!(lines(&["a/b"], &part), 5);
    assert_eq!(lines(&["--count", "1"], ""), 1);
    assert_eq!(lines(&["--count", "7"], LOST), 7);
    machine.put("proc/self/cgroup", "0::/a/b\n");
    assert_eq!(lines(&["--self"], &part), 5);
}

#[test]
fn json() {
    let machine = machine();
    let out = saved(&machine, &["--json"]).expect(0, LOST);
    let lines: Vec<serde_json::Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 12);
    assert_eq!(
        lines[0],
        serde_json::json!({
            "version": 1,
            "time_usec": 123_456_789,
            "task": "dd",
            "tid": 12,
            "event": "balance_dirty_pages",
            "cgroup": "/a",
            "cgroup_ino": inode(&machine, "a"),
            "pause_usec": 120_000,
            "dirty": 16000 * 4096,
            "limit": 64 << 20,
            "bdi": "8:0",
        })
    );
    assert!(lines[2].get("cgroup").is_none());
    let (a, b) = (inode(&machine, "a"), inode(&machine, "a/b"));
    let a = serde_json::json!({ "cgroup": "/a", "cgroup_ino": a });
    assert_eq!(
        lines[2]["level"],
        serde_json::json!({ "cgroup_ino": 99_999_998 })
    );
    assert_eq!(
        (&lines[3]["level"], &lines[3]["cgroup_ino"]),
        (&a, &b.into())
    );
    assert_eq!(
        (&lines[3]["limit"], &lines[3]["stops_at"]),
        (&(72 << 20).into(), &(64 << 20).into())
    );
    assert!(lines[2].get("limit").is_none());
    assert_eq!(
        (&lines[4]["paced_usec"], &lines[4]["bdi"]),
        (&12345.into(), &"254:0".into())
    );
    assert_eq!(lines[5]["foreign_memcg_id"], 9);
    assert_eq!(
        (&lines[6]["from"], &lines[6]["bytes"]),
        (&a, &(3 * 4096).into())
    );
    assert_eq!(
        (&lines[7]["charges"], &lines[7]["bytes"]),
        (&2.into(), &(17 * 4096).into())
    );
    assert!(lines[7].get("error").is_none());
    assert_eq!(lines[10]["error"], "ENOSPC");
    assert!(lines[11]["details"].as_str().unwrap().ends_with(" x=3"));
}

/// A command whose instance is there already, because a directory of a made-up tracefs does not fill itself.
fn live(machine: &Machine) -> Command {
    let tracing = machine.path("sys/kernel/tracing");
    fs::create_dir_all(tracing.join("instances/memcgctl-4194999")).unwrap();
    let instance = machine.path("instance");
    for event in ["balance_dirty_pages", "flush_foreign"] {
        machine.put(format!("instance/events/writeback/{event}/enable"), "0\n");
    }
    mkfifo(&instance.join("trace_pipe"), Mode::S_IRWXU).unwrap();
    let inner = machine.command();
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "mv \"$1\" \"$2/instances/memcgctl-$$\"; shift 2; exec \"$@\"",
        "sh",
    ]);
    command.arg(instance).arg(tracing);
    command
        .arg(inner.get_program())
        .args(inner.get_args())
        .arg("trace");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The instance of a `child` that traces, once it is there, and the pipe that it reads events from.
fn traced(machine: &Machine, child: &Child) -> (PathBuf, File) {
    let instance = machine.path(format!(
        "sys/kernel/tracing/instances/memcgctl-{}",
        child.id()
    ));
    while !instance.exists() {
        thread::yield_now();
    }
    let pipe = OpenOptions::new()
        .write(true)
        .open(instance.join("trace_pipe"))
        .unwrap();
    (instance, pipe)
}

#[test]
fn as_it_happens() {
    for closed in [false, true] {
        let machine = machine();
        let mut child = live(&machine).spawn().unwrap();
        let (instance, mut pipe) = traced(&machine, &child);
        machine.put("proc/15/comm", "late\n");
        pipe.write_all(
            b"           <...>-15 [000] ..... 1.000000: memcg_dirty_throttle: usec=1000\n",
        )
        .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        // In two parts, as the kernel may give it.
        let text = trace(&machine);
        let (head, tail) = text.split_at(30);
        pipe.write_all(head.as_bytes()).unwrap();
        pipe.write_all(tail.as_bytes()).unwrap();
        lines.read_line(&mut line).unwrap();
        assert!(line.contains(" late-15 - waits 0.001s "), "{line}");
        line.clear();
        lines.read_line(&mut line).unwrap();
        assert!(line.contains(" dd-12 /a waits 0.120s "), "{line}");
        for event in ["balance_dirty_pages", "flush_foreign"] {
            let enable = instance.join(format!("events/writeback/{event}/enable"));
            assert_eq!(fs::read_to_string(enable).unwrap(), "1\n");
        }
        // What one left that was killed is gone.
        assert_eq!(fs::read_dir(instance.parent().unwrap()).unwrap().count(), 1);
        match closed {
            true => drop(lines),
            false => kill(
                Pid::from_raw(child.id().try_into().unwrap()),
                Signal::SIGINT,
            )
            .unwrap(),
        }
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}

/// A part of the tree is traced while cgroups come and go in it.
#[test]
fn cgroups_that_come_and_go() {
    let machine = machine();
    let mut child = live(&machine).arg("a").spawn().unwrap();
    let (_, mut pipe) = traced(&machine, &child);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut seen = |ino: u64| {
        let event = format!(
            "              dd-1 [0] ..... 1.000000: memcg_dirty_throttle: cgroup_ino={ino}\n"
        );
        pipe.write_all(event.as_bytes()).unwrap();
    };
    let mut line = || {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        line.split_whitespace().nth(2).map(str::to_owned)
    };
    seen(inode(&machine, "a/b"));
    assert_eq!(line().as_deref(), Some("/a/b"));
    // Just after a search, and outside of the part.
    machine.cgroup("a/late");
    machine.cgroup("other");
    seen(inode(&machine, "other"));
    seen(inode(&machine, "a/late"));
    assert_eq!(line().as_deref(), Some("/a/late"));
    // One that was there when it was looked for, after another search.
    let ino = inode(&machine, "a/b");
    // Elsewhere, so that no other gets its number: the kernel gives none twice.
    fs::rename(machine.path("cgroup/a/b"), machine.path("gone")).unwrap();
    machine.cgroup("a/later");
    thread::sleep(Duration::from_secs(1));
    seen(inode(&machine, "a/later"));
    assert_eq!(line().as_deref(), Some("/a/later"));
    seen(ino);
    assert_eq!(line().as_deref(), Some("/a/b"));
    // One that was not.
    seen(99_999_999);
    seen(inode(&machine, "a"));
    assert_eq!(line().as_deref(), Some("/a"));
    kill(
        Pid::from_raw(child.id().try_into().unwrap()),
        Signal::SIGQUIT,
    )
    .unwrap();
    machine.end(child.wait_with_output().unwrap()).expect(
        0,
        "memcgctl: events left out because their cgroups were removed: 1\n",
    );
}

#[test]
fn no_tracefs() {
    let machine = machine();
    machine.run(["trace"]).expect(
        3,
        "memcgctl: no tracefs is mounted; as root: mount -t tracefs tracefs /sys/kernel/tracing\n",
    );
    // An instance without any of the events is removed again.
    fs::create_dir_all(machine.path("sys/kernel/tracing/instances")).unwrap();
    let run = machine.run(["trace"]);
    assert_eq!(run.code, 3, "{}", run.err);
    let left = fs::read_dir(machine.path("sys/kernel/tracing/instances")).unwrap();
    assert_eq!(left.count(), 0);
}
