// SPDX-License-Identifier: GPL-2.0

//! The command line. What knobs there are comes from the library's list.

use clap::error::ErrorKind;
use clap::Args;
use clap::CommandFactory;
use clap::Parser;
use clap::Subcommand;
use memcgfs::knobs;
use memcgfs::Amount;
use memcgfs::Assignment;
use std::ffi::OsString;
use std::fmt;
use std::fmt::Write;
use std::path::PathBuf;

/// What every command's help ends with.
const AFTER: &str = "\
A CGROUP is a path under the cgroup2 mount (/sys/fs/cgroup/a/b, /a/b or a/b), a path from the current directory if it
starts with a dot, or the name of a systemd unit. Sizes take K M G T P E, powers of 1024.

Exit codes: 0 done, 1 failed, 2 usage, 3 the kernel lacks the feature, 4 partly done.";

/// Per-cgroup dirty limits: look at them, set them, start writeback.
#[derive(Debug, Parser)]
#[command(name = "memcgctl", version, after_help = AFTER)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
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
    /// Show a cgroup's limits, what is in force and why, and its dirty pages.
    Show(ShowArgs),
    /// Show the same for a cgroup and all below it, as a table.
    Tree(TreeArgs),
    /// Set knobs of a cgroup and tell what took force.
    #[command(
        override_usage = "memcgctl set [OPTIONS] <CGROUP|--self> <KNOB=VALUE>...",
        after_help = knob_help()
    )]
    Set(SetArgs),
    /// Write back a cgroup's dirty pages and wait for it.
    #[command(override_usage = "memcgctl flush [OPTIONS] <CGROUP|--self> [BYTES|max]")]
    Flush(FlushArgs),
}

#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct ShowArgs {
    /// The cgroup [default: the caller's own].
    #[arg(conflicts_with = "own")]
    pub cgroup: Option<OsString>,
    /// The caller's own cgroup.
    #[arg(long = "self")]
    pub own: bool,
    /// Print JSON: raw bytes, null for max, no key for what is absent.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct TreeArgs {
    /// The cgroup at the top [default: the root].
    #[arg(conflicts_with = "own")]
    pub cgroup: Option<OsString>,
    /// The caller's own cgroup.
    #[arg(long = "self")]
    pub own: bool,
    /// Print JSON: raw bytes, null for max, no key for what is absent.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct SetArgs {
    /// The cgroup.
    cgroup: Option<OsString>,
    /// What to set; "memory." may be left off a knob's name.
    #[arg(value_name = "KNOB=VALUE", value_parser = Assignment::parse)]
    assignments: Vec<Assignment>,
    /// The caller's own cgroup.
    #[arg(long = "self")]
    own: bool,
    /// Print what is set and in force then as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct FlushArgs {
    /// The cgroup.
    cgroup: Option<OsString>,
    /// How much to write back [default: max].
    #[arg(value_name = "BYTES|max", value_parser = Amount::parse)]
    amount: Option<Amount>,
    /// The caller's own cgroup.
    #[arg(long = "self")]
    own: bool,
    /// Print the outcome as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Which cgroup a command is about.
pub enum Target {
    /// The one of this name.
    Named(OsString),
    /// The caller's.
    Own,
}

impl SetArgs {
    /// The cgroup and what to set in it. With `--self` the first word is no cgroup but a setting.
    pub fn parts(self) -> Result<(Target, Vec<Assignment>), clap::Error> {
        let (target, first) = target("set", self.cgroup, self.own)?;
        let mut assignments = Vec::new();
        if let Some(text) = first {
            let assignment = Assignment::parse(&text);
            assignments.push(assignment.map_err(|error| invalid("set", &text, &error))?);
        }
        assignments.extend(self.assignments);
        if assignments.is_empty() {
            return Err(missing("set", "<KNOB=VALUE>"));
        }
        Ok((target, assignments))
    }
}

impl FlushArgs {
    /// The cgroup and how much to write back. With `--self` the first word is no cgroup but the amount.
    pub fn parts(self) -> Result<(Target, Amount), clap::Error> {
        let (target, first) = target("flush", self.cgroup, self.own)?;
        let amount = match (first, self.amount) {
            (Some(_), Some(extra)) => {
                return Err(invalid("flush", extra.text(), "one amount is enough"))
            }
            (Some(text), None) => {
                Some(Amount::parse(&text).map_err(|error| invalid("flush", &text, error))?)
            }
            (None, amount) => amount,
        };
        Ok((target, amount.unwrap_or_else(Amount::max)))
    }
}

/// The target, and the first word if it belongs to what follows the target.
fn target(
    command: &str,
    word: Option<OsString>,
    own: bool,
) -> Result<(Target, Option<String>), clap::Error> {
    match (word, own) {
        (Some(word), false) => Ok((Target::Named(word), None)),
        (None, false) => Err(missing(command, "<CGROUP|--self>")),
        (None, true) => Ok((Target::Own, None)),
        (Some(word), true) => match word.into_string() {
            Ok(word) => Ok((Target::Own, Some(word))),
            Err(word) => Err(invalid(command, &memcgfs::escaped(word), "not UTF-8")),
        },
    }
}

fn missing(command: &str, what: &str) -> clap::Error {
    usage(
        command,
        ErrorKind::MissingRequiredArgument,
        format_args!("{what} is missing"),
    )
}

fn invalid(command: &str, text: &str, why: impl fmt::Display) -> clap::Error {
    usage(
        command,
        ErrorKind::ValueValidation,
        format_args!("invalid value {text:?}: {why}"),
    )
}

/// An error of the command line that clap could not find by itself.
pub fn usage(command: &str, kind: ErrorKind, text: impl fmt::Display) -> clap::Error {
    let mut root = Cli::command();
    root.build();
    match root.find_subcommand_mut(command) {
        Some(command) => command.error(kind, text),
        None => root.error(kind, text),
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
        Cli::command().debug_assert();
    }
}
