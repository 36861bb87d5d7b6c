// SPDX-License-Identifier: GPL-2.0

//! `memcgctl top`: once, and on a terminal that has to be as it was afterwards.

use crate::Machine;
use nix::fcntl::fcntl;
use nix::fcntl::FcntlArg;
use nix::fcntl::FdFlag;
use nix::pty::openpty;
use nix::pty::Winsize;
use nix::sys::signal::kill;
use nix::sys::signal::Signal;
use nix::sys::termios::tcgetattr;
use nix::sys::termios::Termios;
use nix::sys::wait::waitpid;
use nix::sys::wait::WaitPidFlag;
use nix::sys::wait::WaitStatus;
use nix::unistd::Pid;
use std::fs::File;
use std::io::Read;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::Child;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

fn machine() -> Machine {
    let machine = Machine::new();
    machine.limited("pod", 64 << 20);
    machine.limited("pod/a", 32 << 10);
    machine.cgroup("z");
    machine.put("cgroup/pod/memory.recharge_stat", "inherited 4096\n");
    machine
}

#[test]
fn once() {
    let machine = machine();
    let out = machine
        .run(["top", "--once", "--interval", "10ms"])
        .expect(0, "");
    assert_eq!(
        out,
        "\
CGROUP  DIRTY  WRITEBACK   LIMIT  USED  WRITERS  WAITING  WAIT/s  WAITS/s  PACED/s  INHERITED
/       12KiB         0B       -     -        -        -       -        -        -          -
/pod     8KiB       4KiB   64MiB    0%     free        -     0ms      0.0        -       4KiB
/pod/a   8KiB       4KiB   32KiB   37%     free        -     0ms      0.0        -          -
/z       8KiB       4KiB  200MiB    0%     free        -     0ms      0.0        -          -
"
    );
    let out = machine
        .run([
            "top", "-1", "-i", "10ms", "--tree", "--sort", "used", "--filter", "POD",
        ])
        .expect(0, "");
    assert!(out.contains("\n/     "), "{out}");
    assert!(
        out.ends_with("\n  `-a    8KiB       4KiB  32KiB   37%     free        -     0ms      0.0        -          -\n"),
        "{out}"
    );
}

#[test]
fn json() {
    let machine = machine();
    let out = machine
        .run(["top", "pod", "--json", "-i", "10ms", "--sort", "limit"])
        .expect(0, "");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(
        json["cgroups"][0],
        serde_json::json!({
            "cgroup": "/pod",
            "dirty": 8192,
            "writeback": 4096,
            "limit": 64 << 20,
            "throttled_usec_per_second": 0,
            "throttled_per_second": 0.0,
            "writers": "free",
            "inherited": 4096,
        })
    );
}

#[test]
fn without_a_terminal() {
    machine().run(["top"]).expect(
        1,
        "memcgctl: top needs a terminal; without one there are --once and --json\n",
    );
}

#[test]
fn recorded_and_replayed() {
    let machine = machine();
    let file = machine.path("saved");
    let record = |args: &[&str]| {
        let mut command = machine.command();
        command.arg("record").arg(&file).args(args);
        machine.end(command.output().unwrap())
    };
    record(&["-n", "3", "-i", "10ms"]).expect(0, "");
    let text = machine.read("saved");
    let frames: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(frames.len(), 3);
    assert_eq!(frames[0]["cgroups"].as_array().unwrap().len(), 4);
    // What has not changed is not in there again.
    assert_eq!(frames[2]["cgroups"], serde_json::json!([]));
    assert_eq!(record(&["-n", "1"]).code, 1);
    // Where there is no terminal it cannot be replayed, but it is read.
    let replay = |machine: &Machine| {
        let mut command = machine.command();
        command.args(["top", "--replay"]).arg(&file);
        machine.end(command.output().unwrap())
    };
    assert_eq!(replay(&machine).code, 1);
}

#[test]
fn a_dumb_terminal() {
    let pty = openpty(None, None).unwrap();
    let machine = machine();
    let mut command = machine.command();
    command.arg("top").env("TERM", "dumb");
    command
        .stdin(pty.slave.try_clone().unwrap())
        .stdout(pty.slave);
    let run = machine.end(command.output().unwrap());
    run.expect(
        1,
        "memcgctl: top needs a terminal on which it can move the cursor, and TERM is dumb; there are --once and --json\n",
    );
}

#[test]
fn an_unreadable_cgroup_hides_no_other() {
    let machine = machine();
    machine.put("cgroup/z/memory.dirty_stat", "dirty many\n");
    let out = machine
        .run(["top", "--once", "-i", "10ms"])
        .expect(4, "memcgctl: cgroups that could not be read: 1\n");
    assert!(out.contains("\n/pod/a ") && out.contains("\n/z  "), "{out}");
}

