// SPDX-License-Identifier: GPL-2.0

//! `memcgctl metrics`: the figures of cgroups for a collector.

mod families;
mod identity;

use crate::cli::MetricsArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::openmetrics;
use crate::output;
use families::Figures;
use memcgfs::derivation::grants;
use memcgfs::derivation::Listing;
use memcgfs::escaped;
use memcgfs::knobs;
use memcgfs::pattern::Pattern;
use memcgfs::Cgroup;
use memcgfs::Limit;
use memcgfs::Snapshot;
use memcgfs::Walk;
use std::cmp::Reverse;
use std::collections::BTreeSet;

pub fn run(context: &Context, args: &MetricsArgs) -> anyhow::Result<Exit> {
    let top = context.top(&args.start)?;
    let mut exit = Exit::Done;
    let mut partly = |error: &dyn std::fmt::Display| {
        output::note(error);
        exit = Exit::Partly;
    };
    let mut all = read(context, top, args.depth, &mut partly)?;
    select(&mut all, args);
    let mut per_cgroup = families::per_cgroup();
    let mut identities = identity::family();
    let mut seen = BTreeSet::new();
    for figures in &all {
        let label = label(&figures.snapshot.cgroup);
        if !seen.insert(label.clone()) {
            partly(&format_args!(
                "two cgroups have the label {label:?}; one is left out"
            ));
            continue;
        }
        identity::sample(&mut identities, &label, &figures.snapshot.cgroup);
        for per_cgroup in &mut per_cgroup {
            per_cgroup.sample(&label, figures);
        }
    }
    let mut families = families::whole_machine(&context.host)?;
    families.push(identities);
    families.extend(per_cgroup.into_iter().map(families::PerCgroup::into_family));
    let text = openmetrics::text(&families, args.format());
    match &args.output {
        Some(path) => output::file(path, &text)?,
        None => output::data(&text)?,
    }
    Ok(exit)
}

/// Returns the path as a label. Names of cgroups may contain control characters, and label values
/// are UTF-8.
fn label(cgroup: &Cgroup) -> String {
    escaped(cgroup.path())
}

/// Reads the figures of the top cgroup and its descendants.
fn read(
    context: &Context,
    top: Cgroup,
    depth: Option<usize>,
    partly: &mut impl FnMut(&dyn std::fmt::Display),
) -> anyhow::Result<Vec<Figures>> {
    let host = &context.host;
    let mut listing = Listing::new(host, &top)?;
    let of_top = grants::of_top(host, listing.system(), &top)?;
    let mut all = Vec::new();
    let mut asked = Vec::new();
    for found in Walk::new(top, depth) {
        let read = || {
            let (cgroup, depth) = found?;
            let Some(snapshot) = Snapshot::read(cgroup)? else {
                return Ok(None);
            };
            let in_force = listing.limits(&snapshot, depth)?;
            let memory = snapshot.cgroup.size("memory.current")?.and_then(Limit::at);
            let figures = Figures {
                snapshot,
                in_force,
                memory,
                granted: None,
            };
            Ok::<_, memcgfs::Error>(Some((figures, depth)))
        };
        match read() {
            Ok(Some((figures, depth))) => {
                let min = figures.snapshot.setting(&knobs::DIRTY_MIN);
                asked.push((depth, min.map_or(0, grants::asked)));
                all.push(figures);
            }
            Ok(None) => {}
            // A cgroup that cannot be read must not hide the others.
            Err(error) => partly(&error),
        }
    }
    for (figures, granted) in all.iter_mut().zip(grants::grants(of_top, &asked)) {
        let has_floor = figures.snapshot.setting(&knobs::DIRTY_MIN).is_some();
        figures.granted = has_floor.then_some(granted);
    }
    Ok(all)
}

/// Keeps the requested cgroups, in order.
fn select(all: &mut Vec<Figures>, args: &MetricsArgs) {
    let patterns: Vec<_> = args
        .patterns
        .iter()
        .map(|pattern| Pattern::new(pattern.as_bytes()))
        .collect();
    if !patterns.is_empty() {
        all.retain(|figures| {
            let name = figures.snapshot.cgroup.name();
            patterns.iter().any(|pattern| pattern.matches(name))
        });
    }
    let Some(most) = args.top else { return };
    let mut weights: Vec<_> = all.iter().map(|figures| Reverse(weight(figures))).collect();
    weights.sort_unstable();
    // Cgroups without any such memory are left out.
    let least = weights
        .get(most.saturating_sub(1))
        .map_or(1, |weight| weight.0.max(1));
    let mut left = most;
    all.retain(|figures| {
        let is_great = weight(figures) >= least && left > 0;
        left -= usize::from(is_great);
        is_great || figures.snapshot.throttled_now().is_some_and(|now| now != 0)
    });
}

/// Returns the weight of a cgroup for --top: its dirty pages and its inherited memory.
fn weight(figures: &Figures) -> u64 {
    let snapshot = &figures.snapshot;
    [snapshot.dirty(), snapshot.writeback(), snapshot.inherited()]
        .into_iter()
        .flatten()
        .fold(0, u64::saturating_add)
}
