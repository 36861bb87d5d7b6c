// SPDX-License-Identifier: GPL-2.0

//! `memcgctl show`.

use crate::Machine;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

#[test]
fn words() {
    let machine = Machine::new();
    machine.limited("web.service", 64 << 20);
    machine.put("cgroup/web.service/memory.dirty_min", "1052672\n");
    machine.put(
        "cgroup/web.service/memory.recharge_stat",
        "inherited 4096\n",
    );
    machine.put("cgroup/web.service/memory.persistent", "file shmem\n");
    let out = machine.run(["show", "web.service"]).expect(0, "");
    assert_eq!(
        out,
        "\
cgroup                                  /web.service
dirty                                   8KiB
writeback                               4KiB
limit in force                          64MiB (own memory.dirty_limit_in_bytes)
background limit in force               32MiB (half of the limit)
inherited                               4KiB
throttled                               1.234s, 34 times
writeback started                       5 times
file paid by                            itself
shmem paid by                           itself
memory.dirty_limit_in_bytes             64MiB
memory.dirty_background_limit_in_bytes  max
memory.dirty_ratio                      max
memory.dirty_background_ratio           max
memory.dirty_min                        1.0MiB
memory.persistent                       file shmem
"
    );
}

#[test]
fn json() {
    let machine = Machine::new();
    machine.cgroup("a");
    machine.put("cgroup/a/memory.dirty_ratio", "12.50\n");
    machine.in_force("a", 1 << 30);
    let out = machine.run(["show", "--json", "/a"]).expect(0, "");
    assert_eq!(
        out,
        r#"{
  "version": 1,
  "cgroup": "/a",
  "set": {
    "dirty_limit_in_bytes": null,
    "dirty_background_limit_in_bytes": null,
    "dirty_ratio": 12.5,
    "dirty_background_ratio": null,
    "dirty_min": 0
  },
  "in_force": {
    "limit": 1073741824,
    "background_limit": 536870912
  },
  "why": {
    "from": "own",
    "knob": "memory.dirty_ratio",
    "capped": false
  },
  "dirty": 8192,
  "writeback": 4096,
  "throttled_usec": 1234567,
  "throttled_count": 34,
  "writeback_started": 5,
  "memory_max": null
}
"#
    );
}

#[test]
fn who_pays() {
    let machine = Machine::new();
    machine.cgroup("pod");
    machine.cgroup("pod/a");
    machine.put("cgroup/pod/memory.persistent", "shmem\n");
    machine.put("cgroup/pod/a/memory.persistent", "\n");
    machine.put("cgroup/pod/a/memory.current", "12582912\n");
    machine.put("cgroup/pod/a/memory.stat", "file 8388608\nshmem 4194304\n");
    machine.put(
        "proc/self/mountinfo",
        "2 1 0:40 / /mnt/a\\040b rw - tmpfs tmpfs rw,memcg=/pod/a\n\
         3 1 0:41 / /mnt/c rw - tmpfs tmpfs rw,memcg=/pod/a/gone\n\
         4 1 0:42 / /mnt/d rw - tmpfs tmpfs rw,memcg=/pod\n",
    );
    let out = machine.run(["show", "pod/a"]).expect(0, "");
    let lines: Vec<_> = out
        .lines()
        .filter(|line| {
            ["charged", "file", "shmem", "pays", "memory.p"]
                .iter()
                .any(|head| line.starts_with(head))
        })
        .collect();
    assert_eq!(
        lines,
        [
            "charged                                 12MiB of max; page cache 4MiB, shared memory 4MiB",
            "file paid by                            itself",
            "shmem paid by                           /pod (its memory.persistent)",
            "pays for mount                          /mnt/a b (tmpfs)",
            "pays for mount                          /mnt/c (tmpfs), in place of /pod/a/gone, which was removed",
            "memory.persistent                       none",
        ]
    );
    let out = machine.run(["show", "--json", "pod"]).expect(0, "");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["set"]["persistent"], serde_json::json!(["shmem"]));
    assert_eq!(
        json["paid_by"]["shmem"],
        serde_json::json!({ "cgroup": "/pod" })
    );
    assert_eq!(json["mounts"].as_array().unwrap().len(), 1);
    assert_eq!(json["mounts"][0]["point"], "/mnt/d");
}

