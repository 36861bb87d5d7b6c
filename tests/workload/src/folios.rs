// SPDX-License-Identifier: GPL-2.0

//! `folios`: counts the pages that are charged to a cgroup itself, and the folios that they are in.

use crate::error::Context;
use crate::error::Result;
use crate::frames::Frames;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// The cgroup's directory; charges to cgroups below it do not count.
    #[arg(long)]
    cgroup: PathBuf,
}

pub fn run(args: &Args) -> Result<()> {
    let inode = fs::metadata(&args.cgroup)
        .context(args.cgroup.display())?
        .ino();
    let mut frames = Frames::open()?;
    frames.read()?;
    let (mut pages, mut folios) = (0, 0);
    for (_, page) in frames
        .charged()
        .filter(|&(cgroup, page)| cgroup == inode && page.is_user())
    {
        pages += 1;
        folios += u64::from(page.begins_folio());
    }
    println!("pages={pages} folios={folios}");
    Ok(())
}
