// SPDX-License-Identifier: GPL-2.0

//! The command line. What knobs there are comes from the library's list.

mod args;
pub mod help;
mod target;

pub use args::*;
pub use target::usage;
pub use target::Target;

use crate::cmd_top::keys;
use clap::Args;
use clap::FromArgMatches;
use clap::Parser;
use clap::Subcommand;
use memcgfs::knobs;
use std::env;
use std::fmt::Write;
use std::path::PathBuf;

/// What a file for `apply` looks like.
const APPLY: &str = "\
A file:

  [sysfs]                              # switches in /sys/kernel/mm/memcg_knobs
  recharge_adopt = true
  recharge_scope = \"subtree\"

  [cgroup.\"system.slice\"]              # a path below the cgroup2 mount
  dirty_limit_in_bytes = \"256M\"        # a size, \"max\" or a number of bytes

  [cgroup.\"backup.service\"]            # a systemd unit
  optional = true                      # no error if it is not running
  dirty_ratio = 2.5

All of it is checked before anything is written; what holds already is not written again.";

/// Dirty limits and charges of cgroups: look at them, explain them, set them.
#[derive(Debug, Parser)]
#[command(name = "memcgctl", version)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
#[command(args_override_self = true)]
pub struct Cli {
    #[command(flatten)]
    pub places: Places,
    #[command(subcommand)]
    pub command: Command,
}

/// Where the kernel's files are; elsewhere in tests.
#[derive(Args, Debug)]
pub struct Places {
    /// Take DIR for the cgroup2 mount.
    #[arg(long, global = true, hide = true, value_name = "DIR")]
    pub cgroup_root: Option<PathBuf>,
    /// Take DIR for /proc.
    #[arg(
        long,
        global = true,
        hide = true,
        value_name = "DIR",
        default_value = "/proc"
    )]
    pub proc_root: PathBuf,
    /// Take DIR for /sys.
    #[arg(
        long,
        global = true,
        hide = true,
        value_name = "DIR",
        default_value = "/sys"
    )]
    pub sys_root: PathBuf,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tell whether this machine can hold dirty limits, and what to do if not.
    Check(CheckArgs),
    /// Show a cgroup's limits, what is in force and why, its dirty pages, and who pays for what.
    Show(ShowArgs),
    /// Show the same for a cgroup and all below it, as a table.
    Tree(TreeArgs),
    /// Derive the limit in force from raw figures, tell who binds and what to change.
    Explain(ExplainArgs),
    /// Show all cgroups in a table that renews itself.
    #[command(after_help = keys::help())]
    Top(TopArgs),
    /// Watch a cgroup's dirty pages against their limit over time.
    Watch(WatchArgs),
    /// Tell of each writer that waits and each charge that goes elsewhere, as it happens.
    Trace(TraceArgs),
    /// Set knobs of a cgroup and tell what took force.
    #[command(
        override_usage = "memcgctl set [OPTIONS] <CGROUP|--self> <KNOB=VALUE>...",
        after_help = knob_help()
    )]
    Set(SetArgs),
    /// Write back a cgroup's dirty pages and wait for it.
    #[command(override_usage = "memcgctl flush [OPTIONS] <CGROUP|--self> [SIZE|max]")]
    Flush(TriggerArgs),
    /// Move what a cgroup inherited from removed ones to its users, and wait for it.
    #[command(override_usage = "memcgctl recharge [OPTIONS] <CGROUP|--self> [SIZE|max]")]
    Recharge(TriggerArgs),
    /// Mount a file system whose pages are all charged to one cgroup.
    #[command(override_usage = "memcgctl mount [OPTIONS] <--memcg <CGROUP>|--self> <DIR>")]
    Mount(MountArgs),
    /// List such mounts.
    Mounts(MountsArgs),
    /// Set what a TOML file declares, where it is not set yet.
    #[command(after_help = APPLY)]
    Apply(ApplyArgs),
    /// Print the figures of all cgroups for a collector: OpenMetrics, or the text format of Prometheus.
    Metrics(MetricsArgs),
    /// Write man pages and completions for bash, zsh and fish below a directory.
    #[command(hide = true)]
    Generate(GenerateArgs),
}

impl Cli {
    /// The command line that this process was started with.
    pub fn from_env() -> Result<Self, clap::Error> {
        // systemd's name of the root would be taken for options.
        let words = env::args_os().map(|word| match word == "-.slice" {
            true => "/".into(),
            false => word,
        });
        Self::from_arg_matches(&help::command().try_get_matches_from(words)?)
    }
}

/// The knobs and what they are for.
fn knob_help() -> String {
    let width = knobs::settable()
        .map(|knob| knob.short_name().len())
        .max()
        .unwrap_or(0);
    let mut text = String::from("Knobs:");
    for knob in knobs::settable() {
        // Writing to a String does not fail.
        let _ = write!(text, "\n  {:width$}  {}", knob.short_name(), knob.help);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consistent() {
        help::command().debug_assert();
    }
}
