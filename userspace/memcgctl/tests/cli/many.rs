// SPDX-License-Identifier: GPL-2.0

//! As many cgroups as a large machine has.

use crate::Machine;

/// Ten thousand in slices and services, and one unit that is known by name.
fn machine() -> Machine {
    let machine = Machine::in_memory();
    for slice in 0..100 {
        for service in 0..99 {
            let stat = format!(
                "cgroup/part-{slice}.slice/part-{slice}-{service}.service/memory.dirty_stat"
            );
            machine.put(
                stat,
                "dirty 4096\nwriteback 0\nlimit max\nbackground_limit max\n",
            );
        }
    }
    machine
}

#[test]
fn ten_thousand() {
    let machine = machine();
    let lines = |args: &[&str]| machine.run(args).expect(0, "").lines().count();
    assert_eq!(lines(&["tree"]), 1 + 1 + 10_000);
    assert_eq!(
        lines(&["top", "--once", "--interval", "1ms"]),
        1 + 1 + 10_000
    );
    let out = machine.run(["metrics"]).expect(0, "");
    let dirty = out
        .lines()
        .filter(|line| line.starts_with("memcg_dirty_bytes{"));
    assert_eq!(dirty.count(), 1 + 9_900);
    let out = machine.run(["tree", "--json"]).expect(0, "");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["cgroups"].as_array().unwrap().len(), 1 + 10_000);
    let out = machine.run(["show", "part-99-98.service"]).expect(0, "");
    assert!(out.contains("/part-99.slice/part-99-98.service\n"), "{out}");
}
