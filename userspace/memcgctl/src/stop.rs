// SPDX-License-Identifier: GPL-2.0

//! The end of a continuous command: on a signal, or when the reader is gone.

use memcgfs::Host;
use nix::errno::Errno;
use nix::poll::poll;
use nix::poll::PollFd;
use nix::poll::PollFlags;
use nix::poll::PollTimeout;
use signal_hook::consts::SIGHUP;
use signal_hook::consts::SIGINT;
use signal_hook::consts::SIGQUIT;
use signal_hook::consts::SIGTERM;
use signal_hook::low_level::pipe;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;
use std::time::Instant;

/// Signals that can be waited for. Once this was created, they no longer end the process.
pub struct Stop {
    signals: UnixStream,
    stdout: io::Stdout,
}

/// The reason why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// It is time to end.
    Stop,
    /// There is input to read.
    Ready,
    /// The time has expired.
    Time,
}

impl Stop {
    /// Takes over the signals. Those that are ignored, as under nohup, remain ignored.
    pub fn new(host: &Host) -> io::Result<Self> {
        let (signals, sender) = UnixStream::pair()?;
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] {
            if !host.ignores_signal(signal) {
                pipe::register(signal, sender.try_clone()?)?;
            }
        }
        Ok(Self {
            signals,
            stdout: io::stdout(),
        })
    }

    /// Waits for at most `time`, whether or not stdout has a reader.
    pub fn wait_for_signal(&self, time: Duration) -> io::Result<Woken> {
        let mut fds = [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        Self::poll(&mut fds, time)
    }

    /// Waits for at most `time`, or until `input` is readable.
    pub fn wait(&self, input: Option<BorrowedFd<'_>>, time: Duration) -> io::Result<Woken> {
        // It is reported that a pipe's reader is gone even if no event is requested.
        let mut fds = vec![
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.stdout.as_fd(), PollFlags::empty()),
        ];
        fds.extend(input.map(|input| PollFd::new(input, PollFlags::POLLIN)));
        Self::poll(&mut fds, time)
    }

    /// Waits until one of these is ready; the third is input, the others end the program.
    fn poll(fds: &mut [PollFd<'_>], time: Duration) -> io::Result<Woken> {
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            // Round up, to avoid a busy loop during the last part of a millisecond.
            let millis = left.as_micros().div_ceil(1000);
            let timeout = PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX);
            match poll(fds, timeout) {
                Ok(0) if left.is_zero() => return Ok(Woken::Time),
                Ok(0) | Err(Errno::EINTR) => continue,
                Err(errno) => return Err(errno.into()),
                Ok(_) => {}
            }
            let any = |fd: &PollFd<'_>| fd.revents().is_some_and(|events| !events.is_empty());
            return Ok(match fds.iter().position(any) {
                Some(0 | 1) => Woken::Stop,
                _ => Woken::Ready,
            });
        }
    }

    /// Waits until stdout has room or its reader is gone. Returns `false` if it is time to end
    /// before that.
    pub fn wait_for_room(&self) -> io::Result<bool> {
        loop {
            let mut fds = [
                PollFd::new(self.stdout.as_fd(), PollFlags::POLLOUT),
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(0) | Err(Errno::EINTR) => continue,
                Err(errno) => return Err(errno.into()),
                Ok(_) => {}
            }
            // If there is room, print even at the end.
            let [stdout, _] = &fds;
            return Ok(stdout.revents().is_some_and(|events| !events.is_empty()));
        }
    }
}
