// SPDX-License-Identifier: GPL-2.0

//! `memcgctl flush`: starts writeback, waits for it, and shows the progress.

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
use memcgfs::Snapshot;
use serde::Serialize;

/// The outcome of a flush.
#[derive(Serialize)]
struct Outcome {
    #[serde(flatten)]
    name: Name,
    /// The amount to be cleaned, `null` for `max`.
    asked: Option<u64>,
    /// Whether the requested amount was cleaned.
    done: bool,
    usec: u64,
    before: Figures,
    after: Figures,
}

/// The figures of a cgroup at one point in time.
#[derive(Clone, Copy, Default, Serialize)]
struct Figures {
    dirty: u64,
    writeback: u64,
}

pub fn run(context: &Context, args: TriggerArgs) -> anyhow::Result<Exit> {
    let json = args.json;
    let (target, amount) = args.parts("flush")?;
    let cgroup = context.cgroup(&target)?;
    context.require(&cgroup, &knobs::DIRTY_WRITEBACK)?;
    let before = figures(&cgroup)?;
    let ended = trigger::run(
        &amount,
        |amount| cgroup.start_writeback(amount),
        || figures(&cgroup).ok().map(Figures::words),
    )?;
    let outcome = Outcome {
        name: Name::new(&cgroup.path()),
        asked: amount.bytes().at(),
        done: ended.less.is_none(),
        usec: ended.usec,
        before,
        after: figures(&cgroup)?,
    };
    match json {
        true => output::json(&outcome)?,
        false => output::data(&format!("{}\n", outcome.words()))?,
    }
    Ok(ended.exit("fewer could be cleaned"))
}

impl Figures {
    fn words(self) -> String {
        let (dirty, writeback) = (Bytes(self.dirty), Bytes(self.writeback));
        format!("dirty {dirty}, writeback {writeback}")
    }
}

impl Outcome {
    fn words(&self) -> String {
        let Self { before, after, .. } = self;
        format!(
            "dirty {} -> {}, writeback {} -> {}, in {}",
            Bytes(before.dirty),
            Bytes(after.dirty),
            Bytes(before.writeback),
            Bytes(after.writeback),
            seconds(self.usec)
        )
    }
}

fn figures(cgroup: &Cgroup) -> Result<Figures, Error> {
    let snapshot = Snapshot::read(cgroup.clone())?;
    Ok(snapshot.map_or_else(Figures::default, |snapshot| Figures {
        dirty: snapshot.dirty().unwrap_or(0),
        writeback: snapshot.writeback().unwrap_or(0),
    }))
}
