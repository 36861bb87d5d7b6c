// SPDX-License-Identifier: GPL-2.0

//! `memcgctl tree`.

use crate::Machine;
use nix::pty::openpty;
use std::ffi::OsStr;
use std::fs;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;

fn machine() -> Machine {
    let machine = Machine::new();
    machine.limited("pod", 64 << 20);
    machine.cgroup("pod/a");
    machine.cgroup("pod/b");
    machine.cgroup("pod/b/c");
    machine.cgroup("z");
    machine.put("cgroup/z/memory.dirty_min", "8388608\n");
    machine.put(
        "cgroup/pod/memory.recharge_stat",
        "inherited 1048576\nrecharged_in 0\nrecharged_out 0\nrecharge_failed 0\n",
    );
    machine
}

const TABLE: &str = "\
CGROUP   DIRTY  WRITEBACK   LIMIT  BACKGROUND  FLOOR  THROTTLED  WAITING  INHERITED  WHY
/        12KiB         0B       -           -      -          -        -          -  system, vm.dirty_ratio = 20%
|-pod     8KiB       4KiB   64MiB       32MiB     0B     1.234s        -       1MiB  own memory.dirty_limit_in_bytes
| |-a     8KiB       4KiB  200MiB      100MiB     0B     1.234s        -          -  ancestor /pod with 64MiB
| `-b     8KiB       4KiB  200MiB      100MiB     0B     1.234s        -          -  ancestor /pod with 64MiB
|   `-c   8KiB       4KiB  200MiB      100MiB     0B     1.234s        -          -  ancestor /pod with 64MiB
`-z       8KiB       4KiB  200MiB      100MiB   8MiB     1.234s        -          -  system, vm.dirty_ratio = 20%
";

#[test]
fn whole() {
    assert_eq!(machine().run(["tree"]).expect(0, ""), TABLE);
}

#[test]
fn part() {
    // The limit of a cgroup above the part counts all the same.
    assert_eq!(
        machine().run(["tree", "pod/b"]).expect(0, ""),
        "\
CGROUP  DIRTY  WRITEBACK   LIMIT  BACKGROUND  FLOOR  THROTTLED  WAITING  INHERITED  WHY
/pod/b   8KiB       4KiB  200MiB      100MiB     0B     1.234s        -          -  ancestor /pod with 64MiB
`-c      8KiB       4KiB  200MiB      100MiB     0B     1.234s        -          -  ancestor /pod with 64MiB
"
    );
}

#[test]
fn json() {
    let out = machine().run(["tree", "--json"]).expect(0, "");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["version"], 1);
    let cgroups = json["cgroups"].as_array().unwrap();
    let names: Vec<_> = cgroups
        .iter()
        .map(|cgroup| cgroup["cgroup"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["/", "/pod", "/pod/a", "/pod/b", "/pod/b/c", "/z"]);
    assert_eq!(cgroups[0]["set"], serde_json::json!({}));
    assert_eq!(cgroups[1]["set"]["dirty_limit_in_bytes"], 64 << 20);
    assert_eq!(cgroups[1]["inherited"], 1 << 20);
    assert!(cgroups[2].get("inherited").is_none());
    assert_eq!(cgroups[4]["why"]["cgroup"], "/pod");
    assert_eq!(cgroups[5]["set"]["dirty_min"], 8 << 20);
}

