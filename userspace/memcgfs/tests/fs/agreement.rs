// SPDX-License-Identifier: GPL-2.0

//! Where limits come from is told in two ways: by what the kernel reports, which is cheap, and by the derivation from raw
//! figures. Whatever is set, the two name the same place.

use crate::derivation::cgroup;
use crate::derivation::machine;
use crate::put;
use memcgfs::derivation::Derivation;
use memcgfs::derivation::Place;
use memcgfs::BackgroundOrigin;
use memcgfs::Cgroup;
use memcgfs::HalfOf;
use memcgfs::Hierarchy;
use memcgfs::Host;
use memcgfs::Origin;
use memcgfs::Snapshot;
use proptest::prelude::*;
use std::ffi::OsStr;
use tempfile::TempDir;

/// What is set: nothing, so many MiB, or so many percent.
#[derive(Clone, Copy, Debug)]
enum Setting {
    Max,
    Mebibytes(u64),
    Percent(u64),
}

fn setting() -> impl Strategy<Value = Setting> {
    prop_oneof![
        Just(Setting::Max),
        (1..6000u64).prop_map(Setting::Mebibytes),
        (1..=100u64).prop_map(Setting::Percent),
    ]
}

impl Setting {
    /// What the files for bytes and for a ratio read.
    fn files(self) -> [String; 2] {
        match self {
            Self::Max => ["max".to_owned(), "max".to_owned()],
            Self::Mebibytes(size) => [(size << 20).to_string(), "max".to_owned()],
            Self::Percent(percent) => ["max".to_owned(), format!("{percent}.00")],
        }
    }
}

/// Make the cgroups, the outermost first, and let the kernel report what holds in each.
fn made(chain: &[(Setting, Setting)]) -> (TempDir, Vec<(Cgroup, Derivation)>) {
    let dir = machine();
    let host = Host::at(dir.path().join("proc"), dir.path().join("sys"));
    let mut name = String::new();
    let mut cgroups = Vec::new();
    for (index, (limit, background)) in chain.iter().enumerate() {
        name = format!("{name}/{index}");
        let [bytes, ratio] = limit.files();
        let [background_bytes, background_ratio] = background.files();
        let files = [
            ("memory.dirty_limit_in_bytes", bytes.as_str()),
            ("memory.dirty_ratio", &ratio),
            ("memory.dirty_background_limit_in_bytes", &background_bytes),
            ("memory.dirty_background_ratio", &background_ratio),
        ];
        cgroup(&dir, &name[1..], &files);
        let hierarchy = Hierarchy::at(dir.path().join("cgroup"));
        let cgroup = hierarchy.resolve(OsStr::new(&name)).unwrap();
        let derivation = Derivation::derive(&host, &cgroup).unwrap().unwrap();
        let stat = format!(
            "limit {}\nbackground_limit {}\n",
            derivation.limit, derivation.background
        );
        put(dir.path(), format!("cgroup{name}/memory.dirty_stat"), stat);
        cgroups.push((cgroup, derivation));
    }
    (dir, cgroups)
}

fn expected(derivation: &Derivation, limit: Setting) -> Origin {
    let Place::Level(index) = derivation.tightest else {
        return Origin::System;
    };
    let level = &derivation.levels[index];
    let bound = level.bound.unwrap();
    match limit {
        _ if index != 0 => Origin::Ancestor {
            cgroup: level.cgroup.path(),
            limit: bound.limit,
        },
        Setting::Max => Origin::System,
        Setting::Mebibytes(size) => Origin::OwnBytes {
            capped: bound.limit < size << 20,
        },
        Setting::Percent(_) => Origin::OwnRatio,
    }
}

/// The background limit that follows from where it is said to come from.
fn implied(derivation: &Derivation, origin: &BackgroundOrigin) -> u64 {
    let own = &derivation.levels[0];
    match origin {
        BackgroundOrigin::Own(_) => own.own_background.unwrap(),
        BackgroundOrigin::Half(HalfOf::Own) => own.bound.unwrap().limit / 2,
        BackgroundOrigin::Half(HalfOf::System) => {
            let levels = derivation.levels.iter();
            levels.map(|level| level.derived_limit / 2).min().unwrap()
        }
        BackgroundOrigin::Half(HalfOf::Ancestor(path)) => {
            let mut levels = derivation.levels.iter();
            let level = levels.find(|level| level.cgroup.path() == *path).unwrap();
            level.bound.unwrap().limit / 2
        }
        BackgroundOrigin::Ancestor { background, .. } => *background,
        BackgroundOrigin::System => own.bound.unwrap().background,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn origins(chain in proptest::collection::vec((setting(), setting()), 1..4)) {
        let (_dir, cgroups) = made(&chain);
        for ((cgroup, derivation), (limit, _)) in cgroups.iter().zip(&chain) {
            let snapshot = Snapshot::read(cgroup.clone()).unwrap().unwrap();
            let above = Snapshot::above(cgroup).unwrap();
            // Of limits that may be equal either may be named.
            let near = derivation.limit + memcgfs::derivation::drift(derivation.limit);
            let bounds = derivation.levels.iter().filter_map(|level| level.bound);
            let equal = bounds.filter(|bound| bound.limit <= near).count();
            if equal == 1 {
                prop_assert_eq!(Origin::derive(&snapshot, &above), expected(derivation, *limit));
            }
            let origin = BackgroundOrigin::derive(&snapshot, &above);
            let off = implied(derivation, &origin).abs_diff(derivation.background);
            // Halves are of whole pages.
            prop_assert!(off <= 8192, "{:?} {:?}", origin, derivation);
        }
    }
}
