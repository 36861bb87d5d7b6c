// SPDX-License-Identifier: GPL-2.0

//! `memcgctl apply`: bring the machine to what a file declares. All is checked before anything is written.

use crate::cli::ApplyArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::json::Name;
use crate::json::Raw;
use crate::output;
use anyhow::anyhow;
use memcgfs::escaped;
use memcgfs::in_words;
use memcgfs::plan::Change;
use memcgfs::plan::Plan;
use memcgfs::settings::Settings;
use serde::Serialize;
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

/// What was changed, or would be.
#[derive(Serialize)]
struct Outcome<'a> {
    dry_run: bool,
    changes: Vec<ChangeReport>,
    /// The optional cgroups that are absent.
    skipped: &'a [String],
}

#[derive(Serialize)]
struct ChangeReport {
    #[serde(flatten)]
    name: Option<Name>,
    /// The file.
    file: &'static str,
    from: Raw,
    to: Raw,
    /// Whether it was written.
    done: bool,
}

pub fn run(context: &Context, args: &ApplyArgs) -> anyhow::Result<Exit> {
    let file = escaped(&args.file);
    let text =
        read(&args.file).map_err(|error| anyhow!("cannot read {file}: {}", in_words(&error)))?;
    let settings = match Settings::parse(&text) {
        Ok(settings) => settings,
        Err(mistakes) => {
            for mistake in mistakes {
                output::note(format_args!("{file}:{mistake}"));
            }
            return Ok(Exit::Failed);
        }
    };
    let plan = match Plan::make(&context.host, &context.hierarchy()?, &settings) {
        Ok(plan) => plan,
        Err(obstacles) => {
            for obstacle in &obstacles {
                output::note(format_args!("{file}:{obstacle}"));
            }
            let unsupported = obstacles.iter().all(|obstacle| obstacle.is_unsupported());
            return Ok(match unsupported {
                true => Exit::Unsupported,
                false => Exit::Failed,
            });
        }
    };
    let done = match args.dry_run {
        true => vec![false; plan.changes.len()],
        false => write(context, &plan),
    };
    match args.json {
        true => output::json(&Outcome {
            dry_run: args.dry_run,
            changes: plan
                .changes
                .iter()
                .zip(&done)
                .map(|(change, done)| report(change, *done))
                .collect(),
            skipped: &plan.skipped,
        })?,
        false => output::data(&words(&plan, &done, args.dry_run))?,
    }
    let failed = done.iter().filter(|done| !**done).count();
    Ok(match failed {
        _ if args.dry_run => Exit::Done,
        0 => Exit::Done,
        _ if failed == done.len() => Exit::Failed,
        _ => Exit::Partly,
    })
}

fn read(path: &Path) -> io::Result<String> {
    match path == Path::new("-") {
        true => io::read_to_string(io::stdin()),
        false => fs::read_to_string(path),
    }
}

/// Make the changes, and tell which were. One that fails keeps no other from being made.
fn write(context: &Context, plan: &Plan) -> Vec<bool> {
    let make = |change: &Change| match change.make(&context.host) {
        Ok(()) => true,
        Err(error) => {
            output::note(error);
            false
        }
    };
    plan.changes.iter().map(make).collect()
}

fn words(plan: &Plan, done: &[bool], dry_run: bool) -> String {
    let mut text = String::new();
    for (change, done) in plan.changes.iter().zip(done) {
        // Writing to a String does not fail.
        let _ = match (dry_run, done) {
            (true, _) => writeln!(text, "would change {change}"),
            (false, true) => writeln!(text, "changed {change}"),
            (false, false) => Ok(()),
        };
    }
    for name in &plan.skipped {
        let _ = writeln!(text, "skipped {}: no such cgroup", escaped(name));
    }
    text
}

fn report(change: &Change, done: bool) -> ChangeReport {
    match change {
        Change::Switch { switch, from, to } => ChangeReport {
            name: None,
            file: switch.name,
            from: Raw::Switch(*from),
            to: Raw::Switch(*to),
            done,
        },
        Change::Knob {
            cgroup,
            assignment,
            from,
        } => ChangeReport {
            name: Some(Name::new(&cgroup.path())),
            file: assignment.knob().name,
            from: Raw::Value(*from),
            to: Raw::Value(assignment.read_back()),
            done,
        },
    }
}
