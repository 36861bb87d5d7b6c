// SPDX-License-Identifier: GPL-2.0

//! Control of loads: signals that ask them to stop, memory shared by their processes, real-time
//! priority.

use crate::error::Context;
use crate::error::Result;
use nix::errno::Errno;
use nix::sys::mman::MapFlags;
use nix::sys::mman::ProtFlags;
use nix::sys::mman::mmap_anonymous;
use nix::sys::signal::SigSet;
use nix::sys::signal::Signal;
use nix::sys::wait::WaitPidFlag;
use nix::sys::wait::WaitStatus;
use nix::sys::wait::waitpid;
use nix::unistd::ForkResult;
use nix::unistd::Pid;
use nix::unistd::fork;
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// Blocks the signals that ask for an orderly stop, so that they can be waited for and do not
/// prevent the report.
pub fn block_stop_signals() -> Result<SigSet> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGCHLD);
    signals.thread_block().context("block signals")?;
    Ok(signals)
}

/// Creates counters in memory shared by this process and all that it forks later.
pub fn shared_counters(count: usize) -> Result<&'static [AtomicU64]> {
    let length =
        NonZeroUsize::new(count * size_of::<AtomicU64>()).ok_or("no counters asked for")?;
    let flags = MapFlags::MAP_SHARED;
    // SAFETY: A new anonymous mapping at an address of the kernel's choice aliases nothing.
    let memory = unsafe {
        mmap_anonymous(
            None,
            length,
            ProtFlags::PROT_READ | ProtFlags::PROT_WRITE,
            flags,
        )
    }
    .context("map shared memory")?;
    // SAFETY: The mapping is page-aligned, long enough, zeroed (a valid atomic), and is never unmapped.
    Ok(unsafe { std::slice::from_raw_parts(memory.as_ptr().cast(), count) })
}

/// Forks a child that runs `work` and exits with its result; it is killed when its parent dies.
///
/// Must be called while this process has only one thread.
pub fn spawn(work: impl FnOnce() -> Result<()>) -> Result<Pid> {
    // SAFETY: There is one thread, so the child cannot inherit a lock that another thread holds.
    match unsafe { fork() }.context("fork")? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let result = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)
                .context("ask to be killed with the parent")
                .and_then(|()| work());
            let status = match result {
                Ok(()) => 0,
                Err(error) => {
                    eprintln!("workload: {error}");
                    1
                }
            };
            // SAFETY: `_exit` is always sound; it does not run the parent's exit handlers again.
            unsafe { libc::_exit(status) }
        }
    }
}

/// Waits for `children` processes; calls `stop` when asked to stop meanwhile. Returns the number of
/// failed ones.
pub fn wait_all(mut children: usize, signals: &SigSet, stop: impl Fn()) -> Result<usize> {
    let mut failed = 0;
    loop {
        while children > 0 {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)).context("wait for a child")? {
                WaitStatus::StillAlive => break,
                WaitStatus::Exited(_, 0) => {}
                _ => failed += 1,
            }
            children -= 1;
        }
        if children == 0 {
            return Ok(failed);
        }
        if signals.wait().context("wait for a signal")? != Signal::SIGCHLD {
            stop();
        }
    }
}

/// Makes this process SCHED_FIFO with `priority`.
pub fn make_realtime(priority: i32) -> Result<()> {
    let parameters = libc::sched_param {
        sched_priority: priority,
    };
    // SAFETY: The pointer is to a live local, which the call only reads.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &parameters) };
    Errno::result(result)
        .context(format_args!("SCHED_FIFO with priority {priority}"))
        .map(drop)
}

/// Waits for at most `most` for one of `signals`, which must be blocked.
pub fn wait_signal(signals: &SigSet, most: Duration) -> Result<Option<Signal>> {
    let time = libc::timespec {
        tv_sec: most.as_secs() as libc::time_t,
        tv_nsec: i64::from(most.subsec_nanos()),
    };
    // SAFETY: Both pointers are to live values, which the call only reads.
    let signal = unsafe { libc::sigtimedwait(signals.as_ref(), std::ptr::null_mut(), &time) };
    match Errno::result(signal) {
        Ok(signal) => Signal::try_from(signal)
            .map(Some)
            .context("wait for a signal"),
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
        Err(errno) => Err(errno).context("wait for a signal"),
    }
}
