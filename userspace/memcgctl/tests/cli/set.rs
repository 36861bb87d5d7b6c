// SPDX-License-Identifier: GPL-2.0

//! `memcgctl set`.

use crate::Machine;

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
            "\"4K\": the value is below the minimum",
        ),
        (
            vec!["dirty_min=1M", "dirty_limit_in_bytes=16E"],
            "does not fit a count of pages",
        ),
        (
            vec!["dirty_min=1M", "dirty_ratio=100.5"],
            "memory.dirty_ratio does not take \"100.5\"",
        ),
        (
            vec!["dirty_min=1M", "dirty_ratio=-1"],
            "not a number of the expected form",
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
            "memory.dirty_stat can not be set",
        ),
        (
            vec!["dirty_min=1M", "dirty_writeback=5M"],
            "memory.dirty_writeback can not be set",
        ),
        (
            vec!["dirty_min=1M", "memory.dirty_min=2M"],
            "memory.dirty_min is given twice",
        ),
        (
            vec!["dirty_min=1M", "dirty_limit_in_bytes=1M", "dirty_ratio=5"],
            "memory.dirty_limit_in_bytes and memory.dirty_ratio replace each other",
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
        "memcgctl: set: memory.dirty_ratio=5; but then: DIR/cgroup/a/memory.dirty_stat: not understood: \"limit lots\"\n",
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
