// SPDX-License-Identifier: GPL-2.0

//! `punch`: punches out every second stretch of a file.

use crate::error::Context;
use crate::error::Result;
use crate::error::bytes;
use nix::fcntl::FallocateFlags;
use nix::fcntl::fallocate;
use std::fs::OpenOptions;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// The file.
    #[arg(long)]
    file: PathBuf,
    /// Number of bytes from the beginning of the file.
    #[arg(long, value_parser = bytes)]
    size: u64,
    /// Bytes of one stretch; the first one is punched out.
    #[arg(long, default_value = "4k", value_parser = bytes)]
    stretch: u64,
}

pub fn run(args: &Args) -> Result<()> {
    if args.stretch == 0 {
        return Err("a stretch cannot be 0".to_owned());
    }
    let name = args.file.display();
    let file = OpenOptions::new()
        .write(true)
        .open(&args.file)
        .context(&name)?;
    let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    let mut gone = 0;
    for at in (0..args.size).step_by(2 * args.stretch as usize) {
        let length = args.stretch.min(args.size - at);
        fallocate(&file, flags, at as i64, length as i64).context(&name)?;
        gone += length;
    }
    println!("bytes={gone} left={}", args.size - gone);
    Ok(())
}
