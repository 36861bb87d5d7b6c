// SPDX-License-Identifier: GPL-2.0

//! `storm`: short-lived children, each of which writes a few pages and exits before the kernel could ever pause it.

use crate::cgroup;
use crate::control;
use crate::error::Context;
use crate::error::Result;
use nix::sys::wait::WaitStatus;
use nix::sys::wait::wait;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

#[derive(clap::Args)]
pub struct Args {
    /// Join this cgroup first.
    #[arg(long)]
    cgroup: Option<PathBuf>,
    /// The directory that the children write in.
    #[arg(long)]
    file_dir: PathBuf,
    /// How long to run.
    #[arg(long)]
    seconds: f64,
    /// Number of pages that each child writes.
    #[arg(long, default_value_t = 4)]
    pages: u64,
    /// Number of concurrent children.
    #[arg(long, default_value_t = 8)]
    parallel: usize,
}

const PAGE: u64 = 4096;
/// Each concurrent child has a file of its own, which is overwritten round and round.
const FILE_PAGES: u64 = 4096;

fn child(dir: &Path, lane: u64, turn: u64, pages: u64) -> Result<()> {
    let path = dir.join(format!("storm.{lane}"));
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .context(path.display())?;
    for page in 0..pages {
        let offset = (turn * pages + page) % FILE_PAGES * PAGE;
        file.write_all_at(&[0xa5; PAGE as usize], offset)
            .context(path.display())?;
    }
    Ok(())
}

pub fn run(args: &Args) -> Result<()> {
    cgroup::join_if_given(args.cgroup.as_deref())?;
    let lanes = args.parallel.max(1) as u64;
    let end = Instant::now() + Duration::from_secs_f64(args.seconds);
    let mut running = 0;
    let mut children = 0;
    let mut failed = 0;
    let mut reap = || -> Result<()> {
        if !matches!(
            wait().context("wait for a child")?,
            WaitStatus::Exited(_, 0)
        ) {
            failed += 1;
        }
        Ok(())
    };
    while Instant::now() < end {
        if running == lanes {
            reap()?;
            running -= 1;
        }
        let (lane, turn) = (children % lanes, children / lanes);
        control::spawn(|| child(&args.file_dir, lane, turn, args.pages))?;
        children += 1;
        running += 1;
    }
    for _ in 0..running {
        reap()?;
    }
    println!(
        "children={children} failed={failed} bytes={}",
        children * args.pages * PAGE
    );
    if failed > 0 {
        return Err(format!("{failed} of {children} children failed"));
    }
    Ok(())
}
