// SPDX-License-Identifier: GPL-2.0

//! `memcgctl top`: all cgroups in a table that renews itself, or once.

mod draw;
pub mod keys;
mod sampler;
mod screen;
#[cfg(test)]
mod tests;
mod view;

use crate::cli::Column;
use crate::cli::TopArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::json::Name;
use crate::output;
use crate::stop::Stop;
use crate::table;
use anyhow::bail;
use clap::ValueEnum;
use memcgfs::knobs;
use memcgfs::Limit;
use sampler::Row;
use sampler::Sampler;
use screen::Mode;
use screen::Top;
use serde::Serialize;
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

/// A row for programs. What is absent has no key.
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
    inherited: Option<u64>,
}

pub fn run(context: &Context, args: &TopArgs) -> anyhow::Result<Exit> {
    let cgroup = context.named_or_root(args.cgroup.as_ref(), args.own)?;
    let once = args.once || args.json;
    let terminal = io::stdout().is_terminal() && io::stdin().is_terminal();
    if !once && !terminal {
        bail!("top needs a terminal; without one there are --once and --json");
    }
    let lacking = !context.host.module_loaded();
    if lacking && once {
        let child = cgroup.children()?.into_iter().next();
        output::note(
            child
                .unwrap_or_else(|| cgroup.clone())
                .absence(&context.host, &knobs::DIRTY_STAT),
        );
    }
    let mut top = Top {
        sampler: Sampler::new(cgroup),
        view: View::new(args),
        interval: args.interval.0,
        mode: Mode::Normal,
        paused: false,
        host: context.host.clone(),
        lacking,
        rich: output::is_rich(),
        color: env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    };
    if !once {
        screen::run(top, &Stop::new(&context.host)?)?;
        return Ok(Exit::Done);
    }
    top.sampler.look();
    // The first rates are those between two looks.
    thread::sleep(top.interval);
    top.sampler.look();
    top.sampler.read_inherited(0..top.sampler.rows().len());
    top.view.arrange(top.sampler.rows(), top.rich);
    match args.json {
        true => output::json(&Listing {
            cgroups: rows(&top).map(|(_, row)| report(row)).collect(),
        })?,
        false => output::data(&text(&top))?,
    }
    Ok(match top.sampler.unreadable {
        0 => Exit::Done,
        count => {
            output::note(format_args!("cgroups that could not be read: {count}"));
            Exit::Partly
        }
    })
}

/// The rows in their order, with their labels.
fn rows(top: &Top) -> impl Iterator<Item = (&str, &Row)> {
    let rows = top.sampler.rows();
    let shown = top.view.shown.iter();
    shown.filter_map(|shown| Some((shown.label.as_str(), rows.get(shown.row)?)))
}

fn text(top: &Top) -> String {
    let heads: Vec<_> = Column::value_variants()
        .iter()
        .map(|column| draw::head(*column))
        .collect();
    let mut lines: Vec<[String; 9]> = Vec::new();
    let mut push = |label: &str, figures: [String; 7]| {
        let [a, b, c, d, e, f, g] = figures;
        // The last column of a table is text; here there is none.
        lines.push([label.to_owned(), a, b, c, d, e, f, g, String::new()]);
    };
    let figure = |index: usize| heads.get(index + 1).copied().unwrap_or_default().to_owned();
    push(
        heads.first().copied().unwrap_or_default(),
        std::array::from_fn(figure),
    );
    for (label, row) in rows(top) {
        push(label, draw::figures(row));
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
        inherited: row.inherited,
    }
}
