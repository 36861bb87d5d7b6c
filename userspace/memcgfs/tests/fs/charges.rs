// SPDX-License-Identifier: GPL-2.0

//! Who pays for what, by what a chain of cgroups declares and by the options of mounts.

use crate::put;
use memcgfs::ChargedMount;
use memcgfs::Charges;
use memcgfs::Hierarchy;
use memcgfs::Host;
use memcgfs::Limit;
use memcgfs::Payers;
use memcgfs::Snapshot;
use std::ffi::OsStr;
use tempfile::tempdir;

/// What a cgroup declares; `None` for no such file.
type Words = Option<&'static str>;

/// The payers for the innermost of a chain of cgroups, each of which declares that: of page cache, then of shared memory.
fn payers(chain: &[Words]) -> Option<String> {
    let dir = tempdir().unwrap();
    let mut name = String::new();
    for (index, words) in chain.iter().enumerate() {
        name = format!("{name}/{index}");
        put(dir.path(), format!("{}/memory.max", &name[1..]), "max\n");
        if let Some(words) = words {
            let file = format!("{}/memory.persistent", &name[1..]);
            put(dir.path(), file, format!("{words}\n"));
        }
    }
    let hierarchy = Hierarchy::at(dir.path());
    let cgroup = hierarchy.resolve(OsStr::new(&name)).unwrap();
    let above = Snapshot::above(&cgroup).unwrap();
    let snapshot = Snapshot::read(cgroup).unwrap().unwrap();
    let payers = Payers::derive(&snapshot, &above)?;
    let mut both = payers.file;
    both.push(" ");
    both.push(payers.shmem);
    both.into_string().ok()
}

#[test]
fn the_nearest_declarer() {
    let table: [(&[Words], Option<&str>); 7] = [
        (&[None], None),
        (&[Some("file"), None], None),
        (&[Some("")], Some("/0 /0")),
        (&[Some("file"), Some("")], Some("/0 /0/1")),
        (
            &[Some("file shmem"), Some("shmem"), Some("")],
            Some("/0 /0/1"),
        ),
        (&[Some("shmem"), Some(""), Some("file")], Some("/0/1/2 /0")),
        (&[Some("file shmem"), None, Some("")], Some("/0 /0")),
    ];
    for (chain, expected) in table {
        assert_eq!(payers(chain).as_deref(), expected, "{chain:?}");
    }
}

#[test]
fn figures() {
    let dir = tempdir().unwrap();
    put(dir.path(), "a/memory.current", "12288\n");
    put(dir.path(), "a/memory.max", "max\n");
    put(
        dir.path(),
        "a/memory.stat",
        "anon 1\nfile 8192\nshmem 4096\n",
    );
    put(dir.path(), "b/cgroup.procs", "");
    let read = |name| {
        let cgroup = Hierarchy::at(dir.path()).resolve(OsStr::new(name));
        Charges::read(&cgroup.unwrap()).unwrap()
    };
    assert_eq!(
        read("a"),
        Charges {
            memory: Some(12288),
            max: Some(Limit::Max),
            file: Some(4096),
            shmem: Some(4096),
        }
    );
    assert_eq!(read("b"), Charges::default());
}

#[test]
fn mounts_below_a_part_of_the_hierarchy() {
    let dir = tempdir().unwrap();
    put(dir.path(), "cgroup/memory.stat", "");
    put(dir.path(), "cgroup/a/memory.stat", "");
    // Without the memory controller it is charged for nothing.
    put(dir.path(), "cgroup/a/b/cgroup.procs", "");
    let point = dir.path().join("cgroup");
    let table = [
        ("/pod/a", Some("/a"), false),
        ("/pod/a/b", Some("/a"), true),
        ("/pod/c", Some("/"), true),
        ("/pod", Some("/"), false),
        ("/elsewhere", None, false),
        ("/pod/../../a", None, false),
    ];
    for (memcg, payer, orphan) in table {
        let mountinfo = format!(
            "1 1 0:5 /pod {} rw - cgroup2 none rw\n2 1 0:6 / /mnt rw - tmpfs t rw,memcg={memcg}\n",
            point.display()
        );
        put(dir.path(), "proc/self/mountinfo", mountinfo);
        let host = Host::at(dir.path().join("proc"), dir.path().join("sys"));
        let hierarchy = Hierarchy::find(&host).unwrap();
        let mounts = ChargedMount::among(host.mounts().unwrap(), Some(&hierarchy));
        assert_eq!(mounts.len(), 1);
        let path = mounts[0].payer.as_ref().map(|cgroup| cgroup.path());
        assert_eq!(path.as_deref(), payer.map(OsStr::new), "{memcg}");
        assert_eq!(mounts[0].orphan, orphan, "{memcg}");
        let mounts = ChargedMount::among(host.mounts().unwrap(), None);
        assert_eq!((mounts[0].payer.as_ref(), mounts[0].orphan), (None, false));
    }
}
