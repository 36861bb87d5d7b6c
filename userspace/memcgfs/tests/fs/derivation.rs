// SPDX-License-Identifier: GPL-2.0

//! The limit in force from raw figures. The machine has 1,000,000 dirtyable pages but one, of which 100 are dirty, and
//! vm.dirty_ratio is 20.

use crate::put;
use memcgfs::derivation::Bound;
use memcgfs::derivation::Derivation;
use memcgfs::derivation::Floor;
use memcgfs::derivation::Place;
use memcgfs::Hierarchy;
use memcgfs::Host;
use std::ffi::OsStr;
use tempfile::tempdir;
use tempfile::TempDir;

const M: u64 = 1 << 20;

pub fn machine() -> TempDir {
    let dir = tempdir().unwrap();
    put(
        dir.path(),
        "proc/vmstat",
        "nr_free_pages 700010\nnr_inactive_file 200000\nnr_active_file 99999\nnr_dirty 100\nnr_writeback 0\n\
         nr_dirty_threshold 199950\nnr_dirty_background_threshold 99950\n",
    );
    put(
        dir.path(),
        "proc/zoneinfo",
        "Node 0, zone Normal\n high 10\n managed 900\n protection: (0, 0)\n",
    );
    for (name, value) in [("ratio", 20), ("background_ratio", 10), ("bytes", 0)] {
        put(
            dir.path(),
            format!("proc/sys/vm/dirty_{name}"),
            format!("{value}\n"),
        );
    }
    put(dir.path(), "cgroup/memory.stat", "file_dirty 0\n");
    dir
}

/// A cgroup with 1,000 pages of page cache and these files besides.
pub fn cgroup(dir: &TempDir, name: &str, files: &[(&str, &str)]) {
    let stat = "inactive_file 4096000\nactive_file 0\nfile_dirty 0\nfile_writeback 0\n";
    let defaults = [
        ("memory.stat", stat),
        ("memory.max", "max"),
        ("memory.high", "max"),
        ("memory.current", "4096000"),
    ];
    for (file, text) in defaults.iter().chain(files) {
        put(
            dir.path(),
            format!("cgroup/{name}/{file}"),
            format!("{text}\n"),
        );
    }
}

fn derive(dir: &TempDir, name: &str) -> Derivation {
    let host = Host::at(dir.path().join("proc"), dir.path().join("sys"));
    let hierarchy = Hierarchy::at(dir.path().join("cgroup"));
    let cgroup = hierarchy.resolve(OsStr::new(name)).unwrap();
    Derivation::derive(&host, &cgroup).unwrap().unwrap()
}

#[test]
fn the_system_alone() {
    let derivation = derive(&machine(), "/");
    assert_eq!(derivation.levels, []);
    assert_eq!(derivation.limit, 199_951 * 4096);
    assert_eq!(derivation.background, 99_853 * 4096);
    assert_eq!(derivation.binding, Place::System);
    assert_eq!(derivation.agrees(), Some(true));
}

#[test]
fn nothing_set() {
    let dir = machine();
    cgroup(&dir, "a", &[("memory.max", "8192000")]);
    let derivation = derive(&dir, "a");
    // 1,000 pages of page cache and room for 1,000 more, of which 819 parts in 4096.
    let level = &derivation.levels[0];
    assert_eq!(
        (level.dirtyable, level.headroom),
        (2000 * 4096, Some(4_096_000))
    );
    assert_eq!(derivation.limit, 399 * 4096);
    assert_eq!(derivation.background, 199 * 4096);
    assert_eq!(
        level.bound,
        Some(Bound {
            limit: 399 * 4096,
            background: 199 * 4096,
            slows_at: 299 * 4096,
            stops_at: 399 * 4096,
            set: false,
        })
    );
    assert_eq!(derivation.binding, Place::Level(0));
    assert_eq!(derivation.agrees(), None);
}

#[test]
fn own_limit() {
    let dir = machine();
    let limit = ("memory.dirty_limit_in_bytes", "67108864");
    let stat = ("memory.dirty_stat", "dirty 0\nwriteback 0\nlimit 67108864");
    cgroup(&dir, "a", &[limit, stat]);
    let derivation = derive(&dir, "a");
    assert_eq!((derivation.limit, derivation.background), (64 * M, 32 * M));
    let bound = derivation.levels[0].bound.unwrap();
    // 64 pages are left to who cannot wait, an eighth of the rest to who has begun, and a
    // quarter to who has less than his share.
    assert_eq!(
        (bound.stops_at, bound.slows_at),
        (14_280 * 4096, 10_200 * 4096)
    );
    assert!(bound.set);
    assert_eq!(derivation.agrees(), Some(true));
    // No more than can be dirty, of which the kernel knows as well.
    cgroup(&dir, "a", &[limit, ("memory.high", "8192000"), stat]);
    let derivation = derive(&dir, "a");
    assert_eq!(derivation.limit, 2000 * 4096);
    assert_eq!(derivation.agrees(), Some(false));
    assert_eq!(derivation.reported(), Some(64 * M));
}

#[test]
fn own_ratio() {
    let dir = machine();
    cgroup(
        &dir,
        "a",
        &[("memory.dirty_ratio", "50.00"), ("memory.max", "8192000")],
    );
    assert_eq!(derive(&dir, "a").limit, 1000 * 4096);
}

