// SPDX-License-Identifier: GPL-2.0

//! `memcgctl mounts`: lists the mounts whose pages are charged to one cgroup.

use crate::charging::MountReport;
use crate::cli::MountsArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use crate::table;
use memcgfs::escaped;
use serde::Serialize;

#[derive(Serialize)]
struct Listing {
    mounts: Vec<MountReport>,
}

pub fn run(context: &Context, args: &MountsArgs) -> anyhow::Result<Exit> {
    let mounts = context.charged_mounts()?;
    if args.json {
        let mounts = mounts.iter().map(MountReport::new).collect();
        output::json(&Listing { mounts })?;
        return Ok(Exit::Done);
    }
    let mut rows = vec![["MOUNT", "TYPE", "CGROUP", "PAID BY"].map(str::to_owned)];
    for charged in &mounts {
        let payer = charged.payer.as_ref();
        rows.push([
            escaped(&charged.mount.point),
            escaped(&charged.mount.fs_type),
            escaped(&charged.memcg),
            payer.map_or_else(|| "-".to_owned(), |payer| escaped(payer.path())),
        ]);
    }
    if rows.len() > 1 {
        output::data(&table::texts(&rows))?;
    }
    Ok(Exit::Done)
}
