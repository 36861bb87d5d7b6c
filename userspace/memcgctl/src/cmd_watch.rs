// SPDX-License-Identifier: GPL-2.0

//! `memcgctl watch`: dirty pages against their limit over time, a line for each look and a picture at the end.

mod history;
mod svg;

use crate::cli::WatchArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::json::Name;
use crate::output;
use crate::report::seconds;
use crate::report::size;
use crate::stop::Stop;
use crate::stop::Woken;
use history::History;
use history::Sample;
use memcgfs::escaped;
use memcgfs::Cgroup;
use memcgfs::Limit;
use memcgfs::Usage;
use serde::Serialize;
use std::time::Duration;
use std::time::Instant;

/// One look, for programs: a line of JSON.
#[derive(Serialize)]
struct Look<'a> {
    #[serde(flatten)]
    name: &'a Name,
    /// Since the first look.
    usec: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dirty: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    writeback: Option<u64>,
    /// `null` for `max`.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<Option<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    background_limit: Option<Option<u64>>,
    /// Since the look before.
    #[serde(skip_serializing_if = "Option::is_none")]
    throttled_usec: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    throttled_count: Option<u64>,
}

pub fn run(context: &Context, args: &WatchArgs) -> anyhow::Result<Exit> {
    let cgroup = context.named_or_own(args.cgroup.as_ref())?;
    context.note_absent_figures(&cgroup);
    let title = escaped(cgroup.path());
    let mut history = History::default();
    let picture = |history: &History| match &args.svg {
        Some(file) => output::file(file, &svg::picture(&title, history)),
        None => Ok(()),
    };
    // That it can not be written is better known before than after.
    picture(&history)?;
    let stop = Stop::new(&context.host)?;
    let result = looks(args, &cgroup, &stop, &mut history);
    picture(&history)?;
    result
}

fn looks(
    args: &WatchArgs,
    cgroup: &Cgroup,
    stop: &Stop,
    history: &mut History,
) -> anyhow::Result<Exit> {
    let name = Name::new(&cgroup.path());
    let rich = output::is_rich();
    let start = Instant::now();
    let mut before: Option<Usage> = None;
    for look in 1u32.. {
        let time = start.elapsed();
        let Some(usage) = Usage::read(cgroup)? else {
            // What one watches may well be a program to its end.
            output::note(format_args!("{}: removed", escaped(cgroup.path())));
            break;
        };
        let more = |field: fn(&Usage) -> Option<u64>| {
            let earlier = before.as_ref().map_or_else(|| field(&usage), field);
            Some(field(&usage)?.saturating_sub(earlier?))
        };
        let throttled = more(|usage| usage.throttled_usec);
        let read_on = match args.json {
            true => output::json_line(
                &Look {
                    name: &name,
                    usec: u64::try_from(time.as_micros()).unwrap_or(u64::MAX),
                    dirty: usage.dirty,
                    writeback: usage.writeback,
                    limit: usage.limit.map(Limit::at),
                    background_limit: usage.background_limit.map(Limit::at),
                    throttled_usec: throttled,
                    throttled_count: more(|usage| usage.throttled_count),
                },
                Some(stop),
            )?,
            false => output::line(&line(time, &usage, throttled, rich), Some(stop))?,
        };
        history.push(Sample {
            time,
            dirty: usage.dirty.unwrap_or(0),
            writeback: usage.writeback.unwrap_or(0),
            limit: usage.limit.and_then(Limit::at),
            background: usage.background_limit.and_then(Limit::at),
            throttled: Duration::from_micros(throttled.unwrap_or(0)),
        });
        before = Some(usage);
        if !read_on || args.count.is_some_and(|count| look >= count) {
            break;
        }
        // Reckoned from the start, so that it does not fall behind little by little.
        let next = args.interval.0.saturating_mul(look);
        let left = next.saturating_sub(start.elapsed());
        if stop.wait(None, left)? == Woken::Stop {
            break;
        }
    }
    Ok(Exit::Done)
}

/// `  12.0s    24MiB of 64MiB   37% [#####++     |          ] throttled 0.120s`
fn line(time: Duration, usage: &Usage, throttled: Option<u64>, rich: bool) -> String {
    const WIDTH: u64 = 40;
    let mut line = format!("{:>7.1}s {:>9}", time.as_secs_f64(), size(usage.held()));
    match usage.limit {
        Some(Limit::At(limit)) => {
            let held = usage.held().unwrap_or(0);
            let of = |part: u64, whole: u64| {
                let scaled = u128::from(part) * u128::from(whole) / u128::from(limit.max(1));
                u64::try_from(scaled).unwrap_or(u64::MAX)
            };
            let [dirty, writeback, rest] = if rich {
                ["█", "▒", " "]
            } else {
                ["#", "+", " "]
            };
            let all = of(held, WIDTH).min(WIDTH);
            let full = of(usage.dirty.unwrap_or(0), WIDTH).min(all);
            let bar: String = (0..WIDTH)
                .map(|cell| match cell {
                    _ if cell < full => dirty,
                    _ if cell < all => writeback,
                    _ => rest,
                })
                .collect();
            line += &format!(" of {:<9} {:>3}% [{bar}]", size(Some(limit)), of(held, 100));
        }
        Some(Limit::Max) => line += " of max",
        None => {}
    }
    if let Some(usec) = throttled.filter(|usec| *usec != 0) {
        line += &format!(" throttled {}", seconds(usec));
    }
    line
}
