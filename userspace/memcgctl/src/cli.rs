// SPDX-License-Identifier: GPL-2.0

//! The command line. The knobs in it are taken from the library's list.

mod args;
pub mod help;
mod target;

pub use args::*;
pub use target::amount;
pub use target::usage;
pub use target::Target;
pub use target::Wanted;

use crate::cmd_top::keys;
use clap::error::ErrorKind;
use clap::Args;
use clap::FromArgMatches;
use clap::Parser;
use clap::Subcommand;
use memcgfs::knobs;
use memcgfs::switches;
use std::env;
use std::fmt::Write;
use std::path::PathBuf;

/// An example of a file for `apply`.
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

The whole file is checked before anything is written; values that are already set are not written again.";

/// Show, explain and set dirty limits and charges of cgroups.
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
    /// Use DIR as the cgroup2 mount.
    #[arg(long, global = true, hide = true, value_name = "DIR")]
    pub cgroup_root: Option<PathBuf>,
    /// Use DIR as /proc.
    #[arg(
        long,
        global = true,
        hide = true,
        value_name = "DIR",
        default_value = "/proc"
    )]
    pub proc_root: PathBuf,
    /// Use DIR as /sys.
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
    /// Check that this machine supports dirty limits, and suggest how to fix what is missing.
    Check(CheckArgs),
    /// Show a cgroup's limits, which of them apply and why, its dirty pages, and which cgroup pays for its files.
    Show(ShowArgs),
    /// Show a table of a cgroup and all cgroups below it.
    Tree(TreeArgs),
    /// Explain which limit writers reach first, how it was derived, and what to change.
    Explain(ExplainArgs),
    /// Suggest a limit and a pace that fit a device, and the command that sets them.
    Suggest(SuggestArgs),
    /// Show all cgroups in a table that is updated continuously.
    #[command(after_help = keys::help())]
    Top(TopArgs),
    /// Watch the dirty pages of cgroups against their limits over time.
    Watch(WatchArgs),
    /// Trace throttled writers and redirected charges as they happen.
    Trace(TraceArgs),
    /// Record the figures that top shows, for top --replay.
    Record(RecordArgs),
    /// Set files of cgroups or switches of the machine, and show the limits that took effect.
    #[command(
        override_usage = "memcgctl set [OPTIONS] <CGROUP...|--self> <KNOB=VALUE>...\n       \
                          memcgctl set [OPTIONS] --system <SWITCH=VALUE>...",
        after_help = knob_help()
    )]
    Set(SetArgs),
    /// Write back a cgroup's dirty pages and wait until that is done.
    #[command(override_usage = "memcgctl flush [OPTIONS] <CGROUP|--self> [SIZE|max]")]
    Flush(TriggerArgs),
    /// Move the memory that a cgroup inherited from removed cgroups to its present users, and wait until that is done.
    #[command(override_usage = "memcgctl recharge [OPTIONS] <CGROUP|--self> [SIZE|max]")]
    Recharge(TriggerArgs),
    /// Mount a file system whose pages are all charged to one cgroup.
    #[command(override_usage = "memcgctl mount [OPTIONS] <--memcg <CGROUP>|--self> <DIR>")]
    Mount(MountArgs),
    /// List mounts made with memcg=.
    Mounts(MountsArgs),
    /// Apply the settings in a TOML file, compare them with those of the machine, or print the machine's.
    #[command(
        override_usage = "memcgctl apply [--dry-run | --diff] [--exact] [--json] <FILE>\n       memcgctl apply --dump",
        after_help = APPLY
    )]
    Apply(ApplyArgs),
    /// Print the figures of cgroups for a metrics collector, as OpenMetrics or in the text format of Prometheus.
    Metrics(MetricsArgs),
    /// Print the help of the program or of a command, as --help does.
    #[command(hide = true)]
    Help(HelpArgs),
    /// Write man pages and completions for bash, zsh and fish below a directory.
    #[command(hide = true)]
    Generate(GenerateArgs),
    /// Print the possible completions of a command line.
    #[command(hide = true)]
    Complete(CompleteArgs),
}

impl Cli {
    /// Returns the help of a command, in the form of a clap error.
    pub fn help(command: Option<&str>) -> clap::Error {
        let words = ["memcgctl"].into_iter().chain(command).chain(["--help"]);
        match help::command().try_get_matches_from(words) {
            Err(help) => help,
            Ok(_) => usage("help", ErrorKind::InvalidSubcommand, "there is no help"),
        }
    }

    /// Parses the command line that this process was started with.
    pub fn from_env() -> Result<Self, clap::Error> {
        // systemd's name of the root cgroup would be parsed as options.
        let words = env::args_os().map(|word| match word == "-.slice" {
            true => "/".into(),
            false => word,
        });
        Self::from_arg_matches(&help::command().try_get_matches_from(words)?)
    }
}

/// Lists the files and the switches with their purpose.
fn knob_help() -> String {
    let knobs: Vec<_> = knobs::settable()
        .map(|knob| (knob.short_name(), knob.help))
        .collect();
    let switches: Vec<_> = switches::SWITCHES
        .iter()
        .map(|switch| (switch.name, switch.help))
        .collect();
    let names = knobs.iter().chain(&switches).map(|(name, _)| name.len());
    let width = names.max().unwrap_or(0);
    let mut text = String::new();
    for (head, entries) in [
        ("Knobs:", knobs),
        ("\n\nSwitches, with --system:", switches),
    ] {
        text.push_str(head);
        for (name, help) in entries {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n  {name:width$}  {help}");
        }
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
