// SPDX-License-Identifier: GPL-2.0

//! `memcgctl complete`: the candidates for the last word of a command line. The completion scripts
//! of all shells call it, so that they agree and can offer existing cgroups.

mod cgroups;
mod values;

use crate::cli::help;
use crate::cli::CompleteArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use clap::Arg;
use clap::Command;
use clap::ValueHint;
use memcgfs::escaped;
use std::fmt::Write;

/// The candidates.
#[derive(Debug, Default)]
pub struct Candidates {
    /// Words and their descriptions.
    words: Vec<(String, String)>,
    /// File or directory names, which the shells complete themselves.
    files: Option<&'static str>,
}

impl Candidates {
    pub fn add(&mut self, word: impl Into<String>, help: impl Into<String>) {
        self.words.push((word.into(), help.into()));
    }
}

/// Prints each candidate on a line, with a tab before its description. No space is added after a
/// candidate that ends in a slash or an equals sign. ":files" and ":dirs" request completion of
/// file and directory names.
pub fn run(context: &Context, args: &CompleteArgs) -> anyhow::Result<Exit> {
    let words: Vec<_> = args
        .words
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    let (last, before) = words
        .split_last()
        .map_or(("", &[][..]), |(last, before)| (*last, before));
    let mut candidates = Candidates::default();
    complete(context, before, last, &mut candidates);
    let mut text = String::new();
    for (word, help) in &candidates.words {
        // A word that needs escaping could not be pasted.
        if word.starts_with(last) && escaped(word) == *word {
            let help = help.lines().next().unwrap_or_default();
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{word}\t{help}");
        }
    }
    if let Some(files) = candidates.files {
        let _ = writeln!(text, ":{files}");
    }
    output::data(&text)?;
    Ok(Exit::Done)
}

fn complete(context: &Context, before: &[&str], last: &str, into: &mut Candidates) {
    let mut root = help::command();
    root.build();
    let Some((name, rest)) = before.split_first() else {
        subcommands(&root, into);
        options(&root, into);
        return;
    };
    if *name == "help" {
        subcommands(&root, into);
        return;
    }
    let Some(command) = root.find_subcommand(name) else {
        return;
    };
    // The value of an option follows as the next word or after an equals sign.
    if let Some((option, value)) = last.split_once('=').filter(|_| last.starts_with("--")) {
        if let Some(arg) = find(command, option) {
            let mut values = Candidates::default();
            of_arg(context, arg, value, &mut values);
            let words = values.words.into_iter();
            into.words
                .extend(words.map(|(word, help)| (format!("{option}={word}"), help)));
        }
        return;
    }
    let previous = rest.last().and_then(|word| find(command, word));
    if let Some(arg) = previous.filter(|arg| takes_value(arg)) {
        return of_arg(context, arg, last, into);
    }
    if last.starts_with('-') {
        return options(command, into);
    }
    let positional = positional_words(command, rest);
    match *name {
        "set" => values::settings(context, rest, last, into),
        "flush" | "recharge" if positional > 0 || rest.contains(&"--self") => values::sizes(into),
        _ => {
            // The last positional argument may be repeatable.
            let mut places: Vec<_> = command.get_positionals().collect();
            places.truncate(positional + 1);
            let repeats = |arg: &&Arg| {
                arg.get_num_args()
                    .is_some_and(|count| count.max_values() > 1)
            };
            if let Some(arg) = places
                .last()
                .filter(|arg| places.len() > positional || repeats(arg))
            {
                of_arg(context, arg, last, into);
            }
        }
    }
}

/// Counts the words that are neither options nor their values.
fn positional_words(command: &Command, words: &[&str]) -> usize {
    let mut count = 0;
    let mut value = false;
    for word in words {
        let is_option = word.starts_with('-') && word.len() > 1;
        count += usize::from(!is_option && !value);
        value = is_option && find(command, word).is_some_and(takes_value);
    }
    count
}

fn find<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| {
        let long = arg
            .get_long()
            .is_some_and(|long| word.strip_prefix("--") == Some(long));
        let short = arg
            .get_short()
            .is_some_and(|short| word.strip_prefix('-') == Some(&short.to_string()));
        long || short
    })
}

/// Returns whether the option's value follows as a separate word.
fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values() && !arg.is_require_equals_set()
}

fn of_arg(context: &Context, arg: &Arg, last: &str, into: &mut Candidates) {
    let possible = arg.get_possible_values();
    if arg.get_action().takes_values() && !possible.is_empty() {
        for value in possible {
            let help = value.get_help().map(ToString::to_string);
            into.add(value.get_name(), help.unwrap_or_default());
        }
        return;
    }
    match arg.get_id().as_str() {
        "cgroup" | "cgroups" | "memcg" => cgroups::all(context, last, into),
        "interval" | "sample" | "drain" => values::times(into),
        "device" => values::devices(context, into),
        "fs_type" => values::file_systems(context, into),
        "patterns" => cgroups::all(context, last, into),
        _ => match arg.get_value_hint() {
            ValueHint::DirPath => into.files = Some("dirs"),
            ValueHint::FilePath => into.files = Some("files"),
            _ if arg.get_id() == "file" || arg.get_id() == "svg" || arg.get_id() == "input" => {
                into.files = Some("files");
            }
            _ => {}
        },
    }
}

fn subcommands(root: &Command, into: &mut Candidates) {
    for command in root
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
    {
        let about = command.get_about().map(ToString::to_string);
        into.add(command.get_name(), about.unwrap_or_default());
    }
}

fn options(command: &Command, into: &mut Candidates) {
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        if let Some(long) = arg.get_long() {
            let help = arg.get_help().map(ToString::to_string);
            into.add(format!("--{long}"), help.unwrap_or_default());
        }
    }
}
