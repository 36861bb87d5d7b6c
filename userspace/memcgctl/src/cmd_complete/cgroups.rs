// SPDX-License-Identifier: GPL-2.0

//! Candidates for a cgroup: paths, level by level, and names of units at any level.

use super::Candidates;
use crate::context::Context;
use memcgfs::lookup;
use memcgfs::Cgroup;
use memcgfs::Hierarchy;
use memcgfs::Walk;
use std::ffi::OsStr;
use std::path::Path;

/// If there are more units than this, they are only offered once a letter was typed.
const MOST: usize = 2000;

pub fn all(context: &Context, last: &str, into: &mut Candidates) {
    // Without a hierarchy, there are no candidates.
    let Ok(hierarchy) = context.hierarchy() else {
        return;
    };
    below(&hierarchy, last, into);
    if last.contains('/') {
        return;
    }
    units(&hierarchy, last, into);
    for (prefix, help) in lookup::PREFIXES {
        into.add(prefix, help);
    }
}

/// Adds the cgroups whose paths start with the word.
fn below(hierarchy: &Hierarchy, last: &str, into: &mut Candidates) {
    let (dir, _) = last
        .rsplit_once('/')
        .map_or(("", ""), |(dir, name)| (dir, name));
    let path = Path::new(
        last.get(..dir.len() + usize::from(last.contains('/')))
            .unwrap_or_default(),
    );
    let name = path.strip_prefix(hierarchy.mount()).unwrap_or(path);
    let Some(parent) = hierarchy.shown(&Path::new("/").join(name)) else {
        return;
    };
    for child in parent.children().unwrap_or_default() {
        let Some(name) = file_name(&child) else {
            continue;
        };
        let word = format!("{}{name}", path.display());
        let has_more = child.children().is_ok_and(|children| !children.is_empty());
        into.add(word.clone(), "cgroup");
        if has_more && word.starts_with(last) {
            into.add(format!("{word}/"), "and those below it");
        }
    }
}

/// Adds the units in slices.
fn units(hierarchy: &Hierarchy, last: &str, into: &mut Candidates) {
    let mut left = MOST;
    for (cgroup, depth) in Walk::new(hierarchy.root(), None).flatten() {
        let Some(name) = file_name(&cgroup).filter(|name| depth > 1 && name.starts_with(last))
        else {
            continue;
        };
        let in_slice = cgroup
            .parent()
            .and_then(|parent| Some(file_name(&parent)?.ends_with(".slice")));
        let kind = [".service", ".slice", ".scope"]
            .iter()
            .any(|kind| name.ends_with(kind));
        if kind && in_slice == Some(true) && left > 0 {
            left -= 1;
            into.add(name, "unit");
        }
    }
}

fn file_name(cgroup: &Cgroup) -> Option<String> {
    cgroup
        .name()
        .file_name()
        .and_then(OsStr::to_str)
        .map(str::to_owned)
}
