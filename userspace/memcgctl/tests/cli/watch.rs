// SPDX-License-Identifier: GPL-2.0

//! `memcgctl watch`: what it prints, and that it ends as it should whatever ends it.

use crate::Machine;
use nix::fcntl::fcntl;
use nix::fcntl::FcntlArg;
use nix::sys::signal::kill;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::process::Child;
use std::process::ChildStdout;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

fn machine() -> Machine {
    let machine = Machine::new();
    machine.limited("a", 32 << 10);
    machine
}

fn watch(machine: &Machine, args: &[&str]) -> Command {
    let mut command = machine.command();
    command.args(["watch", "a", "--interval", "20ms", "--svg"]);
    command.arg(machine.path("out.svg")).args(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Start it and wait for the first line.
fn started(machine: &Machine, args: &[&str]) -> (Child, BufReader<ChildStdout>) {
    let mut child = watch(machine, args).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert!(line.contains("12KiB of 32KiB"), "{line}");
    (child, lines)
}

/// The picture at the end, which shows more than none.
fn check_picture(machine: &Machine) {
    let svg = machine.read("out.svg");
    assert!(
        svg.starts_with("<svg ") && svg.ends_with("</svg>\n"),
        "{svg}"
    );
    assert!(
        svg.contains("class=\"t\" x=\"80\" y=\"28\">/a</text>"),
        "{svg}"
    );
    assert!(svg.contains("<path class=\"l\" d=\"M"), "{svg}");
}

#[test]
fn lines() {
    let machine = machine();
    let output = watch(&machine, &["--count", "3"]).output().unwrap();
    let out = machine.end(output).expect(0, "");
    assert_eq!(out.lines().count(), 3);
    assert_eq!(
        out.lines().next(),
        Some("    0.0s     12KiB of 32KiB      37% [##########+++++                         ]")
    );
    check_picture(&machine);
}

#[test]
fn json() {
    let machine = machine();
    let output = watch(&machine, &["-n", "2", "--json"]).output().unwrap();
    let out = machine.end(output).expect(0, "");
    let mut looks: Vec<serde_json::Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(looks[0]["usec"].as_u64() < looks[1]["usec"].as_u64());
    looks[1]["usec"] = 0.into();
    assert_eq!(
        looks[1],
        serde_json::json!({
            "version": 1,
            "cgroup": "/a",
            "usec": 0,
            "dirty": 8192,
            "writeback": 4096,
            "limit": 32 << 10,
            "background_limit": 16 << 10,
            "throttled_usec": 0,
            "throttled_count": 0,
        })
    );
}

#[test]
fn several() {
    let machine = machine();
    machine.limited("longer", 64 << 20);
    let out = machine
        .run(["watch", "a", "longer", "a", "-n", "2", "-i", "10ms"])
        .expect(0, "");
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines.len(), 4, "{out}");
    assert!(lines[0].contains("s /a          12KiB of 32KiB "), "{out}");
    assert!(lines[1].contains("s /longer     12KiB of 64MiB "), "{out}");
    let run = machine.run(["watch", "a", "longer", "--svg", "x"]);
    assert_eq!(
        (run.code, run.err.contains("--svg draws a single cgroup")),
        (2, true)
    );
}

#[test]
fn signals_end_it_well() {
    for signal in [
        Signal::SIGINT,
        Signal::SIGTERM,
        Signal::SIGHUP,
        Signal::SIGQUIT,
    ] {
        let machine = machine();
        // A long interval must not delay the end.
        let (mut child, _lines) = started(&machine, &["--interval", "1h"]);
        let start = Instant::now();
        kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{signal}");
        assert!(start.elapsed() < Duration::from_secs(10));
        check_picture(&machine);
    }
}

#[test]
fn a_reader_that_takes_nothing_is_no_obstacle() {
    for json in [&["--interval", "1ms"][..], &["--interval", "1ms", "--json"]] {
        let machine = machine();
        let mut child = watch(&machine, json).spawn().unwrap();
        let pipe = child.stdout.take().unwrap();
        fcntl(&pipe, FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
        // By then it is full.
        thread::sleep(Duration::from_secs(1));
        kill(
            Pid::from_raw(child.id().try_into().unwrap()),
            Signal::SIGINT,
        )
        .unwrap();
        let start = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if start.elapsed() > Duration::from_secs(10) {
                child.kill().unwrap();
                panic!("it did not end");
            }
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(child.wait().unwrap().code(), Some(0));
        check_picture(&machine);
    }
}

#[test]
fn a_closed_pipe_ends_it_well() {
    let machine = machine();
    let (mut child, lines) = started(&machine, &["--interval", "1h"]);
    drop(lines);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    check_picture(&machine);
}

#[test]
fn the_end_of_the_cgroup_is_the_end() {
    let machine = machine();
    let (child, lines) = started(&machine, &[]);
    fs::remove_dir_all(machine.path("cgroup/a")).unwrap();
    // Another of its name is not what is watched.
    machine.limited("a", 32 << 10);
    let output = child.wait_with_output().unwrap();
    machine.end(output).expect(0, "memcgctl: /a: removed\n");
    drop(lines);
    check_picture(&machine);
}

#[test]
fn throttling_shows() {
    let machine = machine();
    let (child, mut lines) = started(&machine, &["--count", "100"]);
    let stat = "dirty 8192\nwriteback 0\nlimit max\nbackground_limit max\nthrottled_usec 2000000\nthrottled_count 9\n";
    machine.put("new", stat);
    fs::rename(
        machine.path("new"),
        machine.path("cgroup/a/memory.dirty_stat"),
    )
    .unwrap();
    let mut line = String::new();
    while !line.contains("throttled") {
        line.clear();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0);
    }
    assert!(line.ends_with("8KiB of max throttled 0.765s\n"), "{line}");
    drop(lines);
    child.wait_with_output().unwrap();
}

#[test]
fn a_stock_kernel() {
    let machine = Machine::stock();
    machine.put(
        "cgroup/a/memory.stat",
        "file_dirty 8192\nfile_writeback 4096\n",
    );
    let output = watch(&machine, &["-n", "1"]).output().unwrap();
    let note = "memcgctl: DIR/cgroup/a/memory.dirty_stat: no such file: the module memcg_knobs is not loaded\n";
    assert_eq!(machine.end(output).expect(0, note), "    0.0s     12KiB\n");
}

#[test]
fn mistakes() {
    let machine = machine();
    for args in [["--interval", "0"], ["--count", "0"], ["--count", "-1"]] {
        assert_eq!(
            watch(&machine, &args).output().unwrap().status.code(),
            Some(2)
        );
    }
    // A picture that cannot be written is told at once.
    let nowhere = machine.path("none/out.svg");
    let mut command = machine.command();
    command.args(["watch", "a", "--svg"]).arg(nowhere);
    machine.end(command.output().unwrap()).expect(
        1,
        "memcgctl: cannot write DIR/none/out.svg: No such file or directory (ENOENT)\n",
    );
}
