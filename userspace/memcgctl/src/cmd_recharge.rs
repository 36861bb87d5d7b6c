// SPDX-License-Identifier: GPL-2.0

//! `memcgctl recharge`: moves memory inherited from removed cgroups to its users, waits for it, and
//! shows the progress.

use crate::cli::TriggerArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::json::Name;
use crate::output;
use crate::report::seconds;
use crate::trigger;
use memcgfs::knobs;
use memcgfs::units::Bytes;
use memcgfs::Cgroup;
use memcgfs::Error;
use memcgfs::RechargeStat;
use serde::Serialize;

/// The outcome. Values that the kernel does not report have no key.
#[derive(Serialize)]
struct Outcome {
    #[serde(flatten)]
    name: Name,
    /// The amount to be moved, `null` for `max`.
    asked: Option<u64>,
    /// Whether the requested amount was moved.
    done: bool,
    usec: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    inherited_before: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inherited_after: Option<u64>,
    /// The amount moved to its users, in bytes; includes other recharging that ran meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    moved: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<u64>,
}

pub fn run(context: &Context, args: TriggerArgs) -> anyhow::Result<Exit> {
    let json = args.json;
    let (target, amount) = args.parts("recharge")?;
    let cgroup = context.cgroup(&target)?;
    context.require(&cgroup, &knobs::RECHARGE)?;
    let before = figures(&cgroup)?;
    let ended = trigger::run(
        &amount,
        |amount| cgroup.recharge(amount),
        || progress(&before, &figures(&cgroup).ok()?),
    )?;
    let after = figures(&cgroup)?;
    let outcome = Outcome {
        name: Name::new(&cgroup.path()),
        asked: amount.bytes().at(),
        done: ended.less.is_none(),
        usec: ended.usec,
        inherited_before: before.inherited,
        inherited_after: after.inherited,
        moved: more(before.recharged_out, after.recharged_out),
        failed: more(before.recharge_failed, after.recharge_failed),
    };
    match json {
        true => output::json(&outcome)?,
        false => output::data(&format!("{}\n", outcome.words()))?,
    }
    Ok(ended.exit("less could be moved"))
}

impl Outcome {
    fn words(&self) -> String {
        let mut words = Vec::new();
        if let (Some(before), Some(after)) = (self.inherited_before, self.inherited_after) {
            words.push(format!("inherited {} -> {}", Bytes(before), Bytes(after)));
        }
        if let Some(moved) = self.moved {
            words.push(format!("moved {}", Bytes(moved)));
        }
        if let Some(failed) = self.failed.filter(|failed| *failed != 0) {
            words.push(format!("failed {}", Bytes(failed)));
        }
        words.push(format!("in {}", seconds(self.usec)));
        words.join(", ")
    }
}

/// Returns the progress line.
fn progress(before: &RechargeStat, now: &RechargeStat) -> Option<String> {
    let left = Bytes(now.inherited?);
    Some(match more(before.recharged_out, now.recharged_out) {
        Some(moved) => format!("inherited {left}, moved {}", Bytes(moved)),
        None => format!("inherited {left}"),
    })
}

/// Returns the increase of a counter.
fn more(before: Option<u64>, after: Option<u64>) -> Option<u64> {
    Some(after?.saturating_sub(before?))
}

/// Returns the figures; empty if the file is absent or the cgroup vanished.
fn figures(cgroup: &Cgroup) -> Result<RechargeStat, Error> {
    Ok(cgroup.recharge_stat()?.unwrap_or_default())
}
