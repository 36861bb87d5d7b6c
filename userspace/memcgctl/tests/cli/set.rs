// SPDX-License-Identifier: GPL-2.0

//! `memcgctl set`.

use crate::Machine;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::process::Stdio;

const LIMIT: &str = "cgroup/a/memory.dirty_limit_in_bytes";
const RATIO: &str = "cgroup/a/memory.dirty_ratio";
const FLOOR: &str = "cgroup/a/memory.dirty_min";

/// A file that reads as a number and answers EINVAL to 1M.
const REFUSING: &str = "/proc/self/oom_score_adj";

fn machine() -> Machine {
    let machine = Machine::new();
    machine.cgroup("a");
    machine
}

#[test]
fn several() {
    let machine = machine();
    // What is written is read back as the kernel would give it.
    let out = machine
        .run([
            "set",
            "a",
            "memory.dirty_limit_in_bytes=64M",
            "dirty_min=1048576",
        ])
        .expect(0, "");
    assert_eq!(machine.read(LIMIT), "64M\n");
    assert_eq!(machine.read(FLOOR), "1048576\n");
    assert_eq!(
        out,
        "\
memory.dirty_limit_in_bytes: 64MiB
memory.dirty_min: 1MiB
limit in force: 200MiB (own memory.dirty_limit_in_bytes)
background limit in force: 100MiB (half of the limit)
undo: memcgctl set /a dirty_limit_in_bytes=max dirty_min=0
"
    );
}

#[test]
fn json() {
    let out = machine()
        .run(["set", "a", "dirty_ratio=0.01", "--json"])
        .expect(0, "");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["set"]["dirty_ratio"], 0.01);
    assert_eq!(json["set"]["dirty_limit_in_bytes"], serde_json::Value::Null);
}

#[test]
fn own() {
    let machine = machine();
    machine.put("proc/self/cgroup", "0::/a\n");
    machine
        .run(["set", "--self", "dirty_ratio=5", "dirty_min=max"])
        .expect(0, "");
    assert_eq!(
        (machine.read(RATIO), machine.read(FLOOR)),
        ("5\n".to_owned(), "max\n".to_owned())
    );
}

#[test]
fn nothing_is_written_unless_all_is_good() {
    let machine = machine();
    let table = [
        (
            vec!["dirty_min=1M", "dirty_limit_in_bytes=4K"],
            "\"4K\": it is below the minimum of 8KiB, two pages",
        ),
        (
            vec!["dirty_min=1M", "dirty_limit_in_bytes=16E"],
            "it is more pages than the kernel can count",
        ),
        (
            vec!["dirty_min=1M", "dirty_ratio=100.5"],
            "memory.dirty_ratio does not take \"100.5\"",
        ),
        (
            vec!["dirty_min=1M", "dirty_ratio=-1"],
            "it is not a percentage with two decimals at most, nor \"max\"",
        ),
        (vec!["dirty_min=1M", "dirty_ratio="], "the value is empty"),
        (
            vec!["dirty_min=1M", "dirty_ratio"],
            "not of the form KNOB=VALUE",
        ),
        (
            vec!["dirty_min=1M", "dirty_raito=5"],
            "no knob has the name \"dirty_raito\"; there are dirty_limit",
        ),
        (
            vec!["dirty_min=1M", "dirty_stat=5"],
            "memory.dirty_stat cannot be set",
        ),
        (
            vec!["dirty_min=1M", "dirty_writeback=5M"],
            "memory.dirty_writeback cannot be set",
        ),
        (
            vec!["dirty_min=1M", "memory.dirty_min=2M"],
            "memory.dirty_min is given twice",
        ),
        (
            vec!["dirty_min=1M", "dirty_limit_in_bytes=1M", "dirty_ratio=5"],
            "memory.dirty_limit_in_bytes and memory.dirty_ratio replace each other",
        ),
        (
            vec!["dirty_min=1M", "dirty_limit_in_bytes=0"],
            "\"0\": it is below the minimum of 8KiB, two pages",
        ),
        (
            vec!["dirty_min=1M", "persistent=bogus"],
            "\"bogus\": it is not \"file\", \"shmem\" or \"file shmem\"",
        ),
        (
            vec!["dirty_min=1M", "dirty_pace_usec=1"],
            "\"1\": it is below the minimum of 1ms",
        ),
        (vec![], "<KNOB=VALUE> is missing"),
    ];
    for (assignments, message) in table {
        let run = machine.run(["set", "a"].into_iter().chain(assignments));
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{}", run.err);
        assert!(run.err.contains(message), "{}", run.err);
        assert_eq!(machine.read(FLOOR), "0\n");
    }
}

