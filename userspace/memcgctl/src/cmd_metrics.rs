// SPDX-License-Identifier: GPL-2.0

//! `memcgctl metrics`: the figures of all cgroups, for a collector.

use crate::cli::MetricsArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::openmetrics;
use crate::openmetrics::Family;
use crate::openmetrics::Kind;
use crate::openmetrics::Number;
use crate::output;
use memcgfs::escaped;
use memcgfs::knobs;
use memcgfs::switches::RechargeTotals;
use memcgfs::Cgroup;
use memcgfs::DirtyStat;
use memcgfs::Host;
use memcgfs::Limit;
use memcgfs::RechargeStat;
use memcgfs::Snapshot;
use memcgfs::Value;
use memcgfs::Walk;
use std::collections::BTreeSet;

/// How a figure is taken from a cgroup.
type Take = fn(&Snapshot) -> Option<Number>;

/// A family with a sample for each cgroup.
struct PerCgroup {
    family: Family,
    take: Take,
}

pub fn run(context: &Context, args: &MetricsArgs) -> anyhow::Result<Exit> {
    let top = context.named_or_root(args.cgroup.as_ref(), args.own)?;
    let mut exit = Exit::Done;
    let mut partly = |error: &dyn std::fmt::Display| {
        output::note(error);
        exit = Exit::Partly;
    };
    let mut per_cgroup = per_cgroup();
    let mut seen = BTreeSet::new();
    for found in Walk::new(top, args.depth) {
        match found.and_then(|(cgroup, _)| Snapshot::read(cgroup)) {
            Ok(Some(snapshot)) => {
                let label = label(&snapshot.cgroup);
                if !seen.insert(label.clone()) {
                    partly(&format_args!(
                        "two cgroups look like {label:?}; one is left out"
                    ));
                    continue;
                }
                for PerCgroup { family, take } in &mut per_cgroup {
                    if let Some(number) = take(&snapshot) {
                        family.sample(&[("cgroup", &label)], number);
                    }
                }
            }
            Ok(None) => {}
            // One that can not be read should not hide the others.
            Err(error) => partly(&error),
        }
    }
    let mut families = whole_machine(&context.host)?;
    families.extend(per_cgroup.into_iter().map(|per_cgroup| per_cgroup.family));
    let text = openmetrics::text(&families, args.format());
    match &args.output {
        Some(path) => output::file(path, &text)?,
        None => output::data(&text)?,
    }
    Ok(exit)
}

/// The path. Whoever may make cgroups could put into a name what commands a terminal, and label values are UTF-8.
fn label(cgroup: &Cgroup) -> String {
    escaped(cgroup.path())
}

/// What holds for the machine.
fn whole_machine(host: &Host) -> memcgfs::Result<Vec<Family>> {
    let mut loaded = Family::new(
        "memcg_knobs_loaded",
        Kind::Gauge,
        None,
        "Whether the module memcg_knobs is loaded.",
    );
    loaded.sample(&[], Number::Whole(host.module_loaded().into()));
    let mut families = vec![loaded];
    if let Some(totals) = RechargeTotals::read(host)? {
        let mut recharge = Family::new(
            "memcg_recharge_pages",
            Kind::Counter,
            Some("pages"),
            "Pages that recharging dealt with since boot, by what became of them.",
        );
        let results = [
            ("scanned", totals.scanned),
            ("moved", totals.moved),
            ("failed", totals.failed),
            ("deferred", totals.deferred),
            ("dropped", totals.dropped),
        ];
        for (result, pages) in results {
            if let Some(pages) = pages {
                recharge.sample(&[("result", result)], Number::Whole(pages));
            }
        }
        families.push(recharge);
    }
    Ok(families)
}

fn per_cgroup() -> Vec<PerCgroup> {
    use Kind::*;
    let bytes = Some("bytes");
    let table: [(&str, Kind, Option<&str>, &str, Take); 13] = [
        (
            "memcg_dirty_bytes",
            Gauge,
            bytes,
            "Dirty page cache of the subtree.",
            |s| s.dirty().map(Number::Whole),
        ),
        (
            "memcg_writeback_bytes",
            Gauge,
            bytes,
            "Page cache of the subtree under writeback.",
            |s| s.writeback().map(Number::Whole),
        ),
        (
            "memcg_dirty_limit_bytes",
            Gauge,
            bytes,
            "Dirty limit in force.",
            |s| s.limit().map(limit),
        ),
        (
            "memcg_dirty_background_limit_bytes",
            Gauge,
            bytes,
            "Background dirty limit in force.",
            |s| s.background_limit().map(limit),
        ),
        (
            "memcg_dirty_floor_bytes",
            Gauge,
            bytes,
            "What memory.dirty_min asks for.",
            |s| match s.setting(&knobs::DIRTY_MIN)? {
                Value::Bytes(bytes) => Some(limit(bytes)),
                _ => None,
            },
        ),
        (
            "memcg_dirty_throttled_seconds",
            Counter,
            Some("seconds"),
            "Time that writers of the subtree were made to wait.",
            |s| dirty(s, |stat| stat.throttled_usec).map(Number::Micro),
        ),
        (
            "memcg_dirty_throttles",
            Counter,
            None,
            "How often a writer of the subtree was made to wait.",
            |s| dirty(s, |stat| stat.throttled_count).map(Number::Whole),
        ),
        (
            "memcg_dirty_writeback_starts",
            Counter,
            None,
            "How often writeback of the subtree was started for its limits.",
            |s| dirty(s, |stat| stat.writeback_started).map(Number::Whole),
        ),
        (
            "memcg_inherited_bytes",
            Gauge,
            bytes,
            "Charged here through a cgroup that was removed.",
            |s| s.inherited().map(Number::Whole),
        ),
        (
            "memcg_recharged_in_bytes",
            Counter,
            bytes,
            "Moved here from a cgroup that had inherited it.",
            |s| recharge(s, |stat| stat.recharged_in).map(Number::Whole),
        ),
        (
            "memcg_recharged_out_bytes",
            Counter,
            bytes,
            "Moved from here to its users.",
            |s| recharge(s, |stat| stat.recharged_out).map(Number::Whole),
        ),
        (
            "memcg_recharge_failed_bytes",
            Counter,
            bytes,
            "What should have been moved and could not.",
            |s| recharge(s, |stat| stat.recharge_failed).map(Number::Whole),
        ),
        (
            "memcg_dirty_limited",
            Gauge,
            None,
            "Whether a dirty limit is set on this very cgroup.",
            |s| (!s.settings.is_empty()).then(|| Number::Whole(s.has_own_limit().into())),
        ),
    ];
    let per_cgroup = |(name, kind, unit, help, take)| PerCgroup {
        family: Family::new(name, kind, unit, help),
        take,
    };
    table.into_iter().map(per_cgroup).collect()
}

fn limit(limit: Limit<u64>) -> Number {
    limit.at().map_or(Number::Infinite, Number::Whole)
}

fn dirty(snapshot: &Snapshot, field: fn(&DirtyStat) -> Option<u64>) -> Option<u64> {
    snapshot.dirty_stat.as_ref().and_then(field)
}

fn recharge(snapshot: &Snapshot, field: fn(&RechargeStat) -> Option<u64>) -> Option<u64> {
    snapshot.recharge_stat.as_ref().and_then(field)
}