#[test]
fn charges() {
    let machine = Machine::new();
    for name in ["pod", "pod/a", "pod/a/x", "pod/b", "z"] {
        machine.cgroup(name);
    }
    machine.put("cgroup/pod/memory.current", "41943040\n");
    machine.put("cgroup/pod/memory.max", "67108864\n");
    machine.put("cgroup/pod/memory.stat", "file 37748736\nshmem 33554432\n");
    for (name, words) in [
        ("pod", "shmem\n"),
        ("pod/a", "file\n"),
        ("pod/a/x", "\n"),
        ("pod/b", "\n"),
    ] {
        machine.put(format!("cgroup/{name}/memory.persistent"), words);
    }
    machine.put(
        "proc/self/mountinfo",
        "2 1 0:40 / /mnt/one rw - tmpfs tmpfs rw,memcg=/pod\n\
         3 1 0:41 / /mnt/two rw - tmpfs tmpfs rw,memcg=/z/gone\n",
    );
    assert_eq!(
        machine.run(["tree", "--charges"]).expect(0, ""),
        "\
CGROUP   MEMORY    MAX  FILE  SHMEM  INHERITED  PAYMENTS
/             -      -     -      -          -
|-pod     40MiB  64MiB  4MiB  32MiB          -  pays for shmem below, pays for mount /mnt/one (tmpfs)
| |-a         -    max     -      -          -  pays for file below, shmem paid by /pod
| | `-x       -    max     -      -          -  file paid by /pod/a, shmem paid by /pod
| `-b         -    max     -      -          -  shmem paid by /pod
`-z           -    max     -      -          -  pays for mount /mnt/two (tmpfs), in place of /z/gone, which was removed
"
    );
    let out = machine.run(["tree", "--json", "pod"]).expect(0, "");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    let pod = &json["cgroups"][0];
    assert_eq!(
        (&pod["memory"], &pod["memory_max"]),
        (&(40 << 20).into(), &(64 << 20).into())
    );
    assert_eq!(
        (&pod["file"], &pod["shmem"]),
        (&(4 << 20).into(), &(32 << 20).into())
    );
    assert_eq!(pod["mounts"][0]["point"], "/mnt/one");
    assert_eq!(pod["set"]["persistent"], serde_json::json!(["shmem"]));
    let x = &json["cgroups"][2];
    assert_eq!(
        x["paid_by"],
        serde_json::json!({ "file": { "cgroup": "/pod/a" }, "shmem": { "cgroup": "/pod" } })
    );
    assert_eq!(x["memory_max"], serde_json::Value::Null);
    assert!(x.get("memory").is_none() && x.get("mounts").is_none());
}

/// What the tree looks like on a terminal.
fn on_terminal(machine: &Machine, locale: &str) -> String {
    let pty = openpty(None, None).unwrap();
    let mut command = machine.command();
    command
        .arg("tree")
        .env_remove("LC_ALL")
        .env_remove("LC_CTYPE")
        .env("LANG", locale);
    let mut child = command.stdout(pty.slave).spawn().unwrap();
    // The command holds the other end of the terminal: it has to go, or the reading would not end.
    drop(command);
    let mut bytes = Vec::new();
    // When nobody has the terminal open any more, the reader sees an error and not an end.
    let _ = File::from(pty.master).read_to_end(&mut bytes);
    assert!(child.wait().unwrap().success());
    String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
}

#[test]
fn glyphs_only_where_they_can_be_shown() {
    let machine = machine();
    assert_eq!(on_terminal(&machine, "C"), TABLE);
    let rich = on_terminal(&machine, "de_DE.UTF-8");
    let labels: Vec<_> = rich
        .lines()
        .map(|line| line.split("  ").next().unwrap())
        .collect();
    assert_eq!(
        labels[1..],
        ["/", "├─pod", "│ ├─a", "│ └─b", "│   └─c", "└─z"].map(|label| {
            // Two spaces are a gap of columns as well.
            label.split("  ").next().unwrap()
        })
    );
}

#[test]
fn a_stock_kernel() {
    let machine = Machine::stock();
    machine.put(
        "cgroup/a/memory.stat",
        "file_dirty 8192\nfile_writeback 0\n",
    );
    machine.put("cgroup/b/memory.stat", "file_dirty 0\nfile_writeback 0\n");
    machine.put(
        "proc/vmstat",
        "nr_free_pages 999999\nnr_dirty_threshold 200000\nnr_dirty_background_threshold 100000\n",
    );
    machine.put("proc/sys/vm/dirty_background_ratio", "10\n");
    machine.put("cgroup/a/memory.max", "1048576000\n");
    machine.put("cgroup/a/memory.current", "524288000\n");
    machine.put("cgroup/a/c/memory.stat", "file_dirty 0\nfile_writeback 0\n");
    // Said once, not for every cgroup.
    let note = "memcgctl: DIR/cgroup/a/memory.dirty_stat: no such file: the module memcg_knobs is not loaded\n";
    let out = machine.run(["tree"]).expect(0, note);
    assert!(
        out.contains(
            "\n|-a      8KiB         0B   99.9MiB     49.9MiB      -          -        -          -  system"
        ),
        "{out}"
    );
}

#[test]
fn chosen_and_sorted() {
    let machine = machine();
    machine.put(
        "cgroup/pod/b/memory.dirty_stat",
        "dirty 999424\nwriteback 0\n",
    );
    let labels = |args: &[&str]| {
        let out = machine.run(["tree"].iter().chain(args)).expect(0, "");
        let lines = out.lines().skip(1);
        lines
            .map(|line| {
                line.split_whitespace()
                    .find(|word| word.len() > 1 || *word == "/")
                    .unwrap()
                    .to_owned()
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(labels(&["--depth", "1"]), ["/", "|-pod", "`-z"]);
    assert_eq!(
        labels(&["--sort", "dirty"]),
        ["/", "|-pod", "|-b", "`-c", "`-a", "`-z"]
    );
    assert_eq!(labels(&["--filter", "POD/B"]), ["/", "`-pod", "`-b", "`-c"]);
    assert_eq!(labels(&["--filter", "nothing"]), [""; 0]);
}

#[test]
fn odd_names_stay_on_their_line() {
    let machine = Machine::new();
    machine.cgroup("two\nlines");
    machine.cgroup("\x1b[31mred");
    machine.cgroup(OsStr::from_bytes(b"raw\xff"));
    let out = machine.run(["tree"]).expect(0, "");
    assert_eq!(out.lines().count(), 5, "{out}");
    for label in ["two\\nlines ", "\\u{1b}[31mred ", "raw\\xff "] {
        assert!(out.contains(label), "{out}");
    }
}

#[test]
fn one_unreadable_cgroup_hides_no_other() {
    let machine = machine();
    machine.put("cgroup/pod/a/memory.dirty_stat", "dirty -1\n");
    let run = machine.run(["tree"]);
    let out = run.expect(
        4,
        "memcgctl: DIR/cgroup/pod/a/memory.dirty_stat: not understood: \"dirty -1\"\n",
    );
    assert!(!out.contains("-a ") && out.contains("`-c "), "{out}");
}

#[test]
fn cgroups_that_come_and_go() {
    let machine = machine();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                // As with a real cgroup, its files go at one time with it.
                fs::rename(machine.path("cgroup/z"), machine.path("away")).unwrap();
                fs::rename(machine.path("away"), machine.path("cgroup/z")).unwrap();
            }
        });
        for _ in 0..50 {
            let run = machine.run(["tree"]);
            if run.code != 0 || !run.err.is_empty() {
                stop.store(true, Ordering::Relaxed);
            }
            run.expect(0, "");
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn very_deep() {
    let machine = Machine::new();
    let mut name = String::from("cgroup");
    while name.len() < 3000 {
        name += "/d";
    }
    fs::create_dir_all(machine.path(&name)).unwrap();
    let out = machine.run(["tree"]).expect(0, "");
    assert_eq!(out.lines().count(), 2 + (name.len() - "cgroup".len()) / 2);
}
