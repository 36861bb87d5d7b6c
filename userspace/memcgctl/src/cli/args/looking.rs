// SPDX-License-Identifier: GPL-2.0

//! The arguments of commands that read once and change nothing.

use super::Filter;
use super::Top;
use clap::Args;
use clap::ValueEnum;
use clap::ValueHint;
use memcgfs::Span;
use std::ffi::OsString;

#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct ShowArgs {
    /// The cgroup [default: the caller's own].
    #[arg(conflicts_with_all = ["own", "system"], value_hint = ValueHint::DirPath)]
    pub cgroup: Option<OsString>,
    /// Use the caller's own cgroup.
    #[arg(long = "self")]
    pub own: bool,
    /// Show the switches of the whole machine instead of a cgroup.
    #[arg(long, conflicts_with = "own")]
    pub system: bool,
    /// Print JSON: raw bytes, null for max, no key for absent values.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// The cgroup [default: the caller's own].
    #[arg(conflicts_with = "own", value_hint = ValueHint::DirPath)]
    pub cgroup: Option<OsString>,
    /// Use the caller's own cgroup.
    #[arg(long = "self")]
    pub own: bool,
    /// The time for which to watch for throttling.
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = Span::parse)]
    pub sample: Span,
    /// Print JSON: raw bytes, null for max, no key for absent values.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct TreeArgs {
    #[command(flatten)]
    pub start: Top,
    /// Show the memory charged to each cgroup and which cgroup pays for it, instead of dirty limits.
    #[arg(long, conflicts_with = "json")]
    pub charges: bool,
    /// Leave out cgroups that are more than N levels below the top.
    #[arg(long, short, value_name = "N")]
    pub depth: Option<usize>,
    /// Sort siblings: by name, or largest first.
    #[arg(long, short, value_enum, default_value_t = TreeOrder::Cgroup)]
    pub sort: TreeOrder,
    #[command(flatten)]
    pub filter: Filter,
    /// Print JSON: raw bytes, null for max, no key for absent values.
    #[arg(long)]
    pub json: bool,
}

/// What `tree` sorts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TreeOrder {
    /// The name.
    Cgroup,
    /// Bytes dirty and under writeback.
    Dirty,
    /// The time that writers have waited.
    Throttled,
    /// Memory inherited from removed cgroups.
    Inherited,
    /// All charged memory, with --charges.
    Memory,
}

#[derive(Args, Debug)]
pub struct SuggestArgs {
    /// The cgroup to suggest a limit for [default: none, a limit for the device].
    #[arg(conflicts_with = "own", value_hint = ValueHint::DirPath)]
    pub cgroup: Option<OsString>,
    /// Use the caller's own cgroup.
    #[arg(long = "self")]
    pub own: bool,
    /// The device, as sda, /dev/sda or 8:0 [default: the one with the most bytes written].
    #[arg(long, value_name = "DEV")]
    pub device: Option<OsString>,
    /// The time in which the device should write back a full limit.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = Span::parse)]
    pub drain: Span,
    /// Measure the bandwidth by writing to a new file in DIR instead of taking the kernel's estimate.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub measure: Option<std::path::PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct HelpArgs {
    /// The command.
    pub command: Option<String>,
}

#[derive(Args, Debug)]
pub struct MountsArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
