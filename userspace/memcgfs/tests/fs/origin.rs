// SPDX-License-Identifier: GPL-2.0

//! Which limit is named as the one in force, and which background limit. Each case is a chain of cgroups from the outermost to the one asked
//! about: what is set in each (bytes, ratio) and the limit that the kernel reports for it.

use crate::put;
use memcgfs::BackgroundOrigin;
use memcgfs::HalfOf;
use memcgfs::Hierarchy;
use memcgfs::Origin;
use memcgfs::Snapshot;
use std::ffi::OsStr;
use tempfile::tempdir;

const M: u64 = 1 << 20;

/// Bytes or `None` for max, a ratio, the reported limit or `None` without dirty_stat.
type Level = (Option<u64>, &'static str, Option<u64>);

fn origin(chain: &[Level]) -> Origin {
    let dir = tempdir().unwrap();
    let mut name = String::new();
    for (index, (bytes, ratio, reported)) in chain.iter().enumerate() {
        name = format!("{name}/{index}");
        let file = |file: &str| format!("{}/{file}", &name[1..]);
        let bytes = bytes.map_or("max".to_owned(), |bytes| bytes.to_string());
        put(
            dir.path(),
            file("memory.dirty_limit_in_bytes"),
            bytes + "\n",
        );
        put(dir.path(), file("memory.dirty_ratio"), format!("{ratio}\n"));
        if let Some(limit) = reported {
            put(
                dir.path(),
                file("memory.dirty_stat"),
                format!("limit {limit}\n"),
            );
        }
    }
    let cgroup = Hierarchy::at(dir.path())
        .resolve(OsStr::new(&name))
        .unwrap();
    let above = Snapshot::above(&cgroup).unwrap();
    assert_eq!(above.len(), chain.len());
    Origin::derive(&Snapshot::read(cgroup).unwrap().unwrap(), &above)
}

fn ancestor(cgroup: &str, limit: u64) -> Origin {
    Origin::Ancestor {
        cgroup: cgroup.into(),
        limit,
    }
}

#[test]
fn table() {
    const UNSET: Option<u64> = None;
    let own = Origin::OwnBytes { capped: false };
    let capped = Origin::OwnBytes { capped: true };
    let table: &[(&[Level], Origin)] = &[
        (&[(UNSET, "max", Some(200 * M))], Origin::System),
        (&[(UNSET, "max", None)], Origin::System),
        (&[(Some(64 * M), "max", Some(64 * M))], own.clone()),
        (&[(Some(64 * M), "max", None)], own.clone()),
        (&[(Some(64 * M), "max", Some(48 * M))], capped.clone()),
        (&[(UNSET, "10.00", Some(30 * M))], Origin::OwnRatio),
        // The parent's limit is tighter, whether the kernel reports it for the child or not.
        (
            &[
                (Some(32 * M), "max", Some(32 * M)),
                (Some(64 * M), "max", Some(32 * M)),
            ],
            ancestor("/0", 32 * M),
        ),
        (
            &[
                (Some(32 * M), "max", Some(32 * M)),
                (Some(64 * M), "max", Some(64 * M)),
            ],
            ancestor("/0", 32 * M),
        ),
        (
            &[
                (Some(32 * M), "max", Some(32 * M)),
                (UNSET, "max", Some(200 * M)),
            ],
            ancestor("/0", 32 * M),
        ),
        // A ratio above, of what the kernel makes of it.
        (
            &[
                (UNSET, "5.00", Some(32 * M)),
                (UNSET, "50.00", Some(200 * M)),
            ],
            ancestor("/0", 32 * M),
        ),
        // The parent's limit is wider, or no tighter.
        (
            &[
                (Some(64 * M), "max", Some(64 * M)),
                (Some(32 * M), "max", Some(32 * M)),
            ],
            own.clone(),
        ),
        (
            &[
                (Some(64 * M), "max", Some(64 * M)),
                (Some(64 * M), "max", Some(64 * M)),
            ],
            own,
        ),
        (
            &[
                (Some(64 * M), "max", Some(64 * M)),
                (Some(32 * M), "max", Some(16 * M)),
            ],
            capped,
        ),
        (
            &[
                (Some(300 * M), "max", Some(300 * M)),
                (UNSET, "max", Some(200 * M)),
            ],
            Origin::System,
        ),
        // The tightest of several; of equal ones the outermost.
        (
            &[
                (Some(64 * M), "max", Some(64 * M)),
                (Some(16 * M), "max", Some(16 * M)),
                (Some(32 * M), "max", Some(16 * M)),
                (UNSET, "max", Some(16 * M)),
            ],
            ancestor("/0/1", 16 * M),
        ),
        (
            &[
                (Some(16 * M), "max", Some(16 * M)),
                (UNSET, "90.00", Some(16 * M)),
                (UNSET, "max", Some(16 * M)),
            ],
            ancestor("/0", 16 * M),
        ),
    ];
    for (chain, expected) in table {
        assert_eq!(origin(chain), *expected, "{chain:?}");
    }
}

/// A limit and a background limit in bytes or `None` for max, the background limit as a ratio, and both as reported.
type Background = (Option<u64>, Option<u64>, &'static str, (u64, u64));

fn both_origins(chain: &[Background]) -> (Origin, BackgroundOrigin) {
    let dir = tempdir().unwrap();
    let mut name = String::new();
    for (index, (limit, background, ratio, (reported, reported_background))) in
        chain.iter().enumerate()
    {
        name = format!("{name}/{index}");
        let max = |bytes: &Option<u64>| bytes.map_or("max\n".to_owned(), |b| format!("{b}\n"));
        let files = [
            ("limit_in_bytes", max(limit)),
            ("background_limit_in_bytes", max(background)),
            ("background_ratio", format!("{ratio}\n")),
            (
                "stat",
                format!("limit {reported}\nbackground_limit {reported_background}\n"),
            ),
        ];
        for (file, content) in files {
            let file = format!("{}/memory.dirty_{file}", &name[1..]);
            put(dir.path(), file, content);
        }
    }
    let cgroup = Hierarchy::at(dir.path())
        .resolve(OsStr::new(&name))
        .unwrap();
    let above = Snapshot::above(&cgroup).unwrap();
    let snapshot = Snapshot::read(cgroup).unwrap().unwrap();
    (
        Origin::derive(&snapshot, &above),
        BackgroundOrigin::derive(&snapshot, &above),
    )
}

fn background_origin(chain: &[Background]) -> BackgroundOrigin {
    both_origins(chain).1
}

/// Where only a background limit is set, a derived limit is kept, and binds those below.
#[test]
fn limits_beside_background_limits() {
    const UNSET: Option<u64> = None;
    let above = (UNSET, Some(4 * M), "max", (400 * M, 4 * M));
    let own = Origin::OwnBytes { capped: false };
    let drifted = (Some(1024 * M), UNSET, "max", (400 * M - 8192, 4 * M));
    let table: &[(&[Background], Origin)] = &[
        (&[above], Origin::System),
        (
            &[above, (Some(1024 * M), UNSET, "max", (400 * M, 4 * M))],
            ancestor("/0", 400 * M),
        ),
        (&[above, drifted], ancestor("/0", 400 * M)),
        (&[above, (Some(64 * M), UNSET, "max", (64 * M, 4 * M))], own),
        // Held to so much less that it is not the ancestor's doing.
        (
            &[above, (Some(1024 * M), UNSET, "max", (300 * M, 4 * M))],
            Origin::OwnBytes { capped: true },
        ),
    ];
    for (chain, expected) in table {
        assert_eq!(both_origins(chain).0, *expected, "{chain:?}");
    }
}

#[test]
fn backgrounds() {
    use BackgroundOrigin::*;
    const UNSET: Option<u64> = None;
    let own = Own(&memcgfs::knobs::DIRTY_BACKGROUND_LIMIT);
    let (m64, m100) = (Some(64 * M), Some(100 * M));
    let in_force = |limit, background| (limit * M, background * M);
    let table: &[(&[Background], BackgroundOrigin)] = &[
        (&[(UNSET, UNSET, "max", in_force(200, 100))], System),
        (&[(m64, UNSET, "max", in_force(64, 32))], Half(HalfOf::Own)),
        (&[(m64, Some(8 * M), "max", in_force(64, 8))], own.clone()),
        (
            &[(UNSET, Some(8 * M), "max", in_force(200, 8))],
            own.clone(),
        ),
        (
            &[(m64, UNSET, "1.00", in_force(64, 30))],
            Own(&memcgfs::knobs::DIRTY_BACKGROUND_RATIO),
        ),
        // One that is no lower than the limit gives way to its half.
        (&[(m64, m100, "max", in_force(64, 32))], Half(HalfOf::Own)),
        (&[(m100, m64, "max", in_force(48, 24))], Half(HalfOf::Own)),
        (
            &[(UNSET, m100, "max", in_force(80, 40))],
            Half(HalfOf::System),
        ),
        // What is set above.
        (
            &[
                (m64, UNSET, "max", in_force(64, 32)),
                (UNSET, m100, "max", in_force(64, 32)),
            ],
            Half(HalfOf::Ancestor("/0".into())),
        ),
        (
            &[
                (UNSET, Some(8 * M), "max", in_force(200, 8)),
                (UNSET, UNSET, "max", in_force(200, 8)),
            ],
            Ancestor {
                cgroup: "/0".into(),
                background: 8 * M,
            },
        ),
        (
            &[
                (UNSET, UNSET, "1.00", in_force(200, 8)),
                (UNSET, UNSET, "50.00", in_force(200, 8)),
            ],
            Ancestor {
                cgroup: "/0".into(),
                background: 8 * M,
            },
        ),
        (
            &[
                (m64, m100, "max", in_force(64, 32)),
                (UNSET, UNSET, "max", in_force(64, 32)),
            ],
            Half(HalfOf::Ancestor("/0".into())),
        ),
        // It is wider than the cgroup's own.
        (
            &[
                (m64, Some(48 * M), "max", in_force(64, 48)),
                (UNSET, Some(8 * M), "max", in_force(64, 8)),
            ],
            own,
        ),
        (
            &[
                (m100, UNSET, "max", in_force(100, 50)),
                (m64, UNSET, "max", in_force(64, 32)),
            ],
            Half(HalfOf::Own),
        ),
    ];
    for (chain, expected) in table {
        assert_eq!(background_origin(chain), *expected, "{chain:?}");
    }
}
