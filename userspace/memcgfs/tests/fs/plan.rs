// SPDX-License-Identifier: GPL-2.0

//! A cgroup that goes between the plan and the writing.

use crate::put;
use memcgfs::plan::Plan;
use memcgfs::settings::Settings;
use memcgfs::Hierarchy;
use memcgfs::Host;
use std::fs;
use tempfile::tempdir;

#[test]
fn gone_meanwhile() {
    for (optional, made) in [(true, Some(false)), (false, None)] {
        let dir = tempdir().unwrap();
        put(dir.path(), "a/memory.dirty_min", "0\n");
        let text = format!("[cgroup.a]\noptional = {optional}\ndirty_min = 4096\n");
        let settings = Settings::parse(&text).unwrap();
        let host = Host::at(dir.path().join("proc"), dir.path().join("sys"));
        let plan = Plan::make(&host, &Hierarchy::at(dir.path()), &settings, true).unwrap();
        assert_eq!(plan.changes.len(), 1);
        fs::remove_dir_all(dir.path().join("a")).unwrap();
        assert_eq!(plan.changes[0].make(&host).ok(), made);
    }
}