#[test]
fn max_may_stand_beside_what_replaces_it() {
    machine()
        .run(["set", "a", "dirty_ratio=max", "dirty_limit_in_bytes=64M"])
        .expect(0, "");
}

#[test]
fn the_kernel_refuses() {
    let machine = machine();
    machine.link(FLOOR, REFUSING);
    machine.run(["set", "a", "dirty_min=1M"]).expect(
        1,
        "memcgctl: cannot write \"1M\" to DIR/cgroup/a/memory.dirty_min: Invalid argument (EINVAL)\n",
    );
}

#[test]
fn partly() {
    let machine = machine();
    machine.link(FLOOR, REFUSING);
    let run = machine.run([
        "set",
        "a",
        "dirty_ratio=5",
        "dirty_min=1M",
        "dirty_background_ratio=2",
    ]);
    assert_eq!(run.code, 4);
    assert_eq!(machine.read(RATIO), "5\n");
    assert_eq!(
        machine.read("cgroup/a/memory.dirty_background_ratio"),
        "max\n"
    );
    let mut lines = run.err.lines();
    assert_eq!(
        lines.next(),
        Some("memcgctl: cannot write \"1M\" to DIR/cgroup/a/memory.dirty_min: Invalid argument (EINVAL)")
    );
    assert_eq!(
        lines.next(),
        Some("memcgctl: set: memory.dirty_ratio=5; not set: memory.dirty_min=1M memory.dirty_background_ratio=2")
    );
}

#[test]
fn what_can_not_be_read_back_is_said() {
    let machine = machine();
    machine.put("cgroup/a/memory.dirty_stat", "limit lots\n");
    machine.run(["set", "a", "dirty_ratio=5"]).expect(
        4,
        "memcgctl: set: memory.dirty_ratio=5; then failed: DIR/cgroup/a/memory.dirty_stat: not understood: \"limit lots\"\n",
    );
}

#[test]
fn absent() {
    let machine = Machine::stock();
    machine.put("cgroup/a/memory.max", "max\n");
    let message = |path: &str, reason: &str| {
        format!("memcgctl: DIR/cgroup{path}/memory.dirty_min: no such file: {reason}\n")
    };
    let set = ["set", "a", "dirty_min=1M"];
    machine
        .run(set)
        .expect(3, &message("/a", "the module memcg_knobs is not loaded"));
    machine.put("sys/module/memcg_knobs/refcnt", "0\n");
    machine.run(set).expect(
        3,
        &message("/a", "the loaded module memcg_knobs does not offer it"),
    );
    let root = message(
        "",
        "the root cgroup has none; vm.dirty_* hold for the whole system",
    );
    machine.run(["set", "/", "dirty_min=1M"]).expect(1, &root);
    machine.run(["set", "b", "dirty_min=1M"]).expect(
        1,
        "memcgctl: b: no such cgroup under DIR/cgroup: No such file or directory (ENOENT)\n",
    );
}

#[test]
fn what_is_shown_is_taken() {
    let machine = machine();
    machine.put("cgroup/a/memory.dirty_pace_usec", "default\n");
    let out = machine
        .run([
            "set",
            "a",
            "dirty_limit_in_bytes=64MiB",
            "dirty_pace_usec=25ms",
        ])
        .expect(0, "");
    assert_eq!(machine.read(LIMIT), "67108864\n");
    assert_eq!(machine.read("cgroup/a/memory.dirty_pace_usec"), "25000\n");
    assert!(out.contains("memory.dirty_pace_usec: 25ms\n"), "{out}");
}

