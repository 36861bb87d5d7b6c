// SPDX-License-Identifier: GPL-2.0

//! `stat`: prints figures from a cgroup's `memory.stat`, after bringing all statistics up to date.

use crate::cgroup;
use crate::error::Context;
use crate::error::Result;
use std::fs;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// The cgroup's directory.
    #[arg(long)]
    cgroup: PathBuf,
    /// First process pages that wait to be put on their lists or to be marked as locked.
    #[arg(long)]
    drain: bool,
    /// The keys; all if none are given.
    keys: Vec<String>,
}

pub fn run(args: &Args) -> Result<()> {
    if args.drain {
        cgroup::drain()?;
    }
    cgroup::flush(cgroup::mount_of(&args.cgroup)?)?;
    let path = args.cgroup.join("memory.stat");
    let text = fs::read_to_string(&path).context(path.display())?;
    let figures: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();
    for wanted in &args.keys {
        if !figures.iter().any(|(key, _)| key == wanted) {
            return Err(format!("{}: no line \"{wanted}\"", path.display()));
        }
    }
    let words: Vec<String> = figures
        .iter()
        .filter(|(key, _)| args.keys.is_empty() || args.keys.iter().any(|wanted| wanted == key))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    println!("{}", words.join(" "));
    Ok(())
}
