// SPDX-License-Identifier: GPL-2.0

//! `memcgctl trace`: a line each time that a writer is made to wait, from the kernel's tracepoints.

mod names;

use crate::cli::Target;
use crate::cli::TraceArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::json::Name;
use crate::output;
use crate::report::seconds;
use crate::stop::Stop;
use crate::stop::Woken;
use anyhow::anyhow;
use memcgfs::escaped;
use memcgfs::in_words;
use memcgfs::size::Bytes;
use memcgfs::tracing::Event;
use memcgfs::tracing::Instance;
use memcgfs::tracing::Line;
use memcgfs::tracing::What;
use names::Names;
use serde::Serialize;
use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

/// An event for programs: a line of JSON.
#[derive(Serialize)]
struct Report<'a> {
    time_usec: u64,
    task: &'a str,
    tid: u32,
    event: &'a str,
    #[serde(flatten)]
    name: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cgroup_ino: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pause_usec: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dirty: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bdi: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    foreign_memcg_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a str>,
}

/// What goes on while lines come in.
struct Printer {
    names: Names,
    json: bool,
    /// How many more lines to print.
    left: Option<u64>,
}

pub fn run(context: &Context, args: &TraceArgs) -> anyhow::Result<Exit> {
    let hierarchy = context.hierarchy()?;
    let below = match (&args.cgroup, args.own) {
        (Some(name), _) => Some(context.cgroup(&Target::Named(name.clone()))?),
        (None, true) => Some(context.cgroup(&Target::Own)?),
        (None, false) => None,
    };
    let mut printer = Printer {
        names: Names::new(hierarchy.root(), below),
        json: args.json,
        left: args.count,
    };
    match &args.input {
        Some(file) => saved(file, &mut printer)?,
        None => live(context, &mut printer)?,
    }
    Ok(Exit::Done)
}

/// Print what the kernel tells from now on.
fn live(context: &Context, printer: &mut Printer) -> anyhow::Result<()> {
    // Signals are taken over before there is anything to clean up.
    let stop = Stop::new(&context.host)?;
    let mut instance = Instance::make(&context.host)?;
    let mut buffer = vec![0; 1 << 16];
    let mut pending = Vec::new();
    loop {
        let length = instance.read(&mut buffer)?;
        pending.extend_from_slice(buffer.get(..length).unwrap_or_default());
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            if !printer.print(line.trim_ascii_end())? {
                return Ok(());
            }
        }
        // No line is this long; what comes without an end is not what it should be.
        if pending.len() > 1 << 20 {
            pending.clear();
        }
        // With something read there may be more at once; else look now and then, whatever the kernel tells.
        let time = match length {
            0 => Duration::from_millis(500),
            _ => Duration::ZERO,
        };
        if stop.wait(instance.fd().filter(|_| length == 0), time)? == Woken::Stop {
            return Ok(());
        }
    }
}

/// Print what was saved from `trace_pipe` before.
fn saved(file: &Path, printer: &mut Printer) -> anyhow::Result<()> {
    let failed = |error: io::Error| anyhow!("cannot read {}: {}", escaped(file), in_words(&error));
    let input: Box<dyn BufRead> = match file == Path::new("-") {
        true => Box::new(io::stdin().lock()),
        false => Box::new(BufReader::new(File::open(file).map_err(failed)?)),
    };
    for line in input.split(b'\n') {
        if !printer.print(&line.map_err(failed)?)? {
            break;
        }
    }
    Ok(())
}

impl Printer {
    /// Print a line of the trace and tell whether to go on.
    fn print(&mut self, line: &[u8]) -> anyhow::Result<bool> {
        let event = match Line::parse(line) {
            Some(Line::Event(event)) => event,
            Some(Line::Lost(count)) => {
                output::note(format_args!("{count} events were lost"));
                return Ok(true);
            }
            None => return Ok(true),
        };
        if event.what == What::Passed || !self.names.is_wanted(event.cgroup_ino) {
            return Ok(true);
        }
        let read_on = match self.json {
            true => output::json_line(&self.report(&event))?,
            false => output::line(&self.words(&event))?,
        };
        self.left = self.left.map(|left| left.saturating_sub(1));
        Ok(read_on && self.left != Some(0))
    }

    fn words(&mut self, event: &Event) -> String {
        let size =
            |size: Option<u64>| size.map_or_else(|| "-".to_owned(), |size| Bytes(size).to_string());
        let cgroup = match (self.names.path(event.cgroup_ino), event.cgroup_ino) {
            (Some(path), _) => escaped(path),
            (None, Some(ino)) => format!("(inode {ino})"),
            (None, None) => "-".to_owned(),
        };
        let what = match &event.what {
            What::Throttle {
                pause_usec,
                dirty,
                limit,
                bdi,
            } => {
                let pause = pause_usec.map_or_else(|| "-".to_owned(), seconds);
                let bdi = bdi
                    .as_deref()
                    .map_or_else(String::new, |bdi| format!(" bdi {}", escaped(bdi)));
                format!(
                    "waits {pause} dirty {} of {}{bdi}",
                    size(*dirty),
                    size(*limit)
                )
            }
            What::FlushForeign { memcg_id } => {
                let id = memcg_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
                format!("flushes foreign pages of memcg {id}")
            }
            What::Other(text) => format!("{} {}", escaped(&event.name), escaped(text)),
            What::Passed => String::new(),
        };
        format!(
            "{:>6}.{:06} {}-{} {cgroup} {what}",
            event.time_usec / 1_000_000,
            event.time_usec % 1_000_000,
            escaped(&event.task),
            event.tid
        )
    }

    fn report<'a>(&mut self, event: &'a Event) -> Report<'a> {
        let mut report = Report {
            time_usec: event.time_usec,
            task: &event.task,
            tid: event.tid,
            event: &event.name,
            name: self
                .names
                .path(event.cgroup_ino)
                .map(|path| Name::new(&path)),
            cgroup_ino: event.cgroup_ino,
            pause_usec: None,
            dirty: None,
            limit: None,
            bdi: None,
            foreign_memcg_id: None,
            details: None,
        };
        match &event.what {
            What::Throttle {
                pause_usec,
                dirty,
                limit,
                bdi,
            } => {
                report.pause_usec = *pause_usec;
                report.dirty = *dirty;
                report.limit = *limit;
                report.bdi = bdi.as_deref();
            }
            What::FlushForeign { memcg_id } => report.foreign_memcg_id = *memcg_id,
            What::Other(text) => report.details = Some(text),
            What::Passed => {}
        }
        report
    }
}
