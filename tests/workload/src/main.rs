// SPDX-License-Identifier: GPL-2.0

//! `workload`: the loads that the VM tests and benchmarks run, and the instruments that watch them.
//!
//! Every subcommand prints a final line of `key=value` words on stdout, or exits non-zero with one
//! line on stderr if it could not do what was requested. It sets no limits and judges nothing: that
//! is up to the tests.

mod allocate;
mod append;
mod audit;
mod cgroup;
mod control;
mod cost;
mod error;
mod fail;
mod folios;
mod frames;
mod full;
mod fuzz;
mod grammar;
mod keep;
mod keys;
mod migrate;
mod mount;
mod peek;
mod plot;
mod punch;
mod put;
mod random;
mod read;
mod sample;
mod sink;
mod stat;
mod stats;
mod storm;
mod torture;
mod turns;
mod wait;
mod waits;
mod write;

use clap::Parser;
use error::Result;
use std::process::ExitCode;

/// Loads and instruments for tests of per-cgroup dirty limits, recharging and redirected charges.
#[derive(Parser)]
#[command(name = "workload")]
enum Command {
    /// Write files from several processes at once: by write, mmap, io_uring or O_DIRECT.
    Write(write::Args),
    /// Append small blocks at a fixed rate and measure how long each append takes.
    Append(append::Args),
    /// Allocate and free memory at a fixed rate and measure how long each allocation takes.
    Allocate(allocate::Args),
    /// Read small blocks at random from the disk at a fixed rate and measure how long each read takes.
    Peek(peek::Args),
    /// Sample a cgroup's dirty and writeback bytes at a fixed interval.
    Sample(sample::Args),
    /// Fork children that write a few pages and exit, as fast as possible.
    Storm(storm::Args),
    /// Move all processes of some cgroups to the next cgroup in turn, again and again.
    Migrate(migrate::Args),
    /// Wait until a cgroup's dirty and writeback bytes are at or below a value.
    WaitBelow(wait::Args),
    /// Wait until a cgroup's dirty and writeback bytes are at or above a value.
    WaitAbove(wait::Args),
    /// Read a part of a file once.
    Read(read::Args),
    /// Hold mapped, locked or pinned memory until asked to stop.
    Keep(keep::Args),
    /// Punch holes in a file.
    Punch(punch::Args),
    /// Print figures of a cgroup's memory.stat after bringing them up to date.
    Stat(stat::Args),
    /// Bring in pages of a file until there is no room, and print how the kernel reported that.
    Full(full::Args),
    /// Mount a file system by the new mount API and print the errno if it fails.
    Mount(mount::Args),
    /// Compare the statistics of all cgroups with the pages in memory.
    Audit(audit::Args),
    /// Count the pages that a cgroup is charged for, and the folios they are in.
    Folios(folios::Args),
    /// Write one value to a file by a single system call and print the errno.
    Put(put::Args),
    /// Make a call again and again, each time with the next of its allocations failing.
    Fail(fail::Args),
    /// Do everything that may go wrong at once, from a seed.
    Torture(torture::Args),
    /// Print how often static keys of the kernel are enabled.
    Keys(keys::Args),
    /// Write values from a grammar to the files, and mount with options from it.
    Fuzz(fuzz::Args),
    /// Measure what one 4 KiB read or write, or one fault of a shared mapping, costs.
    Cost(cost::Args),
    /// Count the places in the kernel where a process waits, until it exits.
    Waits(waits::Args),
    /// Draw samples against a limit, in characters and as SVG.
    Plot(plot::Args),
    /// Print Jain's fairness index of some numbers.
    Jain {
        /// The amount that each party got.
        #[arg(required = true)]
        values: Vec<u64>,
    },
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Write(args) => write::run(&args),
        Command::Allocate(args) => allocate::run(&args),
        Command::Append(args) => append::run(&args),
        Command::Peek(args) => peek::run(&args),
        Command::Sample(args) => sample::run(&args),
        Command::Storm(args) => storm::run(&args),
        Command::Migrate(args) => migrate::run(&args),
        Command::WaitBelow(args) => wait::run(&args, wait::Side::Below),
        Command::WaitAbove(args) => wait::run(&args, wait::Side::Above),
        Command::Read(args) => read::run(&args),
        Command::Keep(args) => keep::run(&args),
        Command::Punch(args) => punch::run(&args),
        Command::Stat(args) => stat::run(&args),
        Command::Full(args) => full::run(&args),
        Command::Mount(args) => mount::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Folios(args) => folios::run(&args),
        Command::Put(args) => put::run(&args),
        Command::Fail(args) => fail::run(&args),
        Command::Torture(args) => torture::run(&args),
        Command::Keys(args) => keys::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Cost(args) => cost::run(&args),
        Command::Waits(args) => waits::run(&args),
        Command::Plot(args) => plot::run(&args),
        Command::Jain { values } => {
            println!("jain={:.4}", stats::jain(&values));
            Ok(())
        }
    }
}

fn main() -> ExitCode {
    match run(Command::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("workload: {error}");
            ExitCode::FAILURE
        }
    }
}