#[test]
fn why() {
    let machine = Machine::new();
    machine.limited("a", 32 << 20);
    machine.limited("a/b", 64 << 20);
    machine.cgroup("c");
    machine.limited("d", 64 << 20);
    machine.in_force("d", 48 << 20);
    let table = [
        ("a/b", "64MiB (ancestor /a with 32MiB)"),
        ("c", "200MiB (system, vm.dirty_ratio = 20%)"),
        (
            "d",
            "48MiB (own memory.dirty_limit_in_bytes, but no more than can be dirty)",
        ),
    ];
    for (cgroup, why) in table {
        let out = machine.run(["show", cgroup]).expect(0, "");
        assert!(
            out.contains(&format!("limit in force                          {why}\n")),
            "{out}"
        );
    }
    // Of the background limit too, with what is set above and in force.
    machine.put("proc/sys/vm/dirty_background_ratio", "10\n");
    let table = [
        ("a/b", "32MiB (half of the limit of ancestor /a)"),
        ("c", "100MiB (system, vm.dirty_background_ratio = 10%)"),
    ];
    for (cgroup, why) in table {
        let out = machine.run(["show", cgroup]).expect(0, "");
        assert!(
            out.contains(&format!("background limit in force               {why}\n")),
            "{out}"
        );
    }
    machine.put("proc/sys/vm/dirty_bytes", "33554432\n");
    let out = machine.run(["show", "c"]).expect(0, "");
    assert!(out.contains("(system, vm.dirty_bytes = 32MiB)"), "{out}");
    let out = machine.run(["show", "--json", "a/b"]).expect(0, "");
    let why = r#""why": {
    "from": "ancestor",
    "cgroup": "/a",
    "limit": 33554432
  }"#;
    assert!(out.contains(why), "{out}");
}

#[test]
fn a_stock_kernel() {
    let machine = Machine::stock();
    machine.put(
        "cgroup/a/memory.stat",
        "file_dirty 8192\nfile_writeback 0\n",
    );
    let note = "memcgctl: DIR/cgroup/a/memory.dirty_stat: no such file: the module memcg_knobs is not loaded\n";
    let out = machine.run(["show", "a"]).expect(0, note);
    assert_eq!(
        out,
        "\
cgroup          /a
dirty           8KiB
writeback       0B
limit in force  - (system, vm.dirty_ratio = 20%)
"
    );
    let out = machine.run(["show", "a", "--json"]).expect(0, note);
    assert_eq!(
        out,
        r#"{
  "version": 1,
  "cgroup": "/a",
  "set": {},
  "why": {
    "from": "system",
    "knob": "vm.dirty_ratio",
    "value": 20
  },
  "dirty": 8192,
  "writeback": 0
}
"#
    );
}

