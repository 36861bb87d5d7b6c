// SPDX-License-Identifier: GPL-2.0

//! `memcgctl trace`: prints a line whenever a writer is made to wait or a charge is redirected,
//! from the kernel's tracepoints.

mod names;
mod run_of_charges;
mod telling;

use crate::cli::Target;
use crate::cli::TraceArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use crate::stop::Stop;
use crate::stop::Woken;
use anyhow::anyhow;
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
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::Duration;

/// The kernel's placeholder for the name of a task that has been running since tracing began: it
/// records names on task switches.
const UNKNOWN: &str = "<...>";

/// With more pending events, cgroups are looked up at once.
const MOST_WAITING: usize = 4096;

/// The state while lines arrive.
struct Printer {
    names: Names,
    /// Pending events: the first of them is from a cgroup that is yet to be looked up.
    waiting: VecDeque<Event>,
    /// The number of events left out because their cgroup is no longer known.
    gone: u64,
    json: bool,
    /// The number of lines left to print.
    left: Option<u64>,
    /// The host to look up names on that the kernel does not report; absent for a saved trace,
    /// which may be from another machine.
    host: Option<Host>,
    /// Charges that are held back, since more of the same kind may follow.
    run: Option<Run>,
    /// Ends a live trace.
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

/// Prints the kernel's events from now on.
fn live(context: &Context, printer: &mut Printer) -> anyhow::Result<()> {
    // Set up signals before there is anything to clean up.
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
        // No line is this long; endless input is not a trace.
        if pending.len() > 1 << 20 {
            pending.clear();
        }
        if !printer.go_on(false)? || length == 0 && !printer.end_run()? {
            return Ok(());
        }
        // After a successful read, there may be more at once; otherwise check periodically, even
        // without a notification.
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

/// Prints a saved `trace_pipe`.
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
    /// Handles a line of the trace. Returns whether to continue.
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

    /// Prints the pending events whose names are known, or all of them with `now`. Returns whether
    /// to continue.
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

    /// Prints the events that were held back, and reports those that could not be printed.
    fn finish(&mut self) -> anyhow::Result<()> {
        if self.left != Some(0) && self.go_on(true)? {
            self.end_run()?;
        }
        if self.gone != 0 {
            output::note(format_args!(
                "events left out because their cgroups were removed: {}",
                self.gone
            ));
        }
        Ok(())
    }

    /// Prints an event, or holds it back if it is a charge. Returns whether to continue.
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

    /// Waits for at most `time`, or until `input` is readable. Returns whether it is time to end.
    fn is_stopped(&self, input: Option<BorrowedFd<'_>>, time: Duration) -> io::Result<bool> {
        match &self.stop {
            Some(stop) => Ok(stop.wait(input, time)? == Woken::Stop),
            None => Ok(false),
        }
    }

    /// Prints the charges that were held back. Returns whether to continue.
    fn end_run(&mut self) -> anyhow::Result<bool> {
        match self.run.take() {
            Some(run) => self.tell(&run.event, Some(run.charges)),
            None => Ok(self.left != Some(0)),
        }
    }

    /// Prints an event. Returns whether to continue.
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
}
