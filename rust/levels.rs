// SPDX-License-Identifier: GPL-2.0

//! How a limit is kept: the level at which writers stop, and how far apart they check it.
//!
//! A writer looks at the dirty count, and if it is below `stop` goes on to dirty up to `chunk`
//! pages before it looks again. So a count below `stop` may still grow by one chunk for each writer
//! that has passed its check, and a limit is only kept if what lies between `stop` and the limit,
//! the margin, holds all those chunks at once:
//!
//! ```text
//!     stop + writers * chunk <= limit
//! ```
//!
//! Two wishes pull at the margin. Throughput wants it thin: what the cgroup may hold but does not
//! hold is missing in the disk's queue, and on average at least 0.70 of the limit is to be in use.
//! With an eighth of the limit as margin, writers stop at 0.875. Checks, on the other hand, cost,
//! so chunks should be large; but a writer that checks once in 512 KiB does not notice the check, so
//! a margin beyond [`MAX_MARGIN`] buys nothing.
//!
//! The chunk is the margin over the writers. Their number is known a little late: a writer that was
//! forked or moved here a moment ago checks with a chunk that was computed without it. Hence at
//! least [`SPARE`] writers are reckoned with, and at least one for each CPU, as that many unknown
//! writers can pass a check at the same instant. A power of two keeps the chunk from changing with
//! every writer that comes or goes.
//!
//! Where there are more writers than pages in the margin, no chunk is small enough: with one page
//! each, the count can pass the limit by the writers less the margin. With 4 KiB pages and a limit
//! of 4 MiB that takes more than 128 writers, all of them between check and page at once.

/// The greatest margin between the stop level and the limit, in pages (4 MiB of 4 KiB pages).
pub const MAX_MARGIN: u64 = 1024;

/// The number of writers that is reckoned with when there are fewer.
pub const SPARE: u64 = 8;

/// The levels of one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    /// Writers wait while this much or more is dirty or under writeback, in pages; at least 1.
    pub stop: u64,
    /// The pages that one writer may dirty between two checks; a power of two, at most
    /// [`MAX_MARGIN`] / [`SPARE`] = 128.
    pub chunk: u64,
}

/// Computes the levels that keep `limit` pages while `writers` tasks write on `cpus` CPUs.
pub fn levels(limit: u64, cpus: u64, writers: u64) -> Levels {
    let margin = (limit / 8).clamp(1, MAX_MARGIN);
    let stop = limit.saturating_sub(margin).max(1);

    let share = margin
        .checked_div(writers.max(cpus).max(SPARE))
        .unwrap_or(0);
    // The highest bit of the share is the share rounded down to a power of two.
    let chunk = share
        .checked_ilog2()
        .and_then(|bit| 1u64.checked_shl(bit))
        .unwrap_or(1);

    Levels { stop, chunk }
}
