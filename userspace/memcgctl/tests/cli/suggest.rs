// SPDX-License-Identifier: GPL-2.0

//! `memcgctl suggest`.

use crate::Machine;
use std::fs;

/// A disk of 20 MiB/s, by the kernel's estimate, and another that was written to less.
fn put_devices(machine: &Machine) {
    for (number, name, written, bandwidth) in
        [("8:0", "sda", 9000, 20480), ("8:16", "sdb", 10, 102_400)]
    {
        machine.put(
            format!("sys/kernel/debug/bdi/{number}/stats"),
            format!("BdiWriteback: 0 kB\nBdiWritten: {written} kB\nBdiWriteBandwidth: {bandwidth} kBps\n"),
        );
        machine.put(
            format!("sys/dev/block/{number}/uevent"),
            format!("DEVNAME={name}\n"),
        );
        machine.put(format!("sys/class/block/{name}/dev"), format!("{number}\n"));
    }
    machine.put("sys/class/block/sda/sda1/dev", "8:1\n");
    machine.put("sys/class/block/sda/sda1/partition", "1\n");
    machine.link("sys/class/block/sda1", "sda/sda1");
}

#[test]
fn words() {
    let machine = Machine::new();
    machine.limited("a", 5 << 20);
    machine.cgroup("a/b");
    machine.in_force("a/b", 5 << 20);
    machine.put("proc/vmstat", "nr_free_pages 999999\n");
    put_devices(&machine);
    assert_eq!(
        machine.run(["suggest", "a/b"]).expect(0, ""),
        "\
cgroup      /a/b
device      8:0 (sda)
bandwidth   20MiB/s, by the kernel's estimate
limit       20MiB, which drains in 1.000s
in force    5MiB, which drains in 0.250s
pace        50ms, in which the device writes 1MiB
to set it   memcgctl set /a/b dirty_limit_in_bytes=20M
            (what it holds is written within 1.000s)
warning     the limit of /a, 5MiB, is lower and applies to everything below it
"
    );
    machine.put("cgroup/a/b/memory.dirty_pace_usec", "default\n");
    let out = machine
        .run(["suggest", "a/b", "--drain", "250ms"])
        .expect(0, "");
    assert!(
        out.contains("memcgctl set /a/b dirty_limit_in_bytes=5M dirty_pace_usec=50ms\n")
            && !out.contains("warning"),
        "{out}"
    );
    // What it says can be done.
    machine
        .run([
            "set",
            "/a/b",
            "dirty_limit_in_bytes=5M",
            "dirty_pace_usec=50ms",
        ])
        .expect(0, "");
}

#[test]
fn devices() {
    let machine = Machine::new();
    put_devices(&machine);
    for (device, number) in [
        ("sda", "8:0"),
        ("/dev/sda1", "8:0"),
        ("sdb", "8:16"),
        ("8:16", "8:16"),
    ] {
        fs::create_dir_all(machine.path("sys/class/bdi/8:16")).unwrap();
        let out = machine
            .run(["suggest", "--device", device, "--json"])
            .expect(0, "");
        let json: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(json["device"], number, "{device}");
        assert_eq!(json["measured"], false);
        assert!(json.get("cgroup").is_none());
    }
    machine.run(["suggest", "--device", "sdx"]).expect(
        1,
        "memcgctl: sdx: no such block device (sda, /dev/sda or 8:0)\n",
    );
    fs::remove_dir_all(machine.path("sys/kernel/debug/bdi")).unwrap();
    machine.run(["suggest"]).expect(
        3,
        "memcgctl: the bandwidth is not known (--measure DIR measures it): the kernel's figures of devices are in debugfs; as root: mount -t debugfs debugfs /sys/kernel/debug\n",
    );
}

#[test]
fn measured() {
    let machine = Machine::new();
    fs::create_dir(machine.path("disk")).unwrap();
    let dir = machine.path("disk");
    let args = [
        "suggest".as_ref(),
        "--json".as_ref(),
        "--measure".as_ref(),
        dir.as_os_str(),
    ];
    let out = machine.run(args).expect(0, "");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["measured"], true);
    assert!(json["bandwidth"].as_u64().unwrap() > 1 << 16, "{json}");
    // Nothing of it stays.
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
    let nowhere = machine.path("none");
    let run = machine.run([
        "suggest".as_ref(),
        "--measure".as_ref(),
        nowhere.as_os_str(),
    ]);
    assert_eq!(
        (run.code, run.err.contains("(ENOENT)")),
        (1, true),
        "{}",
        run.err
    );
}

#[test]
fn a_stock_kernel() {
    let machine = Machine::stock();
    put_devices(&machine);
    machine.put("proc/vmstat", "nr_free_pages 999999\n");
    machine.put("proc/sys/vm/dirty_bytes", "16777216\n");
    machine.put(
        "cgroup/a/memory.stat",
        "file_dirty 0\nfile_writeback 0\ninactive_file 10485760\nactive_file 0\n",
    );
    machine.put("cgroup/a/memory.current", "20971520\n");
    let out = machine.run(["suggest", "a", "--json"]).expect(0, "");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["supported"], false);
    let text = json.to_string();
    for words in [
        "echo '8:0 wbps=10485760' > ",
        "echo 20971520 > /sys/class/bdi/8:0/max_bytes && echo 1 > /sys/class/bdi/8:0/strict_limit",
        "vm.dirty_bytes = 16MiB makes derived limits tiny: a cgroup with 256MiB of page cache may hold 1.0MiB dirty",
        "they need the patch series and the module memcg_knobs",
    ] {
        assert!(text.contains(words), "{words} {text}");
    }
    // With no more than 16 MiB for the system there is no memory.high that yields more; with a ratio there is.
    assert!(!text.contains("memory.high"), "{text}");
    machine.put("proc/sys/vm/dirty_bytes", "0\n");
    let out = machine.run(["suggest", "a"]).expect(0, "");
    assert!(!out.contains("tiny"), "{out}");
    let high = out
        .split("echo ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .unwrap();
    assert!(
        out.contains(&format!("echo {high} > DIR/cgroup/a/memory.high\n")),
        "{out}"
    );
    // It does what it says.
    let bytes: u64 = high.trim_end_matches('M').parse::<u64>().unwrap() << 20;
    machine.put("cgroup/a/memory.high", format!("{bytes}\n"));
    let out = machine.run(["show", "a", "--json"]).out;
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    let limit = json["in_force"]["limit"].as_u64().unwrap();
    assert!((20 << 20..22 << 20).contains(&limit), "{limit}");
}
