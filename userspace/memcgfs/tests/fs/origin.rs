// SPDX-License-Identifier: GPL-2.0

//! Which limit is named as the one in force. Each case is a chain of cgroups from the outermost to the one asked
//! about: what is set in each (bytes, ratio) and the limit that the kernel reports for it.

use crate::put;
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
