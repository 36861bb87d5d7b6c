// SPDX-License-Identifier: GPL-2.0

//! `allocate`: the victim that needs memory. Each period it maps, fills and frees a few pages, as a
//! service does for a request, and records the duration.

use crate::cgroup;
use crate::error::Result;
use crate::error::bytes;
use crate::keep::Kind;
use crate::keep::map_anonymous;
use crate::turns;
use std::num::NonZeroUsize;
use std::path::PathBuf;

const PAGE: usize = 4096;

#[derive(clap::Args)]
pub struct Args {
    /// Bytes to allocate each time.
    #[arg(long, value_parser = bytes)]
    size: u64,
    #[command(flatten)]
    schedule: turns::Schedule,
    /// Join this cgroup first.
    #[arg(long)]
    cgroup: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<()> {
    cgroup::join_if_given(args.cgroup.as_deref())?;
    let length = NonZeroUsize::new(args.size as usize).ok_or("nothing to allocate")?;
    turns::take(&args.schedule, || {
        let memory = map_anonymous(length, Kind::Normal)?;
        memory.fill(PAGE);
        memory.unmap();
        Ok(())
    })
}
