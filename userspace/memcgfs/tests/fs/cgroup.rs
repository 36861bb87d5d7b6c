// SPDX-License-Identifier: GPL-2.0

//! One cgroup's files, present, absent and odd.

use crate::put;
use memcgfs::knobs;
use memcgfs::Amount;
use memcgfs::Assignment;
use memcgfs::Hierarchy;
use memcgfs::Limit;
use memcgfs::Snapshot;
use memcgfs::Value;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use tempfile::tempdir;

#[test]
fn everything_there() {
    let dir = tempdir().unwrap();
    put(dir.path(), "a/memory.dirty_limit_in_bytes", "67108864\n");
    put(dir.path(), "a/memory.dirty_ratio", "max\n");
    put(dir.path(), "a/memory.dirty_background_ratio", "12.50\n");
    put(dir.path(), "a/memory.dirty_min", "0\n");
    put(
        dir.path(),
        "a/memory.dirty_stat",
        "dirty 4096\nwriteback 0\nlimit 67108864\n",
    );
    put(
        dir.path(),
        "a/memory.stat",
        "file_dirty 1\nfile_writeback 2\n",
    );
    let cgroup = Hierarchy::at(dir.path()).resolve(OsStr::new("a")).unwrap();
    let snapshot = Snapshot::read(cgroup).unwrap().unwrap();
    let names: Vec<_> = snapshot
        .settings
        .iter()
        .map(|(knob, _)| knob.short_name())
        .collect();
    // The list's order, and no value for the absent file.
    assert_eq!(
        names,
        [
            "dirty_limit_in_bytes",
            "dirty_ratio",
            "dirty_background_ratio",
            "dirty_min"
        ]
    );
    assert_eq!(
        snapshot.setting(&knobs::DIRTY_LIMIT),
        Some(Value::Bytes(Limit::At(67108864)))
    );
    assert_eq!(
        snapshot.setting(&knobs::DIRTY_RATIO),
        Some(Value::Ratio(Limit::Max))
    );
    assert_eq!(snapshot.setting(&knobs::DIRTY_BACKGROUND_LIMIT), None);
    assert_eq!(
        (snapshot.dirty(), snapshot.writeback()),
        (Some(4096), Some(0))
    );
    assert_eq!(snapshot.limit(), Some(Limit::At(67108864)));
    assert_eq!(snapshot.background_limit(), None);
    assert!(snapshot.has_own_limit());
    assert!(snapshot.has_own_background());
}

#[test]
fn a_stock_kernel() {
    let dir = tempdir().unwrap();
    put(
        dir.path(),
        "a/memory.stat",
        "anon 9\nfile_dirty 1\nfile_writeback 2\n",
    );
    let cgroup = Hierarchy::at(dir.path()).resolve(OsStr::new("a")).unwrap();
    let snapshot = Snapshot::read(cgroup).unwrap().unwrap();
    assert_eq!(snapshot.settings, []);
    assert_eq!(snapshot.dirty_stat, None);
    assert_eq!((snapshot.dirty(), snapshot.writeback()), (Some(1), Some(2)));
    assert!(!snapshot.has_own_limit());
}

#[test]
fn nothing_but_the_directory() {
    let dir = tempdir().unwrap();
    let snapshot = Snapshot::read(Hierarchy::at(dir.path()).root())
        .unwrap()
        .unwrap();
    assert_eq!((snapshot.dirty(), snapshot.writeback()), (None, None));
    assert_eq!(snapshot.limit(), None);
}

#[test]
fn nonsense_names_the_file() {
    let dir = tempdir().unwrap();
    put(dir.path(), "memory.dirty_min", "lots\n");
    let error = Snapshot::read(Hierarchy::at(dir.path()).root()).unwrap_err();
    let path = dir.path().join("memory.dirty_min");
    assert_eq!(
        error.to_string(),
        format!("{}: not understood: \"lots\\n\"", path.display())
    );
}

#[test]
fn vanished() {
    let dir = tempdir().unwrap();
    put(dir.path(), "a/memory.stat", "file_dirty 1\n");
    let cgroup = Hierarchy::at(dir.path()).resolve(OsStr::new("a")).unwrap();
    fs::remove_dir_all(dir.path().join("a")).unwrap();
    assert!(Snapshot::read(cgroup.clone()).unwrap().is_none());
    assert_eq!(cgroup.children().unwrap(), []);
    let assignment = Assignment::parse("dirty_min=1M").unwrap();
    let error = cgroup.assign(&assignment).unwrap_err().to_string();
    assert!(
        error.ends_with("memory.dirty_min: No such file or directory (ENOENT)"),
        "{error}"
    );
}

#[test]
fn children_of_any_name_sorted() {
    let dir = tempdir().unwrap();
    let names: [&[u8]; 5] = [b"a b", b"new\nline", b"raw\xff", b"z", "ä".as_bytes()];
    for name in names.iter().rev() {
        fs::create_dir(dir.path().join(OsStr::from_bytes(name))).unwrap();
    }
    put(dir.path(), "memory.stat", "");
    std::os::unix::fs::symlink("z", dir.path().join("link")).unwrap();
    let children = Hierarchy::at(dir.path()).root().children().unwrap();
    let mut expected = names;
    expected.sort();
    let found: Vec<_> = children
        .iter()
        .map(|child| child.name().as_os_str().as_bytes())
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn what_is_written() {
    let dir = tempdir().unwrap();
    put(
        dir.path(),
        "memory.dirty_ratio",
        "max and more that was there before\n",
    );
    put(dir.path(), "memory.dirty_writeback", "");
    let root = Hierarchy::at(dir.path()).root();
    root.assign(&Assignment::parse("dirty_ratio= 12.5 ").unwrap())
        .unwrap();
    root.start_writeback(&Amount::parse("64M").unwrap())
        .unwrap();
    let content = |file| fs::read_to_string(dir.path().join(file)).unwrap();
    assert_eq!(content("memory.dirty_ratio"), "12.5\n");
    assert_eq!(content("memory.dirty_writeback"), "64M\n");
}
