// SPDX-License-Identifier: GPL-2.0

//! What each command takes.

use crate::openmetrics::Format;
use clap::Args;
use clap::ValueEnum;
use clap::ValueHint;
use memcgfs::mounting::Options;
use memcgfs::Amount;
use memcgfs::Assignment;
use memcgfs::Span;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct ShowArgs {
    /// The cgroup [default: the caller's own].
    #[arg(conflicts_with = "own", value_hint = ValueHint::DirPath)]
    pub cgroup: Option<OsString>,
    /// The caller's own cgroup.
    #[arg(long = "self")]
    pub own: bool,
    /// Print JSON: raw bytes, null for max, no key for what is absent.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// The cgroup [default: the caller's own].
    #[arg(conflicts_with = "own", value_hint = ValueHint::DirPath)]
    pub cgroup: Option<OsString>,
    /// The caller's own cgroup.
    #[arg(long = "self")]
    pub own: bool,
    /// Watch for throttling that long.
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = Span::parse)]
    pub sample: Span,
    /// Print JSON: raw bytes, null for max, no key for what is absent.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct TreeArgs {
    /// The cgroup at the top [default: the root].
    #[arg(conflicts_with = "own", value_hint = ValueHint::DirPath)]
    pub cgroup: Option<OsString>,
    /// The caller's own cgroup.
    #[arg(long = "self")]
    pub own: bool,
    /// Show what each is charged for and who pays for whom, instead of dirty limits.
    #[arg(long, conflicts_with = "json")]
    pub charges: bool,
    /// Print JSON: raw bytes, null for max, no key for what is absent.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct SetArgs {
    /// The cgroup.
    #[arg(value_hint = ValueHint::DirPath)]
    pub(super) cgroup: Option<OsString>,
    /// What to set; "memory." may be left off a knob's name.
    #[arg(value_name = "KNOB=VALUE", value_parser = Assignment::parse)]
    pub(super) assignments: Vec<Assignment>,
    /// The caller's own cgroup.
    #[arg(long = "self")]
    pub(super) own: bool,
    /// Print what is set and in force then as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct TriggerArgs {
    /// The cgroup.
    #[arg(value_hint = ValueHint::DirPath)]
    pub(super) cgroup: Option<OsString>,
    /// How much of it [default: max].
    #[arg(value_name = "SIZE|max", value_parser = Amount::parse)]
    pub(super) amount: Option<Amount>,
    /// The caller's own cgroup.
    #[arg(long = "self")]
    pub(super) own: bool,
    /// Print the outcome as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct MetricsArgs {
    /// The cgroup at the top [default: the root].
    #[arg(conflicts_with = "own", value_hint = ValueHint::DirPath)]
    pub cgroup: Option<OsString>,
    /// The caller's own cgroup.
    #[arg(long = "self")]
    pub own: bool,
    /// Leave out cgroups that are more than N levels below it.
    #[arg(long, value_name = "N")]
    pub depth: Option<usize>,
    /// Write to FILE, replacing it as a whole, instead of stdout.
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// How to put it [default: prometheus for a FILE that ends in .prom, else openmetrics].
    #[arg(long, value_enum)]
    pub(super) format: Option<Format>,
}

impl MetricsArgs {
    /// The format that is meant.
    pub fn format(&self) -> Format {
        // What a textfile collector reads ends so, and it knows the one format only.
        let collected = self
            .output
            .as_ref()
            .is_some_and(|file| file.extension() == Some(OsStr::new("prom")));
        self.format.unwrap_or(match collected {
            true => Format::Prometheus,
            false => Format::Openmetrics,
        })
    }
}

#[derive(Args, Debug)]
pub struct ApplyArgs {
    /// The TOML file; - for stdin.
    pub file: PathBuf,
    /// Print what would change and change nothing.
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Print the changes as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct GenerateArgs {
    /// A directory like /usr/share.
    pub directory: PathBuf,
}

#[derive(Args, Debug)]
pub struct WatchArgs {
    /// The cgroup [default: the caller's own].
    #[arg(conflicts_with = "own", value_hint = ValueHint::DirPath)]
    pub cgroup: Option<OsString>,
    /// The caller's own cgroup.
    #[arg(long = "self")]
    pub own: bool,
    /// The time between two looks.
    #[arg(long, short, value_name = "TIME", default_value = "1s", value_parser = Span::parse)]
    pub interval: Span,
    /// End after N looks [default: on Ctrl-C].
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub count: Option<u32>,
    /// Draw what was seen into FILE at the end.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Print a line of JSON for each look: raw bytes, null for max, no key for what is absent.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct MountArgs {
    /// The cgroup that pays for every page of the file system, whoever touches it.
    #[arg(
        long,
        value_name = "CGROUP",
        value_hint = ValueHint::DirPath,
        required_unless_present = "own",
        conflicts_with = "own"
    )]
    pub memcg: Option<OsString>,
    /// That it is the caller's own cgroup.
    #[arg(long = "self")]
    pub own: bool,
    /// The type of the file system.
    #[arg(
        short = 't',
        long = "type",
        value_name = "TYPE",
        default_value = "tmpfs"
    )]
    pub fs_type: String,
    /// Options as mount(8) takes them: size=1G,mode=0700,nosuid.
    #[arg(short, long, value_name = "OPTS", default_value = "", hide_default_value = true, value_parser = Options::parse)]
    pub options: Options,
    /// The device, for a file system that needs one.
    #[arg(short, long, value_name = "DEVICE", value_hint = ValueHint::FilePath)]
    pub source: Option<OsString>,
    /// Where to mount it.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub point: PathBuf,
}

#[derive(Args, Debug)]
pub struct MountsArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct TraceArgs {
    /// Tell only of this cgroup and those below it [default: of all].
    #[arg(conflicts_with = "own", value_hint = ValueHint::DirPath)]
    pub cgroup: Option<OsString>,
    /// The caller's own cgroup.
    #[arg(long = "self")]
    pub own: bool,
    /// End after N lines [default: on Ctrl-C].
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Read what was saved from a trace_pipe instead; - for stdin.
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Print a line of JSON for each event.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct TopArgs {
    /// The cgroup at the top [default: the root].
    #[arg(conflicts_with = "own", value_hint = ValueHint::DirPath)]
    pub cgroup: Option<OsString>,
    /// The caller's own cgroup.
    #[arg(long = "self")]
    pub own: bool,
    /// The time between two looks.
    #[arg(long, short, value_name = "TIME", default_value = "2s", value_parser = Span::parse)]
    pub interval: Span,
    /// The column to sort by.
    #[arg(long, short, value_enum, default_value_t = Column::Dirty)]
    pub sort: Column,
    /// Sort the other way round.
    #[arg(long, short)]
    pub reverse: bool,
    /// Show cgroups as a tree, sorted among those of one parent.
    #[arg(long, short)]
    pub tree: bool,
    /// Show only cgroups whose path contains TEXT.
    #[arg(
        long,
        short,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub filter: String,
    /// Look for one interval, print a table and end; needs no terminal.
    #[arg(long, short = '1')]
    pub once: bool,
    /// The same as JSON.
    #[arg(long)]
    pub json: bool,
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
    /// How full the limit is.
    Used,
    /// How long writers wait, in a second.
    Wait,
    /// How often they do, in a second.
    Waits,
    /// What was inherited from removed cgroups.
    Inherited,
}
