// SPDX-License-Identifier: GPL-2.0

//! `memcgctl watch`: dirty pages against their limits over time, a line for each sample and a graph
//! at the end.

mod history;
mod line;
mod svg;

use crate::cli;
use crate::cli::Target;
use crate::cli::WatchArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::json::Name;
use crate::output;
use crate::stop::Stop;
use crate::stop::Woken;
use clap::error::ErrorKind;
use history::History;
use history::Sample;
use memcgfs::derivation::Listing;
use memcgfs::escaped;
use memcgfs::Cgroup;
use memcgfs::Host;
use memcgfs::Limit;
use memcgfs::Usage;
use serde::Serialize;
use std::time::Duration;
use std::time::Instant;

/// A sample as a line of JSON.
#[derive(Serialize)]
struct Look<'a> {
    #[serde(flatten)]
    name: &'a Name,
    /// Microseconds since the first sample.
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
    /// The increase since the previous sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    throttled_usec: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    throttled_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    throttled_now: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paced_usec: Option<u64>,
}

/// A cgroup that is watched.
struct Watched {
    cgroup: Cgroup,
    name: Name,
    /// The figures of the previous sample.
    before: Option<Usage>,
    /// Its path, if there are several, padded to the longest.
    label: String,
    history: History,
}

pub fn run(context: &Context, args: &WatchArgs) -> anyhow::Result<Exit> {
    let mut watched = watched(context, args)?;
    if args.svg.is_some() && watched.len() != 1 {
        let text = "--svg draws a single cgroup";
        return Err(cli::usage("watch", ErrorKind::ArgumentConflict, text).into());
    }
    for watched in &watched {
        context.note_absent_figures(&watched.cgroup);
    }
    let picture = |watched: &[Watched]| match (&args.svg, watched) {
        (Some(file), [only]) => {
            let title = escaped(only.cgroup.path());
            output::file(file, &svg::picture(&title, &only.history))
        }
        _ => Ok(()),
    };
    // Report a file that cannot be written now, not at the end.
    picture(&watched)?;
    let stop = Stop::new(&context.host)?;
    let result = looks(&context.host, args, &mut watched, &stop);
    picture(&watched)?;
    result
}

/// Returns the cgroups to watch, without duplicates.
fn watched(context: &Context, args: &WatchArgs) -> anyhow::Result<Vec<Watched>> {
    let mut cgroups: Vec<Cgroup> = Vec::new();
    if args.cgroups.is_empty() {
        cgroups.push(context.cgroup(&Target::Own)?);
    }
    for name in &args.cgroups {
        for cgroup in context.cgroups(&Target::Named(name.clone()))? {
            if !cgroups.contains(&cgroup) {
                cgroups.push(cgroup);
            }
        }
    }
    let labels: Vec<_> = cgroups
        .iter()
        .map(|cgroup| escaped(cgroup.path()))
        .collect();
    let width = labels.iter().map(|label| label.chars().count()).max();
    let width = width.filter(|_| labels.len() > 1).unwrap_or(0);
    let watched = cgroups.into_iter().zip(labels).map(|(cgroup, label)| {
        let fill = " ".repeat(width.saturating_sub(label.chars().count()));
        Watched {
            name: Name::new(&cgroup.path()),
            label: match width {
                0 => String::new(),
                _ => format!("{label}{fill} "),
            },
            cgroup,
            before: None,
            history: History::default(),
        }
    });
    Ok(watched.collect())
}

fn looks(
    host: &Host,
    args: &WatchArgs,
    watched: &mut [Watched],
    stop: &Stop,
) -> anyhow::Result<Exit> {
    let start = Instant::now();
    let mut gone = vec![false; watched.len()];
    for look in 1u32.. {
        for (watched, gone) in watched.iter_mut().zip(&mut gone) {
            if *gone {
                continue;
            }
            let time = start.elapsed();
            let mut listing = Listing::new(host, &watched.cgroup)?;
            let Some(usage) = Usage::read(&watched.cgroup, 0, &mut listing)? else {
                // It is normal to watch a program until it ends.
                output::note(format_args!("{}: removed", escaped(watched.cgroup.path())));
                *gone = true;
                continue;
            };
            if !watched.show(time, usage, args.json, stop)? {
                return Ok(Exit::Done);
            }
        }
        if args.count.is_some_and(|count| look >= count) || gone.iter().all(|gone| *gone) {
            break;
        }
        // Computed from the start, so that delays do not accumulate.
        let next = args.interval.0.saturating_mul(look);
        let left = next.saturating_sub(start.elapsed());
        if stop.wait(None, left)? == Woken::Stop {
            break;
        }
    }
    Ok(Exit::Done)
}

impl Watched {
    /// Prints a sample. Returns whether the reader is still there.
    fn show(
        &mut self,
        time: Duration,
        usage: Usage,
        json: bool,
        stop: &Stop,
    ) -> anyhow::Result<bool> {
        let before = self.before.replace(usage);
        let more = |field: fn(&Usage) -> Option<u64>| {
            let earlier = before.as_ref().map_or_else(|| field(&usage), field);
            Some(field(&usage)?.saturating_sub(earlier?))
        };
        let throttled = more(|usage| usage.throttled_usec);
        self.history.push(Sample {
            time,
            dirty: usage.dirty.unwrap_or(0),
            writeback: usage.writeback.unwrap_or(0),
            limit: usage.limit.and_then(Limit::at),
            background: usage.background_limit.and_then(Limit::at),
            throttled: Duration::from_micros(throttled.unwrap_or(0)),
            waiting: usage.throttled_now.is_some_and(|now| now != 0),
        });
        if !json {
            return output::line(
                &line::line((time, &self.label), &usage, throttled, line::Look::now()),
                Some(stop),
            );
        }
        output::json_line(
            &Look {
                name: &self.name,
                usec: u64::try_from(time.as_micros()).unwrap_or(u64::MAX),
                dirty: usage.dirty,
                writeback: usage.writeback,
                limit: usage.limit.map(Limit::at),
                background_limit: usage.background_limit.map(Limit::at),
                throttled_usec: throttled,
                throttled_count: more(|usage| usage.throttled_count),
                throttled_now: usage.throttled_now,
                paced_usec: more(|usage| usage.paced_usec),
            },
            Some(stop),
        )
    }
}
