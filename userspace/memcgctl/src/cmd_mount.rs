// SPDX-License-Identifier: GPL-2.0

//! `memcgctl mount`: mounts a file system whose pages are charged to one cgroup.

use crate::cli::MountArgs;
use crate::context::Context;
use crate::exit::Exit;
use memcgfs::mounting::Mounting;

pub fn run(context: &Context, args: &MountArgs) -> anyhow::Result<Exit> {
    let memcg = context.named_or_own(args.memcg.as_ref())?;
    // Like mount(8), print nothing on success.
    Mounting {
        fs_type: &args.fs_type,
        source: args.source.as_deref(),
        options: args.options.clone(),
        memcg: &memcg,
        point: &args.point,
    }
    .mount(&context.host)?;
    Ok(Exit::Done)
}
