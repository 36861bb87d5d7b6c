// SPDX-License-Identifier: GPL-2.0

//! The words of a command line that name cgroups and settings, and the errors in them.

use super::args::SetArgs;
use super::args::TriggerArgs;
use super::Cli;
use clap::error::ErrorKind;
use clap::CommandFactory;
use memcgfs::knobs;
use memcgfs::refusal;
use memcgfs::switches::Switch;
use memcgfs::switches::SwitchValue;
use memcgfs::Amount;
use memcgfs::Assignment;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStrExt;

/// The cgroup that a command is about.
#[derive(Clone, Debug)]
pub enum Target {
    /// The cgroup of this name.
    Named(OsString),
    /// The caller's own cgroup.
    Own,
}

/// The settings that `set` is asked to make.
pub enum Wanted {
    /// Knobs of cgroups, which are named or match a pattern.
    Cgroups(Vec<Target>, Vec<Assignment>),
    /// System-wide switches.
    Switches(Vec<(&'static Switch, SwitchValue)>),
}

/// The value parser of amounts.
pub fn amount(text: &str) -> Result<Amount, String> {
    Amount::parse(text).map_err(|error| refusal::of_knob(knobs::Kind::Trigger, error))
}

impl SetArgs {
    /// Returns what to set. A word with an equals sign and no slash before it is a setting, any
    /// other is a cgroup.
    pub fn wanted(&self) -> Result<Wanted, clap::Error> {
        let (settings, names): (Vec<_>, Vec<_>) =
            self.words.iter().partition(|word| is_setting(word));
        let mut texts = Vec::new();
        for word in settings {
            match word.to_str() {
                Some(text) => texts.push(text),
                None => return Err(invalid("set", &memcgfs::escaped(word), "not UTF-8")),
            }
        }
        let knob = |name: &&&OsString| {
            name.to_str()
                .is_some_and(|name| knobs::find(name).is_some())
        };
        if let Some(name) = names.iter().find(knob) {
            let name = memcgfs::escaped(name);
            return Err(invalid("set", &name, memcgfs::BadAssignment::Form));
        }
        let surplus = names.first().filter(|_| self.own || self.system);
        if let Some(name) = surplus {
            let text = format!("{} is not of the form KNOB=VALUE", memcgfs::escaped(name));
            return Err(usage("set", ErrorKind::ArgumentConflict, text));
        }
        if names.is_empty() && !self.own && !self.system {
            return Err(missing("set", "<CGROUP|--self|--system>"));
        }
        if texts.is_empty() {
            return Err(missing("set", "<KNOB=VALUE>"));
        }
        if self.system {
            let switches = texts.into_iter().map(|text| {
                Switch::parse_assignment(text).map_err(|error| invalid("set", text, error))
            });
            return Ok(Wanted::Switches(switches.collect::<Result<_, _>>()?));
        }
        let mut assignments: Vec<Assignment> = Vec::new();
        for text in texts {
            let assignment =
                Assignment::parse(text).map_err(|error| invalid("set", text, error))?;
            // They would undo each other.
            if let Some(problem) = assignment.problem_after(&assignments) {
                return Err(usage("set", ErrorKind::ArgumentConflict, problem));
            }
            assignments.push(assignment);
        }
        let targets = match self.own {
            true => vec![Target::Own],
            false => names.into_iter().cloned().map(Target::Named).collect(),
        };
        Ok(Wanted::Cgroups(targets, assignments))
    }
}

fn is_setting(word: &OsStr) -> bool {
    let mut parts = word.as_bytes().splitn(2, |&byte| byte == b'=');
    let name = parts.next().unwrap_or_default();
    parts.next().is_some() && !name.contains(&b'/')
}

impl TriggerArgs {
    /// Returns the cgroup and the amount. With `--self` the first word is the amount instead of the
    /// cgroup.
    pub fn parts(self, command: &str) -> Result<(Target, Amount), clap::Error> {
        let (target, first) = target(command, self.cgroup, self.own)?;
        let amount = match (first, self.amount) {
            (Some(_), Some(extra)) => {
                return Err(invalid(command, extra.text(), "one amount is enough"))
            }
            (Some(text), None) => {
                Some(amount(&text).map_err(|error| invalid(command, &text, error))?)
            }
            (None, amount) => amount,
        };
        Ok((target, amount.unwrap_or_else(Amount::max)))
    }
}

/// Returns the target, and the first word if that is not the target.
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

/// Creates a usage error for a mistake that clap cannot detect.
pub fn usage(command: &str, kind: ErrorKind, text: impl fmt::Display) -> clap::Error {
    let mut root = Cli::command();
    root.build();
    match root.find_subcommand_mut(command) {
        Some(command) => command.error(kind, text),
        None => root.error(kind, text),
    }
}