#[test]
fn the_background_limit_in_force_is_said() {
    let machine = machine();
    machine.limited("a", 16 << 20);
    let stat = "dirty 0\nwriteback 0\nlimit 16777216\nbackground_limit 8388608\n";
    machine.put("cgroup/a/memory.dirty_stat", stat);
    let out = machine
        .run([
            "set",
            "a",
            "dirty_limit_in_bytes=16M",
            "dirty_background_limit_in_bytes=20M",
        ])
        .expect(0, "");
    assert!(
        out.contains("memory.dirty_background_limit_in_bytes: 20MiB\n")
            && out.contains("\nbackground limit in force: 8MiB (half of the limit)\n"),
        "{out}"
    );
}

#[test]
fn several_cgroups() {
    let machine = machine();
    for name in ["system.slice/db.service", "system.slice/web.service", "b"] {
        machine.cgroup(name);
    }
    machine.put("cgroup/system.slice/memory.dirty_min", "0\n");
    let out = machine
        .run(["set", "*.service", "b", "dirty_min=1M"])
        .expect(0, "");
    assert_eq!(
        out.lines()
            .filter(|line| line.starts_with('/'))
            .collect::<Vec<_>>(),
        [
            "/system.slice/db.service:",
            "/system.slice/web.service:",
            "/b:"
        ]
    );
    for name in ["system.slice/db.service", "system.slice/web.service", "b"] {
        assert_eq!(
            machine.read(format!("cgroup/{name}/memory.dirty_min")),
            "1M\n"
        );
    }
    assert_eq!(machine.read(FLOOR), "0\n");
    machine.run(["set", "*.scope", "dirty_min=1M"]).expect(
        1,
        "memcgctl: *.scope: no such cgroup under DIR/cgroup: No such file or directory (ENOENT)\n",
    );
    // One that fails keeps no other from being set.
    machine.link(FLOOR, REFUSING);
    machine.run(["set", "a", "b", "dirty_min=1M"]).expect(
        4,
        "memcgctl: /a: cannot write \"1M\" to DIR/cgroup/a/memory.dirty_min: Invalid argument (EINVAL)\n",
    );
}

#[test]
fn by_what_runs_there() {
    let machine = machine();
    let id = "3f2a1b".to_owned() + &"0".repeat(58);
    let uid = "0b61b0a9-7c3e-4d0f-9d7c-1a2b3c4d5e6f";
    let pod = format!("kubepods.slice/kubepods-pod{}.slice", uid.replace('-', "_"));
    let container = format!("{pod}/cri-containerd-{id}.scope");
    machine.cgroup("kubepods.slice");
    machine.cgroup(&pod);
    machine.cgroup(&container);
    machine.put("proc/77/cgroup", format!("0::/{container}\n"));
    let table = [
        ("pid:77".to_owned(), &container),
        ("container:3f2a1b".to_owned(), &container),
        (format!("container:containerd://{id}"), &container),
        (format!("pod:{uid}"), &pod),
    ];
    for (name, path) in table {
        let out = machine.run(["show", &name]).expect(0, "");
        assert!(out.contains(&format!("  /{path}\n")), "{name} {out}");
    }
    for name in [
        "pid:78",
        "container:3f2a1c",
        "container:3f",
        "pod:x",
        "what:ever",
    ] {
        assert_eq!(machine.run(["show", name]).code, 1, "{name}");
    }
}