/// There the limit is derived, by the one derivation that explains it as well.
#[test]
fn derived_on_a_stock_kernel() {
    let machine = Machine::stock();
    machine.put("proc/vmstat", "nr_free_pages 999999\n");
    machine.put(
        "cgroup/a/memory.stat",
        "file_dirty 8192\nfile_writeback 0\n",
    );
    machine.put("cgroup/a/memory.high", "1048576000\n");
    machine.put("cgroup/a/memory.current", "524288000\n");
    let note = "memcgctl: DIR/cgroup/a/memory.dirty_stat: no such file: the module memcg_knobs is not loaded\n";
    let out = machine.run(["show", "a"]).expect(0, note);
    let limit =
        "99.9MiB (system, vm.dirty_ratio = 20%; derived, as this kernel does not report it)\n";
    assert!(out.contains(limit), "{out}");
    let json = |args: &[&str]| {
        let run = machine.run(args);
        serde_json::from_str::<serde_json::Value>(&run.out).unwrap()
    };
    let shown = json(&["show", "a", "--json"]);
    assert_eq!(shown["in_force"]["derived"], true);
    let limit = shown["in_force"]["limit"].clone();
    assert!(limit.is_u64());
    assert_eq!(
        json(&["explain", "a", "--json", "--sample", "1ms"])["limit"],
        limit
    );
    assert_eq!(
        json(&["tree", "a", "--json"])["cgroups"][0]["in_force"]["limit"],
        limit
    );
    assert_eq!(
        json(&["top", "a", "--json", "-i", "1ms"])["cgroups"][0]["limit"],
        limit
    );
    assert_eq!(json(&["watch", "a", "--json", "-n", "1"])["limit"], limit);
    let metrics = machine.run(["metrics"]).out;
    assert!(
        metrics.contains(&format!(
            "memcg_dirty_limit_bytes{{cgroup=\"/a\"}} {limit}\n"
        )),
        "{metrics}"
    );
    assert!(
        metrics.contains("memcg_dirty_limit_derived{cgroup=\"/a\"} 1\n"),
        "{metrics}"
    );
}

/// One line says what is missing, and nothing is shown that looks like figures.
#[test]
fn a_host_of_cgroup_v1() {
    let machine = Machine::stock();
    machine.put("cgroup/cgroup.controllers", "\n");
    machine.put("cgroup/cgroup.subtree_control", "\n");
    let mounts = machine.read("proc/self/mountinfo");
    machine.put(
        "proc/self/mountinfo",
        mounts + "9 1 0:9 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
    );
    for command in ["show", "tree", "top", "metrics", "explain", "watch"] {
        let once = ["--once"].iter().filter(|_| command == "top");
        machine.run([command].iter().chain(once)).expect(
            3,
            "memcgctl: the memory controller is in use by cgroup v1 (/sys/fs/cgroup/memory), and limits need cgroup2: boot \
             with cgroup_no_v1=all (systemd: systemd.unified_cgroup_hierarchy=1)\n",
        );
    }
    // A file that names no cgroup can be applied all the same.
    machine.put("empty.toml", "# nothing\n");
    let empty = machine.path("empty.toml");
    machine
        .run(["apply".as_ref(), empty.as_os_str()])
        .expect(0, "");
    let out = machine.run(["check"]).expect(3, "");
    assert!(
        out.contains("memory     controller in use by cgroup v1; remedy: boot with"),
        "{out}"
    );
}

#[test]
fn waits_and_pace() {
    let machine = Machine::new();
    machine.cgroup("a");
    let stat = machine.read("cgroup/a/memory.dirty_stat");
    machine.put("cgroup/a/memory.dirty_pace_usec", "50000\n");
    machine.put(
        "cgroup/a/memory.dirty_stat",
        stat + "throttled_now 3\npace_usec 50000\npaced_usec 12000\n",
    );
    let out = machine.run(["show", "a"]).expect(0, "");
    for line in [
        "writers waiting now                     3\n",
        "pace in force                           50ms\n",
        "writeback held back                     0.012s\n",
        "memory.dirty_pace_usec                  50ms\n",
    ] {
        assert!(out.contains(line), "{line}{out}");
    }
    let out = machine.run(["show", "a", "--json"]).expect(0, "");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["in_force"]["pace_usec"], 50_000);
    assert_eq!(json["set"]["dirty_pace_usec"], 50_000);
    assert_eq!(
        (&json["throttled_now"], &json["paced_usec"]),
        (&3.into(), &12_000.into())
    );
}

#[test]
fn without_the_memory_controller() {
    let machine = Machine::new();
    machine.put("cgroup/a/cgroup.procs", "");
    let note = "memcgctl: DIR/cgroup/a/memory.dirty_stat: no such file: the memory controller is not enabled here \
                (write +memory to cgroup.subtree_control of the parent)\n";
    machine.run(["show", "a"]).expect(0, note);
}

