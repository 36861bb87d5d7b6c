// SPDX-License-Identifier: GPL-2.0

//! `append`: the victim that writes. Each period it appends one small block, like a logger, or with
//! a sync after each block like a database log, and records the duration.

use crate::cgroup;
use crate::error::Context;
use crate::error::Result;
use crate::error::bytes;
use crate::turns;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// The file; it is truncated first.
    #[arg(long)]
    file: PathBuf,
    /// Bytes per append.
    #[arg(long, default_value = "4k", value_parser = bytes)]
    block: u64,
    /// Sync the file after each append.
    #[arg(long)]
    fsync: bool,
    #[command(flatten)]
    schedule: turns::Schedule,
    /// Join this cgroup first.
    #[arg(long)]
    cgroup: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<()> {
    cgroup::join_if_given(args.cgroup.as_deref())?;
    let name = args.file.display();
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&args.file)
        .context(&name)?;
    let block = vec![0x5a; args.block as usize];
    turns::take(&args.schedule, || {
        file.write_all(&block).context(&name)?;
        if args.fsync {
            file.sync_all().context(&name)?;
        }
        Ok(())
    })
}
