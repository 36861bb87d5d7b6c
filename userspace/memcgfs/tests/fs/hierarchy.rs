// SPDX-License-Identifier: GPL-2.0

//! Which cgroup a name means.

use crate::put;
use memcgfs::Error;
use memcgfs::Hierarchy;
use memcgfs::Host;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use tempfile::tempdir;
use tempfile::TempDir;

fn tree(cgroups: &[&str]) -> TempDir {
    let dir = tempdir().unwrap();
    for cgroup in cgroups {
        fs::create_dir_all(dir.path().join(cgroup)).unwrap();
    }
    dir
}

fn resolve(dir: &TempDir, wanted: impl AsRef<OsStr>) -> Result<String, Error> {
    let cgroup = Hierarchy::at(dir.path()).resolve(wanted.as_ref())?;
    Ok(memcgfs::escaped(cgroup.path()))
}

#[test]
fn paths() {
    let dir = tree(&["a/b.service", "a b\n"]);
    let whole = dir.path().join("a/b.service");
    let table: [(&OsStr, &str); 9] = [
        (OsStr::new("a"), "/a"),
        (OsStr::new("/a/"), "/a"),
        (OsStr::new("a//b.service"), "/a/b.service"),
        (OsStr::new("/a/./b.service"), "/a/b.service"),
        (OsStr::new("a/b.service/.."), "/a"),
        (whole.as_os_str(), "/a/b.service"),
        (dir.path().as_os_str(), "/"),
        (OsStr::new("/"), "/"),
        (OsStr::new("a b\n"), "/a b\\n"),
    ];
    for (wanted, path) in table {
        assert_eq!(resolve(&dir, wanted).unwrap(), path, "{wanted:?}");
    }
}

#[test]
fn not_utf8() {
    let dir = tempdir().unwrap();
    let name = OsStr::from_bytes(b"raw\xff");
    fs::create_dir(dir.path().join(name)).unwrap();
    assert_eq!(resolve(&dir, name).unwrap(), "/raw\\xff");
}

#[test]
fn not_there() {
    let dir = tree(&["a"]);
    put(dir.path(), "a/memory.max", "max\n");
    for wanted in [
        "",
        "b",
        "/a/b",
        "a/memory.max",
        "a/memory.max/c",
        "none.service",
    ] {
        let error = resolve(&dir, wanted).unwrap_err();
        assert!(
            matches!(error, Error::NoCgroup { .. }),
            "{wanted:?}: {error}"
        );
        assert!(error.to_string().contains("(ENOENT)"), "{error}");
    }
}

#[test]
fn not_below_the_mount() {
    let dir = tree(&["a"]);
    let above = dir.path().join("../etc");
    for wanted in [
        OsStr::new(".."),
        OsStr::new("../a"),
        OsStr::new("a/../../etc"),
        OsStr::new("/.."),
        above.as_ref(),
    ] {
        let error = resolve(&dir, wanted).unwrap_err();
        assert!(
            matches!(error, Error::Outside { .. }),
            "{wanted:?}: {error}"
        );
    }
}

#[test]
fn units() {
    let dir = tree(&[
        "system.slice/web.service",
        "system.slice/_memory.service",
        "user.slice/user-1000.slice/app.slice",
        "user.slice/user-1001.slice/app.slice",
        "user.slice/dash\\x2ddash.scope",
        "top.service/deep/top.service",
        "user.slice/user-1000.slice/user@1000.service/web.service",
        "user.slice/user-1000.slice/user@1000.service/own.slice/stopped.service",
        "plain/stopped.service",
    ]);
    let table = [
        ("web.service", "/system.slice/web.service"),
        ("memory.service", "/system.slice/_memory.service"),
        ("user-1000.slice", "/user.slice/user-1000.slice"),
        ("dash\\x2ddash.scope", "/user.slice/dash\\x2ddash.scope"),
        // A path wins over a unit.
        ("top.service", "/top.service"),
        ("-.slice", "/"),
    ];
    for (unit, path) in table {
        assert_eq!(resolve(&dir, unit).unwrap(), path);
    }
    assert_eq!(
        resolve(&dir, "app.slice").unwrap_err().to_string(),
        "app.slice: several cgroups have this name: \
         /user.slice/user-1000.slice/app.slice /user.slice/user-1001.slice/app.slice"
    );
    // What users call their own units is not taken for the system's.
    for unit in ["stopped.service", "own.slice"] {
        let error = resolve(&dir, unit).unwrap_err();
        assert!(matches!(error, Error::NoCgroup { .. }), "{unit}: {error}");
    }
    // Only the name of a unit is searched for.
    assert!(resolve(&dir, "deep").is_err());
}

