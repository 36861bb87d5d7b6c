// SPDX-License-Identifier: GPL-2.0

//! `memcgctl top`: all cgroups in a table, updated continuously or printed once.

mod columns;
mod devices;
mod draw;
pub mod keys;
mod popup;
pub mod row;
pub mod sampler;
mod screen;
pub mod source;
#[cfg(test)]
mod tests;
mod view;

use crate::cli::Column;
use crate::cli::TopArgs;
use crate::cmd_record::player::Player;
use crate::context::Context;
use crate::exit::Exit;
use crate::json::Name;
use crate::output;
use crate::stop::Stop;
use crate::table;
use anyhow::bail;
use memcgfs::knobs;
use memcgfs::Limit;
use row::Row;
use sampler::Sampler;
use screen::Mode;
use screen::Top;
use serde::Serialize;
use source::Source;
use std::env;
use std::io;
use std::io::IsTerminal;
use std::thread;
use std::time::Duration;
use view::View;

#[derive(Serialize)]
struct Listing {
    cgroups: Vec<RowReport>,
}

/// A row as JSON. Absent values have no key.
#[derive(Serialize)]
struct RowReport {
    #[serde(flatten)]
    name: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    dirty: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    writeback: Option<u64>,
    /// `null` for `max`.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<Option<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    throttled_usec_per_second: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    throttled_per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    throttled_now: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paced_usec_per_second: Option<u64>,
    /// The state of writers: free, slowed, stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    writers: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inherited: Option<u64>,
}

pub fn run(context: &Context, args: &TopArgs) -> anyhow::Result<Exit> {
    let once = args.once || args.json;
    let terminal = io::stdout().is_terminal() && io::stdin().is_terminal();
    if !once && !terminal {
        bail!("top needs a terminal; without one there are --once and --json");
    }
    if !once && output::is_dumb() {
        bail!("top needs a terminal on which it can move the cursor, and TERM is dumb; there are --once and --json");
    }
    let lacking = !context.host.module_loaded();
    let source = match &args.replay {
        Some(file) => Source::Replay(Player::open(file)?),
        None => {
            let cgroup = context.top(&args.start)?;
            if lacking && once {
                let child = cgroup.children()?.into_iter().next();
                let child = child.unwrap_or_else(|| cgroup.clone());
                output::note(child.absence(&context.host, &knobs::DIRTY_STAT));
            }
            Source::Live(Sampler::new(context.host.clone(), cgroup))
        }
    };
    let mut top = Top {
        source,
        view: View::new(args),
        interval: args.interval.0,
        mode: Mode::Normal,
        paused: args.replay.is_some(),
        host: context.host.clone(),
        devices: Ok(Vec::new()),
        lacking,
        rich: output::is_rich(),
        color: env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    };
    if !once {
        screen::run(top, &Stop::new(&context.host)?)?;
        return Ok(Exit::Done);
    }
    top.source.look();
    // The first rates are computed between two samples.
    thread::sleep(top.interval);
    top.source.look();
    top.source.read_inherited(0..top.source.rows().len());
    top.view.arrange(top.source.rows(), top.rich);
    match args.json {
        true => output::json(&Listing {
            cgroups: rows(&top).map(|(_, row)| report(row)).collect(),
        })?,
        false => output::data(&text(&top))?,
    }
    Ok(match top.source.unreadable() {
        0 => Exit::Done,
        count => {
            output::note(format_args!("cgroups that could not be read: {count}"));
            Exit::Partly
        }
    })
}

/// Returns the rows in order, with their labels.
fn rows(top: &Top) -> impl Iterator<Item = (&str, &Row)> {
    let rows = top.source.rows();
    let shown = top.view.shown.iter();
    shown.filter_map(|shown| Some((shown.label.as_str(), rows.get(shown.row)?)))
}

fn text(top: &Top) -> String {
    const COLUMNS: usize = 12;
    let line = |label: &str, figure: &dyn Fn(Column) -> String| {
        let mut cells = [const { String::new() }; COLUMNS];
        let figures = columns::figures().map(figure);
        // The last column of a table is left-aligned text, but here it is a number.
        for (cell, text) in cells
            .iter_mut()
            .zip([label.to_owned()].into_iter().chain(figures))
        {
            *cell = text;
        }
        cells
    };
    let mut lines = vec![line(columns::head(Column::Cgroup), &|column| {
        columns::head(column).to_owned()
    })];
    for (label, row) in rows(top) {
        lines.push(line(label, &|column| columns::figure(row, column)));
    }
    table::lines(&lines)
}

fn report(row: &Row) -> RowReport {
    RowReport {
        name: Name::new(&row.cgroup.path()),
        dirty: row.usage.dirty,
        writeback: row.usage.writeback,
        limit: row.usage.limit.map(Limit::at),
        throttled_usec_per_second: row.wait,
        throttled_per_second: row
            .waits
            .map(|waits| Duration::from_millis(waits).as_secs_f64()),
        throttled_now: row.usage.throttled_now,
        paced_usec_per_second: row.paced,
        writers: row.state.map(|state| columns::state(Some(state))),
        inherited: row.inherited,
    }
}
