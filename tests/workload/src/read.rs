// SPDX-License-Identifier: GPL-2.0

//! `read`: reads a part of a file once, as a process in a cgroup.
//!
//! It allocates all of its memory in advance and frees none of it, so that it can continue to read
//! when its cgroup becomes full. With `--same-as` it compares the data with another file.

use crate::cgroup;
use crate::error::Context;
use crate::error::Result;
use crate::error::bytes;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Instant;

#[derive(clap::Args)]
pub struct Args {
    /// The file.
    #[arg(long)]
    file: PathBuf,
    /// Number of bytes to read; it is an error if the file is shorter.
    #[arg(long, value_parser = bytes)]
    size: u64,
    /// Offset of the first byte in the file.
    #[arg(long, default_value = "0", value_parser = bytes)]
    offset: u64,
    /// Fail unless this file has the same data there.
    #[arg(long)]
    same_as: Option<PathBuf>,
    /// Bytes per call.
    #[arg(long, default_value = "64k", value_parser = bytes)]
    block: u64,
    /// Join this cgroup first.
    #[arg(long)]
    cgroup: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<()> {
    if args.block == 0 {
        return Err("a block cannot be 0".to_owned());
    }
    cgroup::join_if_given(args.cgroup.as_deref())?;
    let name = args.file.display();
    let file = File::open(&args.file).context(&name)?;
    let buffer = vec![0x5a; args.block.min(args.size) as usize].leak();
    let other = match &args.same_as {
        Some(path) => Some((File::open(path).context(path.display())?, path.display())),
        None => None,
    };
    let mut wanted = vec![0; other.as_ref().map_or(0, |_| buffer.len())];
    println!("file={name} size={}", args.size);
    let start = Instant::now();
    let mut done = 0;
    while done < args.size {
        let length = args.block.min(args.size - done) as usize;
        file.read_exact_at(&mut buffer[..length], args.offset + done)
            .context(&name)?;
        if let Some((other, path)) = &other {
            other
                .read_exact_at(&mut wanted[..length], args.offset + done)
                .context(path)?;
            if buffer[..length] != wanted[..length] {
                return Err(format!("{name} differs from {path} after {done} bytes"));
            }
        }
        done += length as u64;
    }
    println!("bytes={done} ms={}", start.elapsed().as_millis());
    Ok(())
}