#[test]
fn switches() {
    let machine = machine();
    let adopt = "sys/kernel/mm/memcg_knobs/recharge_adopt";
    machine.run(["set", "--system", "recharge_adopt=1"]).expect(
        3,
        "memcgctl: DIR/sys/kernel/mm/memcg_knobs/recharge_adopt: no such file: the loaded module memcg_knobs does not \
         offer it\n",
    );
    machine.put(adopt, "0\n");
    machine.put("sys/kernel/mm/memcg_knobs/writeback_pace_usec", "25000\n");
    let out = machine
        .run([
            "set",
            "--system",
            "recharge_adopt=1",
            "writeback_pace_usec=50ms",
        ])
        .expect(0, "");
    assert_eq!(
        out,
        "recharge_adopt: 1\nwriteback_pace_usec: 50000\n\
         undo: memcgctl set --system recharge_adopt=0 writeback_pace_usec=25000\n"
    );
    assert_eq!(machine.read(adopt), "1\n");
    let out = machine.run(["show", "--system"]).expect(0, "");
    assert_eq!(out, "recharge_adopt       1\nwriteback_pace_usec  50000\n");
    let out = machine.run(["show", "--system", "--json"]).expect(0, "");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["switches"]["recharge_adopt"], true);
    let run = machine.run(["set", "--system", "recharge_adopt=yes"]);
    assert_eq!(run.code, 2);
    assert!(
        run.err
            .contains("recharge_adopt does not take \"yes\": it is neither 0 nor 1"),
        "{}",
        run.err
    );
}

#[test]
fn persistent() {
    let machine = machine();
    let file = machine.path("etc.toml");
    let persist = format!("--persist={}", file.display());
    machine.put(
        "etc.toml",
        "# Mine.\n[cgroup.a] # the first\ndirty_ratio = 5\n",
    );
    machine
        .run(["set", "a", "dirty_limit_in_bytes=64M", &persist])
        .expect(0, "");
    assert_eq!(
        machine.read("etc.toml"),
        "# Mine.\n[cgroup.a] # the first\ndirty_ratio = \"max\"\ndirty_limit_in_bytes = 67108864\n"
    );
    // It is what a boot brings back.
    machine.put(LIMIT, "max\n");
    machine
        .run(["apply".as_ref(), file.as_os_str()])
        .expect(0, "");
    assert_eq!(machine.read(LIMIT), "67108864\n");
    // A cgroup that is new there may be absent at a boot.
    machine.cgroup("b");
    machine
        .run(["set", "b", "dirty_min=1MiB", &persist])
        .expect(0, "");
    let text = machine.read("etc.toml");
    assert!(
        text.ends_with("\n\n[cgroup.\"/b\"]\noptional = true\ndirty_min = 1048576\n"),
        "{text}"
    );
    // What the kernel refuses is not kept for the next boot.
    machine.link("cgroup/b/memory.dirty_min", REFUSING);
    let run = machine.run(["set", "a", "b", "dirty_min=1M", &persist]);
    assert_eq!(run.code, 4);
    assert!(
        run.err.ends_with("memcgctl: DIR/etc.toml: unchanged\n"),
        "{}",
        run.err
    );
    assert_eq!(machine.read("etc.toml"), text);
    machine.put(FLOOR, "0\n");
    // Into what a boot would refuse nothing is put, nor is anything set.
    machine.put("etc.toml", "[cgroup.a]\ndirty_raito = 5\n");
    let run = machine.run(["set", "a", "dirty_min=1M", &persist]);
    assert_eq!(run.code, 1);
    assert!(
        run.err
            .starts_with("memcgctl: DIR/etc.toml:2: no knob has the name"),
        "{}",
        run.err
    );
    assert_eq!(machine.read(FLOOR), "0\n");
}

/// What is read back is of the cgroup that was written to, and not of another in its place.
#[test]
fn a_successor_of_the_same_name() {
    let machine = machine();
    let trigger = "cgroup/a/memory.dirty_writeback";
    fs::remove_file(machine.path(trigger)).unwrap();
    mkfifo(&machine.path(trigger), Mode::S_IRWXU).unwrap();
    let mut command = machine.command();
    command.args(["flush", "a"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It waits for a reader of what it writes, and says so. Meanwhile the cgroup is replaced.
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    fs::rename(machine.path("cgroup/a"), machine.path("old")).unwrap();
    machine.put("old/memory.dirty_stat", "dirty 4096\nwriteback 0\n");
    machine.cgroup("a");
    machine.put("cgroup/a/memory.dirty_stat", "dirty 999424\nwriteback 0\n");
    assert_eq!(machine.read("old/memory.dirty_writeback"), "max\n");
    let out = machine.end(child.wait_with_output().unwrap()).out;
    assert!(out.contains("-> 4KiB, writeback "), "{out}");
}
