// SPDX-License-Identifier: GPL-2.0

//! The metric families: the name and the source of each figure.

use crate::openmetrics::Family;
use crate::openmetrics::Kind;
use crate::openmetrics::Number;
use memcgfs::derivation::InForce;
use memcgfs::knobs;
use memcgfs::switches;
use memcgfs::switches::RechargeTotals;
use memcgfs::switches::SwitchValue;
use memcgfs::DirtyStat;
use memcgfs::Host;
use memcgfs::Limit;
use memcgfs::RechargeStat;
use memcgfs::Snapshot;
use memcgfs::Value;

/// The figures of a cgroup.
pub struct Figures {
    pub snapshot: Snapshot,
    pub in_force: Option<InForce>,
    /// All memory charged to it, in bytes.
    pub memory: Option<u64>,
    /// The floor that it is granted, in bytes.
    pub granted: Option<u64>,
}

/// Extracts a value from a cgroup's figures.
type Take = fn(&Figures) -> Option<Number>;

/// A family with a sample for each cgroup.
pub struct PerCgroup {
    family: Family,
    take: Take,
}

impl PerCgroup {
    /// Adds the sample of a cgroup, if it has the figure.
    pub fn sample(&mut self, label: &str, figures: &Figures) {
        if let Some(number) = (self.take)(figures) {
            self.family.sample(&[("cgroup", label)], number);
        }
    }

    pub fn into_family(self) -> Family {
        self.family
    }
}

