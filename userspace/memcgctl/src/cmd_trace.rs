// SPDX-License-Identifier: GPL-2.0

//! `memcgctl trace`: a line each time that a writer is made to wait or a charge goes elsewhere, from the kernel's
//! tracepoints.

mod names;
mod run_of_charges;

use crate::cli::Target;
use crate::cli::TraceArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::json::Name;
use crate::output;
use crate::report::seconds;
use crate::report::size;
use crate::stop::Stop;
use crate::stop::Woken;
use anyhow::anyhow;
use memcgfs::errno_name;
use memcgfs::escaped;
use memcgfs::in_words;
use memcgfs::tracing::Event;
use memcgfs::tracing::Instance;
use memcgfs::tracing::Line;
use memcgfs::tracing::What;
use memcgfs::Host;
use names::Interest;
use names::Names;
use run_of_charges::Run;
use serde::Serialize;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::Duration;

/// What the kernel has for the name of a task that has been running since tracing began: it notes names when it switches
/// to another task.
const UNKNOWN: &str = "<...>";

/// With more events waiting, cgroups are looked for at once.
const MOST_WAITING: usize = 4096;

/// An event for programs: a line of JSON.
#[derive(Default, Serialize)]
struct Report<'a> {
    time_usec: u64,
    task: &'a str,
    tid: u32,
    event: &'a str,
    #[serde(flatten)]
    place: Place,
    #[serde(skip_serializing_if = "Option::is_none")]
    pause_usec: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dirty: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
    /// The cgroup whose limit it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bdi: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    foreign_memcg_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// How many charges that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    charges: Option<u64>,
    /// The name of the errno.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The cgroup that had inherited it.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a str>,
}

/// A cgroup, with its path if that is known.
#[derive(Default, Serialize)]
struct Place {
    #[serde(flatten)]
    name: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cgroup_ino: Option<u64>,
}

/// What goes on while lines come in.
struct Printer {
    names: Names,
    /// Events that are not printed yet, since the first of them is of a cgroup that is still to be looked for.
    waiting: VecDeque<Event>,
    /// How many events were left out because it can not be told any more which cgroup they were of.
    gone: u64,
    json: bool,
    /// How many more lines to print.
    left: Option<u64>,
    /// Whom to ask for names that the kernel does not tell; a trace that was saved may be of another one.
    host: Option<Host>,
    /// Charges that are not printed yet, since more of the same may come.
    run: Option<Run>,
    /// What ends a trace that goes on by itself.
    stop: Option<Stop>,
}

pub fn run(context: &Context, args: &TraceArgs) -> anyhow::Result<Exit> {
    let hierarchy = context.hierarchy()?;
    let below = match (&args.cgroup, args.own) {
        (Some(name), _) => Some(context.cgroup(&Target::Named(name.clone()))?),
        (None, true) => Some(context.cgroup(&Target::Own)?),
        (None, false) => None,
    };
    let mut printer = Printer {
        names: Names::new(hierarchy.root(), below, args.input.is_some()),
        waiting: VecDeque::new(),
        gone: 0,
        json: args.json,
        left: args.count,
        host: args.input.is_none().then(|| context.host.clone()),
        run: None,
        stop: None,
    };
    match &args.input {
        Some(file) => saved(file, &mut printer)?,
        None => live(context, &mut printer)?,
    }
    printer.finish()?;
    Ok(Exit::Done)
}

