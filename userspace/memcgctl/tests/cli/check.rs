// SPDX-License-Identifier: GPL-2.0

//! `memcgctl check`.

use crate::Machine;
use crate::Run;

fn check(machine: &Machine) -> Run {
    machine.run(["check"])
}

#[test]
fn all_well() {
    let out = check(&Machine::new()).expect(0, "");
    assert_eq!(
        out,
        "\
ok       kernel     patched
ok       module     memcg_knobs is loaded
ok       cgroup2    mounted at DIR/cgroup
ok       memory     controller enabled below the root
ok       io         controller enabled below the root
ok       writeback  / (ext4) attributes it to cgroups
"
    );
}

#[test]
fn json() {
    let machine = Machine::new();
    machine.put("cgroup/cgroup.subtree_control", "memory\n");
    let out = machine.run(["check", "--json"]).expect(1, "");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&json["version"], &json["ok"]), (&1.into(), &false.into()));
    assert_eq!(json["checks"].as_array().unwrap().len(), 6);
    assert_eq!(
        json["checks"][4],
        serde_json::json!({
            "what": "io",
            "state": "missing",
            "detail": "controller not enabled below the root",
            "remedy": "echo +io > DIR/cgroup/cgroup.subtree_control",
        })
    );
}

#[test]
fn a_stock_kernel() {
    let machine = Machine::stock();
    let out = check(&machine).expect(3, "");
    assert!(
        out.starts_with(
            "\
missing  kernel     not patched; remedy: boot a kernel with the patch series of memcg-knobs
missing  module     memcg_knobs is not loaded; remedy: boot a patched kernel first: the module does not load into this one
"
        ),
        "{out}"
    );
    machine.put("proc/kallsyms", "0 T memcg_policy_register\n");
    let out = check(&machine).expect(3, "");
    let module = "missing  module     memcg_knobs is not loaded; remedy: modprobe memcg_knobs\n";
    assert!(
        out.starts_with(&format!("ok       kernel     patched\n{module}")),
        "{out}"
    );
    // The kernel's types are looked at first: a list of symbols has to be printed by the kernel.
    machine.put(
        "sys/kernel/btf/vmlinux",
        b"\x9f\xeb\0xmemcg_policy_register\0memcg_policy_registers\0",
    );
    let out = check(&machine).expect(3, "");
    assert!(out.starts_with("missing  kernel     not patched"), "{out}");
    let filler = "long_enough_to_fill_a_block\0".repeat(60_000);
    machine.put(
        "sys/kernel/btf/vmlinux",
        format!("{filler}memcg_policy_register\0{filler}"),
    );
    let out = check(&machine).expect(3, "");
    assert!(out.starts_with("ok       kernel     patched"), "{out}");
    std::fs::remove_file(machine.path("sys/kernel/btf/vmlinux")).unwrap();
    machine.put("proc/kallsyms", "");
    let out = check(&machine).expect(3, "");
    assert!(
        out.starts_with("unknown  kernel     cannot tell whether it is patched"),
        "{out}"
    );
}

#[test]
fn controllers() {
    let machine = Machine::new();
    machine.put("cgroup/cgroup.controllers", "memory\n");
    machine.put("cgroup/cgroup.subtree_control", "");
    let out = check(&machine).expect(1, "");
    let memory = "missing  memory     controller not enabled below the root; \
                  remedy: echo +memory > DIR/cgroup/cgroup.subtree_control\n";
    let io = "missing  io         controller not available in cgroup2; \
              remedy: boot without cgroup_disable=io, or a kernel that has the controller\n";
    assert!(out.contains(memory) && out.contains(io), "{out}");
    machine.put(
        "proc/self/mountinfo",
        "1 1 0:5 / /v1 rw - cgroup none rw,blkio\n",
    );
    let out = check(&machine).expect(1, "");
    assert!(
        out.contains("missing  io         controller in use by cgroup v1; remedy: boot with"),
        "{out}"
    );
}

#[test]
fn no_cgroup2() {
    let machine = Machine::new();
    machine.put("proc/self/mountinfo", "");
    let output = machine.finding_command().arg("check").output().unwrap();
    let out = machine.end(output).expect(1, "");
    assert!(
        out.ends_with(
            "missing  cgroup2    no cgroup2 file system is mounted (DIR/proc/self/mountinfo); \
             remedy: mount -t cgroup2 cgroup2 /sys/fs/cgroup\n"
        ),
        "{out}"
    );
}

#[test]
fn file_systems() {
    let machine = Machine::new();
    machine.put(
        "proc/self/mountinfo",
        "1 1 8:1 / / rw - ext4 /dev/a rw,data=journal\n\
         2 1 8:2 / /boot\\040efi rw - vfat /dev/b rw\n\
         3 1 0:9 / /c rw - overlay overlay rw,upperdir=/u\n\
         4 1 0:8 / /proc rw - proc proc rw\n",
    );
    // Not a fault of the machine: limits work on the other file systems.
    let out = check(&machine).expect(0, "");
    let lines: Vec<_> = out.lines().skip(5).collect();
    assert_eq!(
        lines,
        [
            "no       writeback  / (ext4) does not attribute it with data=journal; remedy: mount without that option",
            "no       writeback  /boot efi (vfat) does not attribute it to cgroups; \
             remedy: limits hold on ext2, ext4, xfs, btrfs, f2fs",
            "ok       writeback  /c (overlay) leaves it to the file system of its upper directory",
        ]
    );
}