/// Returns the system-wide families.
pub fn whole_machine(host: &Host) -> memcgfs::Result<Vec<Family>> {
    let mut loaded = Family::new(
        "memcg_knobs_loaded",
        Kind::Gauge,
        None,
        "Whether the module memcg_knobs is loaded.",
    );
    loaded.sample(&[], Number::Whole(host.module_loaded().into()));
    let mut families = vec![loaded];
    let mut switches = Family::new(
        "memcg_knobs_switch",
        Kind::Gauge,
        None,
        "Whether a switch of the module is on, or its value.",
    );
    for switch in &switches::SWITCHES {
        match switch.value(host)? {
            Some(SwitchValue::OnOff(on)) => {
                switches.sample(&[("switch", switch.name)], Number::Whole(on.into()));
            }
            Some(SwitchValue::Seconds(seconds)) => {
                switches.sample(&[("switch", switch.name)], Number::Whole(seconds.into()));
            }
            Some(SwitchValue::Pace(usec)) => {
                switches.sample(&[("switch", switch.name)], Number::Whole(usec.0));
            }
            Some(SwitchValue::Scope(_)) | None => {}
        }
    }
    families.push(switches);
    if let Some(totals) = RechargeTotals::read(host)? {
        let mut recharge = Family::new(
            "memcg_recharge_pages",
            Kind::Counter,
            Some("pages"),
            "Pages that recharging handled since boot, by outcome.",
        );
        let results = [
            ("scanned", totals.scanned),
            ("moved", totals.moved),
            ("failed", totals.failed),
            ("deferred", totals.deferred),
            ("dropped", totals.dropped),
            ("freed", totals.freed),
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

pub fn per_cgroup() -> Vec<PerCgroup> {
    use Kind::*;
    let bytes = Some("bytes");
    let table: [(&str, Kind, Option<&str>, &str, Take); 19] = [
        (
            "memcg_dirty_bytes",
            Gauge,
            bytes,
            "Dirty page cache of the subtree.",
            |f| f.snapshot.dirty().map(Number::Whole),
        ),
        (
            "memcg_writeback_bytes",
            Gauge,
            bytes,
            "Page cache of the subtree under writeback.",
            |f| f.snapshot.writeback().map(Number::Whole),
        ),
        (
            "memcg_dirty_limit_bytes",
            Gauge,
            bytes,
            "Dirty limit in force.",
            |f| f.in_force?.limit.map(limit),
        ),
        (
            "memcg_dirty_background_limit_bytes",
            Gauge,
            bytes,
            "Background dirty limit in force.",
            |f| f.in_force?.background.map(limit),
        ),
        (
            "memcg_dirty_floor_bytes",
            Gauge,
            bytes,
            "Floor that memory.dirty_min asks for.",
            |f| match f.snapshot.setting(&knobs::DIRTY_MIN)? {
                Value::Bytes(bytes) => Some(limit(bytes)),
                _ => None,
            },
        ),
        (
            "memcg_dirty_floor_granted_bytes",
            Gauge,
            bytes,
            "Part of that floor that is granted.",
            |f| f.granted.map(Number::Whole),
        ),
        (
            "memcg_memory_bytes",
            Gauge,
            bytes,
            "Memory that the subtree is charged for.",
            |f| f.memory.map(Number::Whole),
        ),
        (
            "memcg_dirty_throttled_now",
            Gauge,
            None,
            "Writers of the subtree that are waiting.",
            |f| dirty(f, |stat| stat.throttled_now).map(Number::Whole),
        ),
        (
            "memcg_writeback_pace_seconds",
            Gauge,
            Some("seconds"),
            "Device time that writeback of the subtree may fill.",
            |f| {
                let pace = f.snapshot.dirty_stat.as_ref()?.pace_usec?;
                Some(pace.at().map_or(Number::Infinite, Number::Micro))
            },
        ),
        (
            "memcg_writeback_paced_seconds",
            Counter,
            Some("seconds"),
            "Time that writeback of the subtree was held back.",
            |f| dirty(f, |stat| stat.paced_usec).map(Number::Micro),
        ),
        (
            "memcg_dirty_limit_derived",
            Gauge,
            None,
            "1 if the limit in force was derived because the kernel does not report it.",
            |f| {
                let derived = f.in_force.is_some_and(|in_force| in_force.derived);
                derived.then_some(Number::Whole(1))
            },
        ),
        (
            "memcg_dirty_throttled_seconds",
            Counter,
            Some("seconds"),
            "Time that writers of the subtree were made to wait.",
            |f| dirty(f, |stat| stat.throttled_usec).map(Number::Micro),
        ),
        (
            "memcg_dirty_throttles",
            Counter,
            None,
            "How often a writer of the subtree was made to wait.",
            |f| dirty(f, |stat| stat.throttled_count).map(Number::Whole),
        ),
        (
            "memcg_dirty_writeback_starts",
            Counter,
            None,
            "How often writeback of the subtree was started for its limits.",
            |f| dirty(f, |stat| stat.writeback_started).map(Number::Whole),
        ),
        (
            "memcg_inherited_bytes",
            Gauge,
            bytes,
            "Charged here through a cgroup that was removed.",
            |f| f.snapshot.inherited().map(Number::Whole),
        ),
        (
            "memcg_recharged_in_bytes",
            Counter,
            bytes,
            "Moved here from a cgroup that had inherited it.",
            |f| recharge(f, |stat| stat.recharged_in).map(Number::Whole),
        ),
        (
            "memcg_recharged_out_bytes",
            Counter,
            bytes,
            "Moved from here to its users.",
            |f| recharge(f, |stat| stat.recharged_out).map(Number::Whole),
        ),
        (
            "memcg_recharge_failed_bytes",
            Counter,
            bytes,
            "Memory that could not be moved to its users.",
            |f| recharge(f, |stat| stat.recharge_failed).map(Number::Whole),
        ),
        (
            "memcg_dirty_limited",
            Gauge,
            None,
            "Whether a dirty limit is set on this very cgroup.",
            |f| {
                let has_limit = || f.snapshot.has_own_limit().into();
                (!f.snapshot.settings.is_empty()).then(|| Number::Whole(has_limit()))
            },
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

fn dirty(figures: &Figures, field: fn(&DirtyStat) -> Option<u64>) -> Option<u64> {
    figures.snapshot.dirty_stat.as_ref().and_then(field)
}

fn recharge(figures: &Figures, field: fn(&RechargeStat) -> Option<u64>) -> Option<u64> {
    figures.snapshot.recharge_stat.as_ref().and_then(field)
}
