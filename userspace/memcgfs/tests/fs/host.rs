// SPDX-License-Identifier: GPL-2.0

//! What the kernel tells of itself.

use crate::put;
use memcgfs::filesystems;
use memcgfs::filesystems::Attribution;
use memcgfs::Host;
use memcgfs::Patched;
use memcgfs::VmDirty;
use tempfile::tempdir;
use tempfile::TempDir;

fn host(dir: &TempDir) -> Host {
    Host::at(dir.path().join("proc"), dir.path().join("sys"))
}

#[test]
fn patched() {
    let table = [
        ("ffffffff81000000 T memcg_policy_register\n", Patched::Yes),
        (
            "0000000000000000 t memcg_policy_register\t[x]\n",
            Patched::Yes,
        ),
        ("0 T a\n0 T memcg_policy_registered\n0 T b", Patched::No),
        ("nonsense\n\n", Patched::No),
        // Hidden symbols say nothing.
        ("", Patched::Unknown),
    ];
    for (symbols, patched) in table {
        let dir = tempdir().unwrap();
        put(dir.path(), "proc/kallsyms", symbols);
        assert_eq!(host(&dir).kernel_patched(), patched, "{symbols:?}");
    }
    assert_eq!(host(&tempdir().unwrap()).kernel_patched(), Patched::Unknown);
}

#[test]
fn a_loaded_module_proves_the_patches() {
    for sign in [
        "sys/module/memcg_knobs/refcnt",
        "sys/kernel/mm/memcg_knobs/recharge_mapped",
    ] {
        let dir = tempdir().unwrap();
        assert!(!host(&dir).module_loaded());
        put(dir.path(), sign, "0\n");
        assert!(host(&dir).module_loaded());
        assert_eq!(host(&dir).kernel_patched(), Patched::Yes);
    }
}

#[test]
fn system_wide_limits() {
    let dir = tempdir().unwrap();
    assert_eq!(host(&dir).vm_dirty().unwrap(), VmDirty::default());
    assert_eq!(VmDirty::default().limit_setting(), None);
    put(dir.path(), "proc/sys/vm/dirty_bytes", "0\n");
    put(dir.path(), "proc/sys/vm/dirty_ratio", "20\n");
    let vm = host(&dir).vm_dirty().unwrap();
    assert_eq!(vm.limit_setting(), Some(("vm.dirty_ratio", 20)));
    put(dir.path(), "proc/sys/vm/dirty_bytes", "33554432\n");
    let vm = host(&dir).vm_dirty().unwrap();
    assert_eq!(vm.limit_setting(), Some(("vm.dirty_bytes", 33554432)));
    put(dir.path(), "proc/sys/vm/dirty_bytes", "many\n");
    let error = host(&dir).vm_dirty().unwrap_err().to_string();
    assert!(
        error.ends_with("dirty_bytes: not understood: \"many\\n\""),
        "{error}"
    );
}

#[test]
fn file_systems_once_each() {
    let dir = tempdir().unwrap();
    put(
        dir.path(),
        "proc/filesystems",
        "nodev\ttmpfs\n\text4\n\tvfat\nnonsense\n",
    );
    put(
        dir.path(),
        "proc/self/mountinfo",
        "1 1 8:1 / / rw - ext4 /dev/a rw\n\
         2 1 0:9 / /tmp rw - tmpfs tmpfs rw\n\
         3 1 8:1 /x /bind rw - ext4 /dev/a rw\n\
         4 1 8:2 / /boot rw - vfat /dev/b rw\n\
         5 1 8:3 / /cd ro - vfat /dev/c ro\n",
    );
    let found: Vec<_> = filesystems::writing(&host(&dir))
        .unwrap()
        .into_iter()
        .map(|found| (found.point.display().to_string(), found.attribution))
        .collect();
    assert_eq!(
        found,
        [
            ("/".to_owned(), Attribution::Yes),
            ("/boot".to_owned(), Attribution::No)
        ]
    );
}

#[test]
fn ignored_signals() {
    let dir = tempdir().unwrap();
    assert!(!host(&dir).ignores_signal(1));
    put(
        dir.path(),
        "proc/self/status",
        "SigBlk:\tffffffffffffffff\nSigIgn:\t8000000000001001\n",
    );
    let ignored: Vec<_> = (-1..70)
        .filter(|signal| host(&dir).ignores_signal(*signal))
        .collect();
    assert_eq!(ignored, [1, 13, 64]);
}