#[test]
fn parents() {
    let dir = tree(&["a/b"]);
    let cgroup = Hierarchy::at(dir.path())
        .resolve(OsStr::new("a/b"))
        .unwrap();
    let parent = cgroup.parent().unwrap();
    assert_eq!(
        (parent.name(), parent.dir()),
        (Path::new("a"), &*dir.path().join("a"))
    );
    let root = parent.parent().unwrap();
    assert!(root.is_root());
    assert_eq!(root.dir(), dir.path());
    assert_eq!(root.parent(), None);
}

fn host(dir: &TempDir, mountinfo: &str, cgroup: &[u8]) -> Host {
    put(dir.path(), "proc/self/mountinfo", mountinfo);
    put(dir.path(), "proc/self/cgroup", cgroup);
    Host::at(dir.path().join("proc"), dir.path().join("sys"))
}

#[test]
fn found_in_the_table_of_mounts() {
    let dir = tempdir().unwrap();
    let part = "1 1 0:1 /pod /part rw - cgroup2 none rw\n";
    let whole = "2 1 0:1 / /who\\040le rw shared:1 - cgroup2 none rw\n";
    let table = [
        (part.to_owned() + whole, "/who le"),
        (whole.to_owned() + part, "/who le"),
        (part.to_owned(), "/part"),
    ];
    for (mountinfo, mount) in table {
        let hierarchy = Hierarchy::find(&host(&dir, &mountinfo, b"")).unwrap();
        assert_eq!(hierarchy.mount(), Path::new(mount));
    }
    let table = [
        ("rw,cpu", "no cgroup2 file system is mounted (", false),
        (
            "rw,memory",
            "the memory controller is in use by cgroup v1 (/v1), and limits need cgroup2: boot with ",
            true,
        ),
    ];
    for (options, start, unsupported) in table {
        let mounts = format!("3 1 0:1 / /v1 rw - cgroup none {options}\n");
        let error = Hierarchy::find(&host(&dir, &mounts, b"")).unwrap_err();
        assert!(error.to_string().starts_with(start), "{error}");
        assert_eq!(error.is_unsupported(), unsupported);
    }
}

#[test]
fn own() {
    let dir = tree(&["a/b", "raw"]);
    let odd = OsStr::from_bytes(b"odd\xff");
    fs::create_dir(dir.path().join(odd)).unwrap();
    let mountinfo = |root: &str| {
        format!(
            "1 1 0:1 {root} {} rw - cgroup2 none rw\n",
            dir.path().display()
        )
    };
    let own = |root: &str, cgroup: &[u8]| {
        let host = host(&dir, &mountinfo(root), cgroup);
        let own = Hierarchy::find(&host).unwrap().own(&host);
        own.map(|cgroup| cgroup.name().to_owned())
    };
    assert_eq!(own("/", b"1:cpu:/x\n0::/a/b\n").unwrap(), Path::new("a/b"));
    assert_eq!(own("/", b"0::/\n").unwrap(), Path::new(""));
    assert_eq!(own("/", b"0::/odd\xff\n").unwrap(), Path::new(odd));
    // No cgroup2 line: all processes are in its root.
    assert_eq!(own("/", b"1:cpu:/x\n").unwrap(), Path::new(""));
    // A part of the hierarchy is mounted.
    assert_eq!(own("/pod", b"0::/pod/a\n").unwrap(), Path::new("a"));
    assert!(matches!(
        own("/pod", b"0::/other\n"),
        Err(Error::Outside { .. })
    ));
    // Outside of the reader's namespace, and removed.
    assert!(matches!(
        own("/", b"0::/../x\n"),
        Err(Error::Outside { .. })
    ));
    assert!(matches!(
        own("/", b"0::/x (deleted)\n"),
        Err(Error::NoCgroup { .. })
    ));
}
