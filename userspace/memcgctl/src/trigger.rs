// SPDX-License-Identifier: GPL-2.0

//! Files that start work in the kernel while the writer waits, and the progress of that work.

use crate::exit::Exit;
use crate::output;
use memcgfs::Amount;
use memcgfs::Error;
use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::sync::mpsc;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// The result of a trigger.
pub struct Ended {
    /// `None` if everything was done, else the kernel's error.
    pub less: Option<Error>,
    /// The duration, in microseconds.
    pub usec: u64,
}

impl Ended {
    /// Returns the exit code; if not everything was done, prints `less` and the kernel's reason on
    /// stderr.
    pub fn exit(self, less: &str) -> Exit {
        match self.less {
            None => Exit::Done,
            Some(error) => {
                output::note(format_args!("{less}: {error}"));
                Exit::Partly
            }
        }
    }
}

/// Runs `start`, which blocks, in a thread, and meanwhile shows the progress that `look` reports.
///
/// `look` returns `None` if figures temporarily cannot be read; that is not an error.
pub fn run(
    amount: &Amount,
    start: impl FnOnce(&Amount) -> Result<(), Error> + Send,
    look: impl Fn() -> Option<String>,
) -> Result<Ended, Error> {
    let since = Instant::now();
    let result = thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        let starter = thread::Builder::new().spawn_scoped(scope, move || {
            // The receiver waits below, so it still exists.
            let _ = sender.send(start(amount));
        });
        if let Err(error) = starter {
            return Err(Error::Thread(error));
        }
        let mut progress = Progress::new();
        loop {
            match receiver.recv_timeout(progress.interval) {
                Ok(result) => {
                    progress.end();
                    return result;
                }
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(text) = look() {
                        progress.show(&text, since.elapsed());
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    });
    let less = match result {
        Ok(()) => None,
        Err(error) if error.is_partial() => Some(error),
        Err(error) => return Err(error),
    };
    Ok(Ended {
        less,
        usec: u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX),
    })
}

/// A line on stderr: redrawn in place on a terminal, else printed once, so that it does not fill
/// the log of a job.
struct Progress {
    interval: Duration,
    in_place: bool,
    drawn: bool,
}

impl Progress {
    fn new() -> Self {
        let in_place = io::stderr().is_terminal() && !output::is_dumb();
        Self {
            interval: Duration::from_millis(if in_place { 100 } else { 1000 }),
            in_place,
            drawn: false,
        }
    }

    fn show(&mut self, text: &str, elapsed: Duration) {
        let text = format!("{text}, {}s", elapsed.as_secs());
        match self.in_place {
            // Return to the left margin and clear the line.
            true => {
                let _ = write!(io::stderr(), "\r\x1b[K{text}");
            }
            false if self.drawn => {}
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
