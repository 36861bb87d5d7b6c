// SPDX-License-Identifier: GPL-2.0

//! memcgctl: look at per-cgroup dirty limits, set them, start writeback.
//!
//! This crate is the command line and the display. What a cgroup's files are and mean is in `memcgfs`.

mod cli;
mod cmd_check;
mod cmd_flush;
mod cmd_set;
mod cmd_show;
mod cmd_tree;
mod context;
mod exit;
mod output;
mod report;

use clap::Parser;
use cli::Cli;
use cli::Command;
use context::Context;
use exit::Exit;
use std::process::ExitCode;

fn main() -> ExitCode {
    run().unwrap_or_else(|error| exit::report(&error)).into()
}

fn run() -> anyhow::Result<Exit> {
    let cli = Cli::try_parse()?;
    let context = Context::new(&cli.places);
    match cli.command {
        Command::Check(args) => cmd_check::run(&context, &args),
        Command::Show(args) => cmd_show::run(&context, &args),
        Command::Tree(args) => cmd_tree::run(&context, &args),
        Command::Set(args) => cmd_set::run(&context, args),
        Command::Flush(args) => cmd_flush::run(&context, args),
    }
}
