// SPDX-License-Identifier: GPL-2.0

//! `memcgctl mounts`: the mounts whose pages are charged to a cgroup of their own.

use crate::cli::MountsArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::json::Name;
use crate::output;
use crate::table;
use memcgfs::escaped;
use memcgfs::Mount;
use serde::Serialize;
use std::os::unix::ffi::OsStrExt;

#[derive(Serialize)]
struct Listing {
    mounts: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    /// Where it is mounted.
    point: String,
    /// The same in bytes, if it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    point_bytes: Option<Vec<u8>>,
    fs_type: String,
    source: String,
    /// Who pays, relative to the reader's cgroup namespace.
    #[serde(flatten)]
    memcg: Name,
}

pub fn run(context: &Context, args: &MountsArgs) -> anyhow::Result<Exit> {
    let mounts = context.host.mounts()?;
    let charged = || {
        let memcg = |mount: Mount| mount.memcg.clone().map(|memcg| (mount, memcg));
        mounts.iter().cloned().filter_map(memcg)
    };
    if args.json {
        let entry = |(mount, memcg): (Mount, std::ffi::OsString)| Entry {
            point: mount.point.to_string_lossy().into_owned(),
            point_bytes: mount
                .point
                .to_str()
                .is_none()
                .then(|| mount.point.as_os_str().as_bytes().to_vec()),
            fs_type: mount.fs_type,
            source: mount.source.to_string_lossy().into_owned(),
            memcg: Name::new(&memcg),
        };
        output::json(&Listing {
            mounts: charged().map(entry).collect(),
        })?;
        return Ok(Exit::Done);
    }
    let mut rows = vec![["MOUNT", "TYPE", "CGROUP"].map(str::to_owned)];
    for (mount, memcg) in charged() {
        rows.push([escaped(&mount.point), mount.fs_type, escaped(memcg)]);
    }
    if rows.len() > 1 {
        output::data(&table::texts(&rows))?;
    }
    Ok(Exit::Done)
}