/// Print what the kernel tells from now on.
fn live(context: &Context, printer: &mut Printer) -> anyhow::Result<()> {
    // Signals are taken over before there is anything to clean up.
    printer.stop = Some(Stop::new(&context.host)?);
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
        if !printer.go_on(false)? || length == 0 && !printer.end_run()? {
            return Ok(());
        }
        // With something read there may be more at once; else look now and then, whatever the kernel tells.
        let time = match length {
            0 => Duration::from_millis(500),
            _ => Duration::ZERO,
        };
        let input = instance.fd().filter(|_| length == 0);
        if printer.is_stopped(input, time)? {
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
    /// Take a line of the trace and tell whether to go on.
    fn print(&mut self, line: &[u8]) -> anyhow::Result<bool> {
        let mut event = match Line::parse(line) {
            Some(Line::Event(event)) => event,
            Some(Line::Lost(count)) => {
                match count {
                    Some(count) => output::note(format_args!("{count} events were lost")),
                    None => output::note("events were lost"),
                }
                return Ok(true);
            }
            None => return Ok(true),
        };
        if event.what == What::Passed {
            return Ok(true);
        }
        if event.task == UNKNOWN {
            let name = self
                .host
                .as_ref()
                .and_then(|host| host.task_name(event.tid));
            event.task = name.unwrap_or(event.task);
        }
        self.waiting.push_back(event);
        self.go_on(self.waiting.len() > MOST_WAITING)
    }

    /// Print of what is waiting what can be, with `now` all of it, and tell whether to go on.
    fn go_on(&mut self, now: bool) -> anyhow::Result<bool> {
        while let Some(event) = self.waiting.pop_front() {
            let other = match event.what {
                What::Recharge { from_ino, .. } => from_ino,
                _ => None,
            };
            match self.names.interest([event.cgroup_ino, other], now) {
                Interest::Wanted => {
                    if !self.take(event)? {
                        return Ok(false);
                    }
                }
                Interest::Unwanted => {}
                Interest::Gone => self.gone += 1,
                Interest::Later => {
                    self.waiting.push_front(event);
                    break;
                }
            }
        }
        Ok(true)
    }

    /// Print what was held back, and say what could not be.
    fn finish(&mut self) -> anyhow::Result<()> {
        if self.left != Some(0) && self.go_on(true)? {
            self.end_run()?;
        }
        if self.gone != 0 {
            output::note(format_args!(
                "events left out because their cgroup is not there any more: {}",
                self.gone
            ));
        }
        Ok(())
    }

    /// Print an event, or hold it back if it is a charge, and tell whether to go on.
    fn take(&mut self, event: Event) -> anyhow::Result<bool> {
        if let Some(run) = &mut self.run {
            if run.takes(&event) {
                return Ok(true);
            }
        }
        if !self.end_run()? {
            return Ok(false);
        }
        if !matches!(event.what, What::Redirect { .. }) {
            return self.tell(&event, None);
        }
        self.run = Some(Run::begin(event));
        Ok(true)
    }

    /// Wait for `time` at most, or until `input` has something, and tell whether it is time to end.
    fn is_stopped(&self, input: Option<BorrowedFd<'_>>, time: Duration) -> io::Result<bool> {
        match &self.stop {
            Some(stop) => Ok(stop.wait(input, time)? == Woken::Stop),
            None => Ok(false),
        }
    }

    /// Print the charges that were held back, and tell whether to go on.
    fn end_run(&mut self) -> anyhow::Result<bool> {
        match self.run.take() {
            Some(run) => self.tell(&run.event, Some(run.charges)),
            None => Ok(self.left != Some(0)),
        }
    }

    /// Print an event, and tell whether to go on.
    fn tell(&mut self, event: &Event, charges: Option<u64>) -> anyhow::Result<bool> {
        let read_on = match self.json {
            true => {
                let report = self.report(event, charges);
                output::json_line(&report, self.stop.as_ref())?
            }
            false => {
                let words = self.words(event, charges);
                output::line(&words, self.stop.as_ref())?
            }
        };
        self.left = self.left.map(|left| left.saturating_sub(1));
        Ok(read_on && self.left != Some(0))
    }

    /// The path of a cgroup, or what else there is to name it by.
    fn path(&mut self, ino: Option<u64>) -> String {
        match (self.names.path(ino), ino) {
            (Some(path), _) => escaped(path),
            (None, Some(ino)) => format!("(inode {ino})"),
            (None, None) => "-".to_owned(),
        }
    }

    fn words(&mut self, event: &Event, charges: Option<u64>) -> String {
        let what = self.what(event, charges);
        format!(
            "{:>6}.{:06} {}-{} {} {what}",
            event.time_usec / 1_000_000,
            event.time_usec % 1_000_000,
            escaped(&event.task),
            event.tid,
            self.path(event.cgroup_ino)
        )
    }

    fn what(&mut self, event: &Event, charges: Option<u64>) -> String {
        match &event.what {
            What::Throttle {
                pause_usec,
                dirty,
                limit,
                bdi,
                level_ino,
            } => {
                let pause = pause_usec.map_or_else(|| "-".to_owned(), seconds);
                let bdi = bdi
                    .as_deref()
                    .map_or_else(String::new, |bdi| format!(" bdi {}", escaped(bdi)));
                let level = match level_ino {
                    Some(_) if *level_ino != event.cgroup_ino => {
                        format!(" of {}", self.path(*level_ino))
                    }
                    _ => String::new(),
                };
                let (dirty, limit) = (size(*dirty), size(*limit));
                format!("waits {pause} dirty {dirty} of {limit}{level}{bdi}")
            }
            What::FlushForeign { memcg_id } => {
                let id = memcg_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
                format!("flushes foreign pages of memcg {id}")
            }
            What::Recharge { bytes, from_ino } => {
                format!("takes over {} from {}", size(*bytes), self.path(*from_ino))
            }
            What::Redirect { bytes, error } => {
                let times = match charges {
                    None | Some(1) => String::new(),
                    Some(charges) => format!(" in {charges} charges"),
                };
                match error.map(io::Error::from_raw_os_error) {
                    None => format!("pays {}{times}", size(*bytes)),
                    Some(error) => {
                        format!("cannot pay {}{times}: {}", size(*bytes), in_words(&error))
                    }
                }
            }
            What::Other(text) => format!("{} {}", escaped(&event.name), escaped(text)),
            What::Passed => String::new(),
        }
    }

    fn place(&mut self, ino: Option<u64>) -> Place {
        Place {
            name: self.names.path(ino).map(|path| Name::new(&path)),
            cgroup_ino: ino,
        }
    }

    fn report<'a>(&mut self, event: &'a Event, charges: Option<u64>) -> Report<'a> {
        let mut report = Report {
            time_usec: event.time_usec,
            task: &event.task,
            tid: event.tid,
            event: &event.name,
            place: self.place(event.cgroup_ino),
            charges,
            ..Report::default()
        };
        match &event.what {
            What::Throttle {
                pause_usec,
                dirty,
                limit,
                bdi,
                level_ino,
            } => {
                report.pause_usec = *pause_usec;
                report.dirty = *dirty;
                report.limit = *limit;
                report.bdi = bdi.as_deref();
                report.level = level_ino.map(|ino| self.place(Some(ino)));
            }
            What::FlushForeign { memcg_id } => report.foreign_memcg_id = *memcg_id,
            What::Recharge { bytes, from_ino } => {
                report.bytes = *bytes;
                report.from = from_ino.map(|ino| self.place(Some(ino)));
            }
            What::Redirect { bytes, error } => {
                report.bytes = *bytes;
                report.error = error.map(errno_name);
            }
            What::Other(text) => report.details = Some(text),
            What::Passed => {}
        }
        report
    }
}