#[test]
fn own() {
    let machine = Machine::new();
    machine.cgroup("a/b");
    machine.put("proc/self/cgroup", "0::/a/b\n");
    for args in [&["show"][..], &["show", "--self"]] {
        let out = machine.run(args).expect(0, "");
        assert!(out.contains("  /a/b\n"), "{out}");
    }
    machine.put("proc/self/cgroup", "0::/gone (deleted)\n");
    machine.run(["show"]).expect(
        1,
        "memcgctl: /gone (deleted): no such cgroup under DIR/cgroup: No such file or directory (ENOENT)\n",
    );
}

#[test]
fn the_root() {
    let out = Machine::new().run(["show", "/"]).expect(0, "");
    assert!(out.contains("12KiB"), "{out}");
}

#[test]
fn found_by_the_table_of_mounts() {
    let machine = Machine::new();
    machine.cgroup("a");
    let output = machine
        .finding_command()
        .args(["show", "a"])
        .output()
        .unwrap();
    machine.end(output).expect(0, "");
    machine.put("proc/self/mountinfo", "");
    let output = machine
        .finding_command()
        .args(["show", "a"])
        .output()
        .unwrap();
    machine.end(output).expect(
        1,
        "memcgctl: no cgroup2 file system is mounted (DIR/proc/self/mountinfo)\n",
    );
}

#[test]
fn from_the_current_directory() {
    let machine = Machine::new();
    machine.cgroup("a");
    machine.cgroup("a/b");
    // The current directory has no links in its path, so the mount must not have any either.
    let cgroups = fs::canonicalize(machine.path("cgroup")).unwrap();
    let show = |wanted: &str| {
        let mut command = machine.finding_command();
        command
            .arg("--cgroup-root")
            .arg(&cgroups)
            .args(["show", wanted]);
        machine.end(command.current_dir(cgroups.join("a")).output().unwrap())
    };
    for (wanted, path) in [
        (".", "/a"),
        ("./b", "/a/b"),
        ("..", "/"),
        ("../a/b", "/a/b"),
    ] {
        let out = show(wanted).expect(0, "");
        assert!(out.contains(&format!("  {path}\n")), "{out}");
    }
    show("../..").expect(
        1,
        "memcgctl: ../..: not below the cgroup2 mount DIR/cgroup\n",
    );
}

#[test]
fn odd_names() {
    let machine = Machine::new();
    let raw = OsStr::from_bytes(b"raw\xff");
    machine.cgroup("two\nlines and spaces");
    machine.cgroup(raw);
    let out = machine.run(["show", "two\nlines and spaces"]).expect(0, "");
    assert!(out.contains("  /two\\nlines and spaces\n"), "{out}");
    let out = machine
        .run(["show", "--json", "two\nlines and spaces"])
        .expect(0, "");
    assert!(
        out.contains(r#""cgroup": "/two\nlines and spaces""#),
        "{out}"
    );
    assert!(!out.contains("cgroup_bytes"), "{out}");

    let out = machine.run([OsStr::new("show"), raw]).expect(0, "");
    assert!(out.contains("  /raw\\xff\n"), "{out}");
    let out = machine
        .run([OsStr::new("show"), OsStr::new("--json"), raw])
        .expect(0, "");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["cgroup"], "/raw\u{fffd}");
    assert_eq!(
        json["cgroup_bytes"],
        serde_json::json!([b'/', b'r', b'a', b'w', 0xff])
    );
}

#[test]
fn nonsense_in_a_file() {
    let machine = Machine::new();
    machine.cgroup("a");
    machine.put("cgroup/a/memory.dirty_stat", "dirty many\n");
    machine.run(["show", "a"]).expect(
        1,
        "memcgctl: DIR/cgroup/a/memory.dirty_stat: not understood: \"dirty many\"\n",
    );
}
