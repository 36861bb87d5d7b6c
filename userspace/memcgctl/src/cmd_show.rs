// SPDX-License-Identifier: GPL-2.0

//! `memcgctl show`: shows one cgroup.

use crate::charging::Charging;
use crate::cli::ShowArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::json::Raw;
use crate::output;
use crate::report::Report;
use memcgfs::derivation::Listing;
use memcgfs::switches;
use memcgfs::Cgroup;
use memcgfs::Error;
use memcgfs::Snapshot;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

pub fn run(context: &Context, args: &ShowArgs) -> anyhow::Result<Exit> {
    if args.system {
        return system(context, args.json);
    }
    let cgroup = context.named_or_own(args.cgroup.as_ref())?;
    let report = report(context, &cgroup)?;
    context.note_absent_figures(&cgroup);
    match args.json {
        true => output::json(&report)?,
        false => output::data(&text(&report))?,
    }
    Ok(Exit::Done)
}

/// Shows the system-wide switches.
fn system(context: &Context, json: bool) -> anyhow::Result<Exit> {
    let mut values = Vec::new();
    for switch in &switches::SWITCHES {
        if let Some(value) = switch.value(&context.host)? {
            values.push((switch.name, value));
        }
    }
    let [first, ..] = &switches::SWITCHES;
    if values.is_empty() {
        return Err(first.absent(&context.host).into());
    }
    match json {
        true => {
            let raw = values
                .into_iter()
                .map(|(name, value)| (name, Raw::Switch(value)));
            output::json(&Switches {
                switches: raw.collect(),
            })?;
        }
        false => {
            let lines = values
                .into_iter()
                .map(|(name, value)| (name, value.to_string()));
            output::data(&columns(&lines.collect::<Vec<_>>()))?;
        }
    }
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct Switches {
    switches: BTreeMap<&'static str, Raw>,
}

/// Returns the report on a cgroup, which must exist.
pub fn report(context: &Context, cgroup: &Cgroup) -> anyhow::Result<Report> {
    let above = Snapshot::above(cgroup)?;
    let Some(snapshot) = Snapshot::read(cgroup.clone())? else {
        let hierarchy = context.hierarchy()?;
        return Err(Error::NoCgroup {
            wanted: cgroup.path(),
            mount: hierarchy.mount().to_owned(),
        }
        .into());
    };
    let charging = Charging::read(&snapshot, &above, &context.charged_mounts()?)?;
    let vm = context.host.vm_dirty()?;
    let in_force = Listing::new(&context.host, cgroup)?.limits(&snapshot, 0)?;
    Ok(Report::new(
        &snapshot,
        &above,
        in_force,
        &vm,
        Some(charging),
    ))
}

fn text(report: &Report) -> String {
    columns(&report.lines())
}

/// Formats lines of a name and a value.
pub fn columns(lines: &[(&str, String)]) -> String {
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in lines {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:width$}  {value}");
    }
    text
}
