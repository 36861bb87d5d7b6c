// SPDX-License-Identifier: GPL-2.0

//! `memcgctl flush`: start writeback, wait for it, show how it goes.

use crate::cli::FlushArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use crate::report::seconds;
use crate::report::Name;
use memcgfs::knobs;
use memcgfs::size::Bytes;
use memcgfs::Amount;
use memcgfs::Cgroup;
use memcgfs::Error;
use memcgfs::Snapshot;
use serde::Serialize;
use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::sync::mpsc;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// How a flush went.
#[derive(Serialize)]
struct Outcome {
    #[serde(flatten)]
    name: Name,
    /// How much was to be cleaned, `null` for `max`.
    asked: Option<u64>,
    /// Whether that much was.
    done: bool,
    usec: u64,
    before: Figures,
    after: Figures,
}

/// What a cgroup holds at one time.
#[derive(Clone, Copy, Default, Serialize)]
struct Figures {
    dirty: u64,
    writeback: u64,
}

pub fn run(context: &Context, args: FlushArgs) -> anyhow::Result<Exit> {
    let json = args.json;
    let (target, amount) = args.parts()?;
    let cgroup = context.cgroup(&target)?;
    if !cgroup.offers(&knobs::DIRTY_WRITEBACK) {
        return Err(cgroup
            .absence(&context.host, &knobs::DIRTY_WRITEBACK)
            .into());
    }
    let before = figures(&cgroup)?;
    let start = Instant::now();
    let result = wait(&cgroup, &amount, start);
    let done = match result {
        Ok(()) => true,
        Err(ref error) if error.is_partial() => false,
        Err(error) => return Err(error.into()),
    };
    let outcome = Outcome {
        name: Name::new(&cgroup.path()),
        asked: amount.bytes().at(),
        done,
        usec: u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
        before,
        after: figures(&cgroup)?,
    };
    match json {
        true => output::json(&outcome)?,
        false => output::data(&format!("{}\n", outcome.words()))?,
    }
    match result {
        Ok(()) => Ok(Exit::Done),
        Err(error) => {
            output::note(format_args!("fewer could be cleaned: {error}"));
            Ok(Exit::Partly)
        }
    }
}

/// Write to the trigger, which blocks, in a thread of its own, and show progress meanwhile.
fn wait(cgroup: &Cgroup, amount: &Amount, start: Instant) -> Result<(), Error> {
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        scope.spawn(move || {
            // The receiver waits below, so that it can not be gone.
            let _ = sender.send(cgroup.start_writeback(amount));
        });
        let mut progress = Progress::new();
        loop {
            match receiver.recv_timeout(progress.interval) {
                Ok(result) => {
                    progress.end();
                    return result;
                }
                // Figures that can not be read now are no reason to give up the flush.
                Err(RecvTimeoutError::Timeout) => {
                    if let Ok(figures) = figures(cgroup) {
                        progress.show(figures, start.elapsed());
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    })
}

/// A line on stderr: redrawn in place on a terminal, else a new one now and then.
struct Progress {
    interval: Duration,
    in_place: bool,
    drawn: bool,
}

impl Progress {
    fn new() -> Self {
        let in_place = io::stderr().is_terminal();
        Self {
            interval: Duration::from_millis(if in_place { 100 } else { 1000 }),
            in_place,
            drawn: false,
        }
    }

    fn show(&mut self, figures: Figures, elapsed: Duration) {
        let dirty = Bytes(figures.dirty);
        let writeback = Bytes(figures.writeback);
        let text = format!(
            "dirty {dirty}, writeback {writeback}, {}s",
            elapsed.as_secs()
        );
        match self.in_place {
            // Return to the left margin and clear the line.
            true => {
                let _ = write!(io::stderr(), "\r\x1b[K{text}");
            }
            false => output::note(text),
        }
        self.drawn = true;
    }

    fn end(&self) {
        if self.in_place && self.drawn {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
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
