// SPDX-License-Identifier: GPL-2.0

//! The arguments of commands that run continuously.

use super::Filter;
use super::Top;
use clap::Args;
use clap::ValueEnum;
use clap::ValueHint;
use memcgfs::Span;
use std::ffi::OsString;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub struct WatchArgs {
    /// The cgroups [default: the caller's own].
    #[arg(value_name = "CGROUP", conflicts_with = "own", value_hint = ValueHint::DirPath)]
    pub cgroups: Vec<OsString>,
    /// Use the caller's own cgroup.
    #[arg(long = "self")]
    pub own: bool,
    /// The interval between samples.
    #[arg(long, short, value_name = "TIME", default_value = "1s", value_parser = Span::parse)]
    pub interval: Span,
    /// Stop after N samples [default: on Ctrl-C].
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub count: Option<u32>,
    /// Write a graph of a single cgroup to FILE at the end.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Print a line of JSON for each sample: raw bytes, null for max, no key for absent values.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct TraceArgs {
    /// Trace only this cgroup and those below it [default: all].
    #[arg(conflicts_with = "own", value_hint = ValueHint::DirPath)]
    pub cgroup: Option<OsString>,
    /// Use the caller's own cgroup.
    #[arg(long = "self")]
    pub own: bool,
    /// Stop after N lines [default: on Ctrl-C].
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Read a saved trace_pipe from FILE instead; - for stdin.
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Print a line of JSON for each event.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct TopArgs {
    #[command(flatten)]
    pub start: Top,
    /// The interval between samples.
    #[arg(long, short, value_name = "TIME", default_value = "2s", value_parser = Span::parse)]
    pub interval: Span,
    /// The column to sort by.
    #[arg(long, short, value_enum, default_value_t = Column::Dirty)]
    pub sort: Column,
    /// Reverse the order.
    #[arg(long, short)]
    pub reverse: bool,
    /// Show cgroups as a tree, sorted among siblings.
    #[arg(long, short)]
    pub tree: bool,
    #[command(flatten)]
    pub filter: Filter,
    /// Hide cgroups that have neither dirty pages nor waiting writers.
    #[arg(long)]
    pub hide_idle: bool,
    /// Show a recording that `memcgctl record` wrote to FILE.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cgroup", "own", "interval", "once", "json"], value_hint = ValueHint::FilePath)]
    pub replay: Option<PathBuf>,
    /// Sample for one interval, print a table and exit; needs no terminal.
    #[arg(long, short = '1')]
    pub once: bool,
    /// Sample for one interval and print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct RecordArgs {
    /// The file to write.
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    #[command(flatten)]
    pub start: Top,
    /// The interval between samples.
    #[arg(long, short, value_name = "TIME", default_value = "5s", value_parser = Span::parse)]
    pub interval: Span,
    /// Stop after N samples [default: on Ctrl-C].
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub count: Option<u32>,
}

/// A column of `top`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Column {
    /// The path.
    Cgroup,
    /// Dirty bytes.
    Dirty,
    /// Bytes under writeback.
    Writeback,
    /// The limit in force.
    Limit,
    /// The part of the limit that is used.
    Used,
    /// Whether writers are slowed or stopped.
    Writers,
    /// The number of waiting tasks.
    Waiting,
    /// The time that writers wait, per second.
    Wait,
    /// The number of waits, per second.
    Waits,
    /// The time that writeback is held back, per second.
    Paced,
    /// Memory inherited from removed cgroups.
    Inherited,
}
