// SPDX-License-Identifier: GPL-2.0

//! The words of a command line that stand for a cgroup, and the mistakes in them.

use super::args::SetArgs;
use super::args::TriggerArgs;
use super::Cli;
use clap::error::ErrorKind;
use clap::CommandFactory;
use memcgfs::Amount;
use memcgfs::Assignment;
use std::ffi::OsString;
use std::fmt;

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

impl TriggerArgs {
    /// The cgroup and how much to do. With `--self` the first word is no cgroup but the amount.
    pub fn parts(self, command: &str) -> Result<(Target, Amount), clap::Error> {
        let (target, first) = target(command, self.cgroup, self.own)?;
        let amount = match (first, self.amount) {
            (Some(_), Some(extra)) => {
                return Err(invalid(command, extra.text(), "one amount is enough"))
            }
            (Some(text), None) => {
                Some(Amount::parse(&text).map_err(|error| invalid(command, &text, error))?)
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
