// SPDX-License-Identifier: GPL-2.0

//! `memcgctl set`: checks all settings, writes them, reads back the resulting limits, and prints
//! how to undo it.

mod persist;
mod system;

use crate::cli::SetArgs;
use crate::cli::Target;
use crate::cli::Wanted;
use crate::cmd_show;
use crate::context::Context;
use crate::exit::Exit;
use crate::files;
use crate::output;
use crate::shell;
use memcgfs::escaped;
use memcgfs::knobs;
use memcgfs::knobs::Knob;
use memcgfs::Assignment;
use memcgfs::Cgroup;
use memcgfs::Error;
use memcgfs::Value;
use std::fmt::Write;

/// The values of a cgroup's knobs.
type Values = Vec<(&'static Knob, Value)>;

pub fn run(context: &Context, args: &SetArgs) -> anyhow::Result<Exit> {
    let (targets, assignments) = match args.wanted()? {
        Wanted::Cgroups(targets, assignments) => (targets, assignments),
        Wanted::Switches(switches) => return system::run(context, &switches, args),
    };
    files::allow_many();
    let cgroups = cgroups(context, &targets)?;
    for cgroup in &cgroups {
        for assignment in &assignments {
            context.require(cgroup, assignment.knob())?;
        }
    }
    let persist = args.persist.as_deref();
    let persist = persist
        .map(|file| persist::of_cgroups(file, &cgroups, &assignments))
        .transpose()?;
    let mut exits = Vec::new();
    for cgroup in &cgroups {
        match set(context, cgroup, &assignments, args.json, cgroups.len() > 1) {
            Ok(exit) => exits.push(exit),
            Err(error) if cgroups.len() == 1 => return Err(error),
            Err(error) => {
                output::note(format_args!("{}: {error:#}", escaped(cgroup.path())));
                exits.push(Exit::Failed);
            }
        }
    }
    match persist {
        Some(persist) if exits.iter().all(|exit| *exit == Exit::Done) => persist.write()?,
        Some(persist) => output::note(format_args!("{}: unchanged", escaped(persist.path))),
        None => {}
    }
    Ok(match exits.iter().all(|exit| *exit == Exit::Failed) {
        true => Exit::Failed,
        false if exits.iter().all(|exit| *exit == Exit::Done) => Exit::Done,
        false => Exit::Partly,
    })
}

/// Returns the cgroups that the targets name, without duplicates.
fn cgroups(context: &Context, targets: &[Target]) -> Result<Vec<Cgroup>, Error> {
    let mut cgroups: Vec<Cgroup> = Vec::new();
    for target in targets {
        for cgroup in context.cgroups(target)? {
            if !cgroups.contains(&cgroup) {
                cgroups.push(cgroup);
            }
        }
    }
    Ok(cgroups)
}

/// Makes all settings in one cgroup.
fn set(
    context: &Context,
    cgroup: &Cgroup,
    assignments: &[Assignment],
    json: bool,
    one_of_many: bool,
) -> anyhow::Result<Exit> {
    let before = held(cgroup)?;
    let (done, exit) = match write(cgroup, assignments) {
        Ok(()) => (assignments, Exit::Done),
        Err((0, error)) => return Err(error.into()),
        Err((done, error)) => {
            let (done, left) = assignments.split_at(done);
            output::note(error);
            output::note(format_args!("set: {}; not set: {}", list(done), list(left)));
            (done, Exit::Partly)
        }
    };
    match report(context, cgroup, done, &before, (json, one_of_many)) {
        Ok(()) => Ok(exit),
        Err(error) => {
            output::note(format_args!("set: {}; then failed: {error:#}", list(done)));
            Ok(Exit::Partly)
        }
    }
}

/// Returns the content of the cgroup's files.
fn held(cgroup: &Cgroup) -> Result<Values, Error> {
    let mut held = Vec::new();
    for knob in knobs::settable() {
        if let Some(value) = cgroup.value(knob)? {
            held.push((knob, value));
        }
    }
    Ok(held)
}

/// Writes the settings one by one; an error includes the number of settings written before it.
fn write(cgroup: &Cgroup, assignments: &[Assignment]) -> Result<(), (usize, Error)> {
    for (done, assignment) in assignments.iter().enumerate() {
        cgroup.assign(assignment).map_err(|error| (done, error))?;
    }
    Ok(())
}

fn list(assignments: &[Assignment]) -> String {
    let word =
        |assignment: &Assignment| format!("{}={}", assignment.knob().name, assignment.text());
    assignments.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// Reads back and prints the resulting limits.
fn report(
    context: &Context,
    cgroup: &Cgroup,
    done: &[Assignment],
    before: &Values,
    (json, one_of_many): (bool, bool),
) -> anyhow::Result<()> {
    let report = cmd_show::report(context, cgroup)?;
    if json {
        return output::json(&report);
    }
    let mut text = String::new();
    // Writing to a String cannot fail.
    if one_of_many {
        let _ = writeln!(text, "{}:", escaped(cgroup.path()));
    }
    let now = held(cgroup)?;
    for (knob, now) in &now {
        match done.iter().find(|assignment| assignment.knob() == *knob) {
            Some(assignment) if assignment.value() == *now => {
                let _ = writeln!(text, "{}: {now}", knob.name);
            }
            Some(assignment) => {
                let difference = difference(assignment, *now);
                let _ = writeln!(text, "{}: {now} ({difference})", knob.name);
            }
            None => {
                let was = before.iter().find(|(known, _)| known == knob);
                if let Some((_, was)) = was.filter(|(_, was)| was != now) {
                    let _ = writeln!(text, "{}: {now} (was {was})", knob.name);
                }
            }
        }
    }
    for (name, value) in report.limit_lines() {
        let _ = writeln!(text, "{name}: {value}");
    }
    if let Some(undo) = undo(cgroup, before, &now) {
        let _ = writeln!(text, "undo: {undo}");
    }
    output::data(&text)
}

/// Returns the command that restores the previous settings, if they were different.
fn undo(cgroup: &Cgroup, before: &Values, now: &Values) -> Option<String> {
    let changed: Vec<_> = before.iter().filter(|was| !now.contains(was)).collect();
    // Setting the value that was replaced is enough.
    let replaced = |knob: &Knob| {
        let mut others = changed.iter().filter(|(_, was)| !was.is_max());
        others.any(|(other, _)| other.conflicts_with(knob))
    };
    let words = changed
        .iter()
        .filter(|(knob, was)| !(was.is_max() && replaced(knob)));
    let words: Vec<_> = words
        .map(|(knob, was)| shell::quoted(format!("{}={}", knob.short_name(), was.text())))
        .collect();
    let path = shell::quoted(cgroup.path());
    (!words.is_empty()).then(|| format!("memcgctl set {path} {}", words.join(" ")))
}

/// Describes how the setting in force differs from the requested one.
fn difference(assignment: &Assignment, now: Value) -> String {
    match (assignment.value().bytes(), now.bytes()) {
        (Some(asked), Some(now)) if now < asked => {
            format!("{now} bytes, rounded down from {asked}")
        }
        _ => format!("{} was asked for", assignment.text()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use memcgfs::Limit;

    #[test]
    fn what_the_kernel_made_of_it() {
        let table = [
            (
                "dirty_min=5000",
                Limit::At(4096),
                "4096 bytes, rounded down from 5000",
            ),
            ("dirty_min=1M", Limit::Max, "1M was asked for"),
            ("dirty_min=max", Limit::At(4096), "max was asked for"),
        ];
        for (asked, now, text) in table {
            let asked = Assignment::parse(asked).unwrap();
            assert_eq!(difference(&asked, Value::Bytes(now)), text);
        }
    }
}
