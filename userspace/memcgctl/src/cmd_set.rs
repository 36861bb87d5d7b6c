// SPDX-License-Identifier: GPL-2.0

//! `memcgctl set`: check all, write all, read back what took force.

use crate::cli;
use crate::cli::SetArgs;
use crate::cmd_show;
use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use clap::error::ErrorKind;
use memcgfs::knobs;
use memcgfs::knobs::Knob;
use memcgfs::Assignment;
use memcgfs::Cgroup;
use memcgfs::Error;
use memcgfs::Value;
use std::fmt::Write;

pub fn run(context: &Context, args: SetArgs) -> anyhow::Result<Exit> {
    let json = args.json;
    let (target, assignments) = args.parts()?;
    check(&assignments)?;
    let cgroup = context.cgroup(&target)?;
    for assignment in &assignments {
        context.require(&cgroup, assignment.knob())?;
    }
    let before = held(&cgroup)?;
    let (done, exit) = match write(&cgroup, &assignments) {
        Ok(()) => (assignments.as_slice(), Exit::Done),
        Err((0, error)) => return Err(error.into()),
        Err((done, error)) => {
            let (done, left) = assignments.split_at(done);
            output::note(error);
            output::note(format_args!("set: {}; not set: {}", list(done), list(left)));
            (done, Exit::Partly)
        }
    };
    match tell(context, &cgroup, done, &before, json) {
        Ok(()) => Ok(exit),
        Err(error) => {
            output::note(format_args!("set: {}; but then: {error:#}", list(done)));
            Ok(Exit::Partly)
        }
    }
}

/// Refuse settings that undo each other.
fn check(assignments: &[Assignment]) -> Result<(), clap::Error> {
    for (index, one) in assignments.iter().enumerate() {
        if let Some(problem) = one.problem_after(assignments.iter().take(index)) {
            return Err(cli::usage("set", ErrorKind::ArgumentConflict, problem));
        }
    }
    Ok(())
}

/// What the cgroup's knobs hold.
fn held(cgroup: &Cgroup) -> Result<Vec<(&'static Knob, Value)>, Error> {
    let mut held = Vec::new();
    for knob in knobs::settable() {
        if let Some(value) = cgroup.value(knob)? {
            held.push((knob, value));
        }
    }
    Ok(held)
}

/// Write them one by one; an error comes with how many were written before it.
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

/// Read back and print what took force.
fn tell(
    context: &Context,
    cgroup: &Cgroup,
    done: &[Assignment],
    before: &[(&'static Knob, Value)],
    json: bool,
) -> anyhow::Result<()> {
    let report = cmd_show::report(context, cgroup)?;
    if json {
        return output::json(&report);
    }
    let mut text = String::new();
    for (knob, now) in held(cgroup)? {
        // Writing to a String does not fail.
        match done.iter().find(|assignment| assignment.knob() == knob) {
            Some(assignment) if assignment.value() == now => {
                let _ = writeln!(text, "{}: {now}", knob.name);
            }
            Some(assignment) => {
                let _ = writeln!(
                    text,
                    "{}: {now} ({})",
                    knob.name,
                    difference(assignment, now)
                );
            }
            None => {
                let was = before.iter().find(|(known, _)| *known == knob);
                if let Some((_, was)) = was.filter(|(_, was)| *was != now) {
                    let _ = writeln!(text, "{}: {now} (was {was})", knob.name);
                }
            }
        }
    }
    let _ = writeln!(
        text,
        "limit in force: {} ({})",
        report.limit(),
        report.why()
    );
    output::data(&text)
}

/// How what took force differs from what was asked for.
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
