// SPDX-License-Identifier: GPL-2.0

//! `memcgctl apply`: applies the settings that a file declares. The whole file is checked before
//! anything is written.

mod diff;
mod dump;

use crate::cli::ApplyArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::files;
use crate::json::Name;
use crate::json::Raw;
use crate::output;
use anyhow::anyhow;
use memcgfs::declared::Held;
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

/// The changes that were made, or would be made.
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
    /// Whether the change was made.
    done: bool,
}

/// The result of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    Yes,
    No,
    /// Its cgroup is optional and was removed meanwhile.
    Gone,
}

pub fn run(context: &Context, args: &ApplyArgs) -> anyhow::Result<Exit> {
    let Some(path) = &args.file else {
        return dump::run(context);
    };
    let file = escaped(path);
    let text = read(path).map_err(|error| anyhow!("cannot read {file}: {}", in_words(&error)))?;
    let settings = match Settings::parse(&text) {
        Ok(settings) => settings,
        Err(mistakes) => {
            for mistake in mistakes {
                output::note(format_args!("{file}:{mistake}"));
            }
            return Ok(Exit::Failed);
        }
    };
    files::allow_many();
    let to_write = !args.dry_run && !args.diff;
    // A file that declares no cgroup, such as the installed one, needs no memory controller.
    let hierarchy = match settings.cgroups.is_empty() && !args.exact && !args.diff {
        true => context.mounted()?,
        false => context.hierarchy()?,
    };
    let mut plan = match Plan::make(&context.host, &hierarchy, &settings, to_write) {
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
    if args.exact || args.diff {
        let held = Held::read(&context.host, &hierarchy, output::note)?;
        plan.exact(&hierarchy, &context.host, &settings, &held);
    }
    if args.diff {
        output::data(&diff::text(&plan, &file))?;
        return Ok(Exit::Done);
    }
    let made = match args.dry_run {
        true => vec![Made::No; plan.changes.len()],
        false => write(context, &plan),
    };
    let mut skipped = plan.skipped.clone();
    skipped.extend(gone(&plan, &made));
    match args.json {
        true => output::json(&Outcome {
            dry_run: args.dry_run,
            changes: plan
                .changes
                .iter()
                .zip(&made)
                .map(|(change, made)| report(change, *made == Made::Yes))
                .collect(),
            skipped: &skipped,
        })?,
        false => output::data(&words(&plan, &made, &skipped, args.dry_run))?,
    }
    let failed = made.iter().filter(|made| **made == Made::No).count();
    Ok(match failed {
        _ if args.dry_run => Exit::Done,
        0 => Exit::Done,
        _ if failed == made.len() => Exit::Failed,
        _ => Exit::Partly,
    })
}

fn read(path: &Path) -> io::Result<String> {
    match path == Path::new("-") {
        true => io::read_to_string(io::stdin()),
        false => fs::read_to_string(path),
    }
}

/// Makes the changes and returns the result of each. A failure does not stop the others.
fn write(context: &Context, plan: &Plan) -> Vec<Made> {
    let make = |change: &Change| match change.make(&context.host) {
        Ok(true) => Made::Yes,
        Ok(false) => Made::Gone,
        Err(error) => {
            output::note(error);
            Made::No
        }
    };
    plan.changes.iter().map(make).collect()
}

/// Returns the optional cgroups that were removed since the plan was made.
fn gone(plan: &Plan, made: &[Made]) -> Vec<String> {
    let changes = plan.changes.iter().zip(made);
    let mut gone: Vec<_> = changes
        .filter_map(|(change, made)| match change {
            Change::Knob { cgroup, .. } if *made == Made::Gone => Some(escaped(cgroup.path())),
            _ => None,
        })
        .collect();
    gone.dedup();
    gone
}

fn words(plan: &Plan, made: &[Made], skipped: &[String], dry_run: bool) -> String {
    let mut text = String::new();
    for (change, made) in plan.changes.iter().zip(made) {
        // Writing to a String cannot fail.
        let _ = match (dry_run, made) {
            (true, _) => writeln!(text, "would change {change}"),
            (false, Made::Yes) => writeln!(text, "changed {change}"),
            (false, Made::No | Made::Gone) => Ok(()),
        };
    }
    for name in skipped {
        let _ = writeln!(text, "skipped {}: no such cgroup", escaped(name));
    }
    text
}

fn report(change: &Change, done: bool) -> ChangeReport {
    match change {
        Change::Switch {
            switch, from, to, ..
        } => ChangeReport {
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
            ..
        } => ChangeReport {
            name: Some(Name::new(&cgroup.path())),
            file: assignment.knob().name,
            from: Raw::Value(*from),
            to: Raw::Value(assignment.read_back()),
            done,
        },
    }
}
