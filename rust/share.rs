// SPDX-License-Identifier: GPL-2.0

//! How the children of a limited parent share its limit.
//!
//! The parent's limit bounds the sum, and the sum alone would let a greedy child fill it and keep
//! the others waiting for every page that it cleans. So a child that holds more than its equal
//! share has to wait a little earlier than the rest, at `over_share_stop`. The band from there up
//! to the parent's `stop` is reached only by children below their share: they find room in it
//! whatever the others do, and grow until they have their share too. A child may use what the
//! others leave unused; only active children, those with writers now, count.
//!
//! The kernel uses the same band for devices: a writer whose device holds more than the share that
//! its speed entitles it to waits at `over_share_stop`.
//!
//! This says when a child waits because of its parent. Its own limit holds besides; see
//! `levels.rs`.

/// The place of one child below a parent's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The child's equal share of the parent's stop level, in pages; at least 1.
    pub share: u64,
    /// The parent's count of pages at which a child waits that holds more than its share; one
    /// that holds less waits at the parent's stop level itself.
    pub over_share_stop: u64,
}

/// Computes the share of each of `active` children of a parent whose writers stop at `stop` pages.
///
/// The band kept free is a sixteenth of the stop level: enough for the smaller children to grow,
/// and little enough for the parent's limit to be used. An only child's share is all of it, so the
/// band does not concern it.
pub fn child_share(stop: u64, active: u64) -> Share {
    let band = (stop / 16).max(1);

    Share {
        share: stop.checked_div(active).unwrap_or(stop).max(1),
        // At a level of 0 everybody would wait for ever, so a stop of one page leaves no band.
        over_share_stop: stop.saturating_sub(band).max(stop.min(1)),
    }
}
