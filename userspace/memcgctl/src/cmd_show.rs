// SPDX-License-Identifier: GPL-2.0

//! `memcgctl show`: one cgroup.

use crate::charging::Charging;
use crate::cli::ShowArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use crate::report::Report;
use memcgfs::Cgroup;
use memcgfs::Error;
use memcgfs::Snapshot;
use std::fmt::Write;

pub fn run(context: &Context, args: &ShowArgs) -> anyhow::Result<Exit> {
    let cgroup = context.named_or_own(args.cgroup.as_ref())?;
    let report = report(context, &cgroup)?;
    context.note_absent_figures(&cgroup);
    match args.json {
        true => output::json(&report)?,
        false => output::data(&text(&report))?,
    }
    Ok(Exit::Done)
}

/// The report on a cgroup that has to be there.
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
    Ok(Report::new(&snapshot, &above, &vm, Some(charging)))
}

fn text(report: &Report) -> String {
    let lines = report.lines();
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in lines {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{name:width$}  {value}");
    }
    text
}
