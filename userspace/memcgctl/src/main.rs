// SPDX-License-Identifier: GPL-2.0

//! memcgctl: show, explain and set dirty limits and charges of cgroups.
//!
//! This crate has the command line and the display. `memcgfs` provides access to the files of
//! cgroups.

mod charging;
mod cli;
mod cmd_apply;
mod cmd_check;
mod cmd_complete;
mod cmd_explain;
mod cmd_flush;
mod cmd_generate;
mod cmd_metrics;
mod cmd_mount;
mod cmd_mounts;
mod cmd_recharge;
mod cmd_record;
mod cmd_set;
mod cmd_show;
mod cmd_suggest;
mod cmd_top;
mod cmd_trace;
mod cmd_tree;
mod cmd_watch;
mod context;
mod exit;
mod files;
mod json;
mod openmetrics;
mod output;
mod report;
mod shell;
mod stop;
mod table;
mod trigger;

use cli::Cli;
use cli::Command;
use context::Context;
use exit::Exit;
use std::process::ExitCode;

fn main() -> ExitCode {
    run().unwrap_or_else(|error| exit::report(&error)).into()
}

fn run() -> anyhow::Result<Exit> {
    let cli = Cli::from_env()?;
    let context = Context::new(&cli.places);
    match cli.command {
        Command::Check(args) => cmd_check::run(&context, &args),
        Command::Show(args) => cmd_show::run(&context, &args),
        Command::Tree(args) => cmd_tree::run(&context, &args),
        Command::Explain(args) => cmd_explain::run(&context, &args),
        Command::Suggest(args) => cmd_suggest::run(&context, &args),
        Command::Top(args) => cmd_top::run(&context, &args),
        Command::Watch(args) => cmd_watch::run(&context, &args),
        Command::Trace(args) => cmd_trace::run(&context, &args),
        Command::Record(args) => cmd_record::run(&context, &args),
        Command::Set(args) => cmd_set::run(&context, &args),
        Command::Flush(args) => cmd_flush::run(&context, args),
        Command::Recharge(args) => cmd_recharge::run(&context, args),
        Command::Mount(args) => cmd_mount::run(&context, &args),
        Command::Mounts(args) => cmd_mounts::run(&context, &args),
        Command::Apply(args) => cmd_apply::run(&context, &args),
        Command::Metrics(args) => cmd_metrics::run(&context, &args),
        Command::Help(args) => Err(Cli::help(args.command.as_deref()).into()),
        Command::Generate(args) => cmd_generate::run(&args),
        Command::Complete(args) => cmd_complete::run(&context, &args),
    }
}