/// A terminal with `top` on it, when it has drawn its first screen.
struct OnTerminal {
    child: Child,
    terminal: File,
    slave: OwnedFd,
    before: Termios,
    seen: Vec<u8>,
    _machine: Machine,
}

impl OnTerminal {
    fn start() -> Self {
        Self::with(&["--interval", "300ms"])
    }

    fn with(args: &[&str]) -> Self {
        let size = Winsize {
            ws_row: 24,
            ws_col: 100,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(&size, None).unwrap();
        // Otherwise top itself would keep the terminal open.
        for fd in [&pty.master, &pty.slave] {
            fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
        }
        let before = tcgetattr(&pty.slave).unwrap();
        let machine = machine();
        let child = machine
            .command()
            .arg("top")
            .args(args)
            .env("TERM", "xterm")
            .stdin(pty.slave.try_clone().unwrap())
            .stdout(pty.slave.try_clone().unwrap())
            .stderr(Stdio::piped())
            // A job of its own, as a shell would make it.
            .process_group(0)
            .spawn()
            .unwrap();
        let mut top = Self {
            child,
            terminal: File::from(pty.master),
            slave: pty.slave,
            before,
            seen: Vec::new(),
            _machine: machine,
        };
        top.until("/pod/a");
        assert_ne!(tcgetattr(&top.slave).unwrap(), top.before);
        top
    }

    /// Read until this was written, from where it was left the last time.
    fn until(&mut self, text: &str) {
        let mut buffer = [0; 4096];
        loop {
            let seen = String::from_utf8_lossy(&self.seen).into_owned();
            if let Some(place) = seen.find(text) {
                self.seen = seen.as_bytes()[place + text.len()..].to_vec();
                return;
            }
            let length = self.terminal.read(&mut buffer).unwrap();
            self.seen.extend_from_slice(&buffer[..length]);
        }
    }

    fn press(&mut self, keys: &str) {
        self.terminal.write_all(keys.as_bytes()).unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap())
    }

    fn check_restored(&self) {
        assert_eq!(tcgetattr(&self.slave).unwrap(), self.before);
    }

    fn check_ended(mut self) {
        self.until(LEAVE);
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        self.check_restored();
        let mut errors = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut errors)
            .unwrap();
        assert_eq!(errors, "");
    }
}

/// What leaves the alternate screen.
const LEAVE: &str = "\x1b[?1049l";

#[test]
fn keys_end_it() {
    for keys in ["jt/pod\r>r ?xq", "\x03", "\x1b"] {
        let mut top = OnTerminal::start();
        top.press(keys);
        top.check_ended();
    }
}

#[test]
fn a_recording_on_a_terminal() {
    let machine = machine();
    let file = machine.path("saved");
    let mut command = machine.command();
    let status = command
        .arg("record")
        .arg(&file)
        .args(["-n", "2", "-i", "10ms"])
        .status();
    assert!(status.unwrap().success());
    let mut top = OnTerminal::with(&["--replay", file.to_str().unwrap()]);
    top.press("..,q");
    top.check_ended();
}

#[test]
fn home_and_end_move() {
    // As terminals send them, in either way.
    for keys in ["\x1b[Fe", "\x1b[4~e", "Ge"] {
        let mut top = OnTerminal::start();
        top.press(keys);
        top.until("/z");
        top.press("x");
        top.press("q");
        top.check_ended();
    }
}

#[test]
fn signals_end_it() {
    for signal in [
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
        Signal::SIGQUIT,
    ] {
        let top = OnTerminal::start();
        kill(top.pid(), signal).unwrap();
        top.check_ended();
    }
}

#[test]
fn ends_with_its_terminal() {
    let OnTerminal {
        mut child,
        terminal,
        slave,
        ..
    } = OnTerminal::start();
    drop((terminal, slave));
    let begin = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begin.elapsed() > Duration::from_secs(30) {
            child.kill().unwrap();
            panic!("it runs without a terminal");
        }
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn it_stops_and_goes_on_as_a_job() {
    let mut top = OnTerminal::start();
    top.press("\x1a");
    top.until(LEAVE);
    let stopped = waitpid(top.pid(), Some(WaitPidFlag::WUNTRACED)).unwrap();
    assert_eq!(stopped, WaitStatus::Stopped(top.pid(), Signal::SIGTSTP));
    top.check_restored();
    kill(top.pid(), Signal::SIGCONT).unwrap();
    top.until("/pod/a");
    top.press("q");
    top.check_ended();
}