#[test]
fn a_background_limit_alone() {
    let dir = machine();
    let background = ("memory.dirty_background_limit_in_bytes", "40960");
    cgroup(&dir, "a", &[background, ("memory.max", "8192000")]);
    cgroup(&dir, "a/b", &[]);
    let derivation = derive(&dir, "a");
    assert_eq!(
        (derivation.limit, derivation.background),
        (399 * 4096, 40960)
    );
    let below = derive(&dir, "a/b");
    assert_eq!((below.limit, below.background), (399 * 4096, 40960));
    assert_eq!(below.tightest, Place::Level(1));
    // The derived limit is kept for those below, whatever they set.
    let wide = [("memory.dirty_limit_in_bytes", "67108864")];
    cgroup(&dir, "a/b", &wide);
    let below = derive(&dir, "a/b");
    assert_eq!((below.limit, below.tightest), (399 * 4096, Place::Level(1)));
    assert!(!below.levels[1].bound.unwrap().set);
    // Without the background limit it is not.
    let unset = ("memory.dirty_background_limit_in_bytes", "max");
    cgroup(&dir, "a", &[unset, ("memory.max", "8192000")]);
    let below = derive(&dir, "a/b");
    assert_eq!(
        (below.limit, below.tightest),
        (2000 * 4096, Place::Level(0))
    );
    assert_eq!(below.levels[1].bound, None);
}

#[test]
fn ancestors() {
    let dir = machine();
    let limit = |bytes| ("memory.dirty_limit_in_bytes", bytes);
    cgroup(&dir, "a", &[limit("33554432")]);
    cgroup(&dir, "a/b", &[limit("67108864")]);
    cgroup(&dir, "a/b/c", &[limit("134217728")]);
    let derivation = derive(&dir, "a/b/c");
    assert_eq!(
        (derivation.limit, derivation.tightest),
        (32 * M, Place::Level(2))
    );
    assert_eq!(derivation.levels[2].cgroup.path(), "/a");
    assert_eq!(derivation.binding, Place::Level(2));
    // An equal limit of its own is the cgroup's own.
    cgroup(&dir, "a/b/c", &[limit("33554432")]);
    assert_eq!(derive(&dir, "a/b/c").tightest, Place::Level(0));
    // A wider limit binds when others have used it up.
    let full = "inactive_file 81920000\nactive_file 0\nfile_dirty 62914560\nfile_writeback 0";
    cgroup(&dir, "a", &[limit("max")]);
    cgroup(&dir, "a/b", &[limit("67108864"), ("memory.stat", full)]);
    let derivation = derive(&dir, "a/b/c");
    assert_eq!(
        (derivation.limit, derivation.tightest),
        (32 * M, Place::Level(0))
    );
    assert_eq!(derivation.binding, Place::Level(1));
    assert_eq!(derivation.held(derivation.binding), 60 * M);
}

#[test]
fn a_full_system_binds() {
    let dir = machine();
    put(
        dir.path(),
        "proc/vmstat",
        "nr_free_pages 700010\nnr_inactive_file 200000\nnr_active_file 99999\nnr_dirty 199000\nnr_writeback 951\n",
    );
    cgroup(&dir, "a", &[("memory.dirty_limit_in_bytes", "67108864")]);
    let derivation = derive(&dir, "a");
    assert_eq!(derivation.tightest, Place::Level(0));
    assert_eq!(derivation.binding, Place::System);
    // But not below a floor.
    cgroup(&dir, "b", &[("memory.dirty_min", "1048576")]);
    cgroup(&dir, "b/c", &[]);
    let derivation = derive(&dir, "b/c");
    assert!(!derivation.levels[0].is_below_floor() && derivation.levels[1].is_below_floor());
    assert_eq!(derivation.binding, Place::Level(0));
}

#[test]
fn floors() {
    let dir = machine();
    let min = |bytes| ("memory.dirty_min", bytes);
    cgroup(&dir, "a", &[min("41943040")]);
    cgroup(&dir, "a/b", &[min("41943040")]);
    cgroup(&dir, "a/c", &[min("41943040")]);
    let derivation = derive(&dir, "a/b");
    let floor = |granted| {
        Some(Floor {
            asked: 40 * M,
            granted,
        })
    };
    assert_eq!(derivation.levels[0].floor, floor(20 * M));
    assert_eq!(derivation.levels[1].floor, floor(40 * M));
    // All there is, of which half of the system's limit can be granted.
    cgroup(&dir, "a", &[min("max")]);
    let floor = derive(&dir, "a").levels[0].floor.unwrap();
    assert_eq!(floor.granted, 99_975 * 4096);
}

#[test]
fn vanished_or_without_figures() {
    let dir = machine();
    cgroup(&dir, "a", &[]);
    let host = Host::at(dir.path().join("proc"), dir.path().join("sys"));
    let hierarchy = Hierarchy::at(dir.path().join("cgroup"));
    let cgroup = hierarchy.resolve(OsStr::new("a")).unwrap();
    let elsewhere = Host::at(dir.path().join("none"), dir.path().join("sys"));
    assert_eq!(Derivation::derive(&elsewhere, &cgroup).unwrap(), None);
    std::fs::remove_dir_all(cgroup.dir()).unwrap();
    assert_eq!(Derivation::derive(&host, &cgroup).unwrap(), None);
}
