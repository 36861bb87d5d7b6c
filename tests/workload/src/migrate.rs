// SPDX-License-Identifier: GPL-2.0

//! `migrate`: moves all processes of some cgroups round and round between them.

use crate::error::Context;
use crate::error::Result;
use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;
use std::time::Instant;

#[derive(clap::Args)]
pub struct Args {
    /// The cgroups, in the order of the round.
    #[arg(long = "to", required = true, num_args = 2..)]
    cgroups: Vec<PathBuf>,
    /// Time between two moves.
    #[arg(long, default_value_t = 20)]
    every_ms: u64,
    /// How long to run.
    #[arg(long)]
    seconds: f64,
}

pub fn run(args: &Args) -> Result<()> {
    let procs: Vec<PathBuf> = args
        .cgroups
        .iter()
        .map(|dir| dir.join("cgroup.procs"))
        .collect();
    let end = Instant::now() + Duration::from_secs_f64(args.seconds);
    let mut moves = 0;
    while Instant::now() < end {
        // List all processes before moving any, so that each moves one step.
        let mut lists = Vec::new();
        for file in &procs {
            lists.push(fs::read_to_string(file).context(file.display())?);
        }
        for (here, list) in lists.iter().enumerate() {
            let next = &procs[(here + 1) % procs.len()];
            for pid in list.lines() {
                match fs::write(next, pid) {
                    Ok(()) => moves += 1,
                    // It has exited meanwhile.
                    Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
                    Err(error) => return Err(format!("move {pid} to {}: {error}", next.display())),
                }
            }
        }
        sleep(Duration::from_millis(args.every_ms));
    }
    println!("moves={moves}");
    Ok(())
}
