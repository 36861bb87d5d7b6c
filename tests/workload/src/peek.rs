// SPDX-License-Identifier: GPL-2.0

//! `peek`: the victim that reads. Each period it reads one block from a random place of a file,
//! bypassing the page cache, and records the duration.

use crate::cgroup;
use crate::error::Context;
use crate::error::Result;
use crate::sink::AlignedBlock;
use crate::turns;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

const BLOCK: u64 = 4096;

#[derive(clap::Args)]
pub struct Args {
    /// The file, of at least one block.
    #[arg(long)]
    file: PathBuf,
    #[command(flatten)]
    schedule: turns::Schedule,
    /// Join this cgroup first.
    #[arg(long)]
    cgroup: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<()> {
    cgroup::join_if_given(args.cgroup.as_deref())?;
    let name = args.file.display();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECT)
        .open(&args.file)
        .context(&name)?;
    let blocks = file.metadata().context(&name)?.len() / BLOCK;
    if blocks == 0 {
        return Err(format!("{name}: is shorter than {BLOCK} bytes"));
    }
    let mut block = AlignedBlock::new(BLOCK as usize)?;
    // Use the same places in each run, so that only the other load of the disk differs.
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    turns::take(&args.schedule, || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        file.read_exact_at(block.bytes_mut(), random % blocks * BLOCK)
            .context(&name)
    })
}
