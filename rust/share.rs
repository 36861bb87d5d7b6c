// SPDX-License-Identifier: GPL-2.0

//! How the children of a limited parent share its limit.
//!
//! The parent's limit bounds the sum, and the sum alone would let a greedy child fill it and keep
//! the others waiting for every page that it cleans. So a child that holds more than its equal
//! share has to wait earlier than the rest, at `over_share_stop`. The band from there up to the
//! parent's `stop` is reached only by children below their share: they find room in it whatever
//! the others do, and grow until they have their share too. A child may use what the others leave
//! unused; only active children, those who want more or hold enough to matter, count.
//!
//! The band is wider than what a disk cleans at once. In a narrower one each burst of cleaned
//! pages would reach below it, and whoever held most, and so had most of them cleaned, would take
//! as many again.
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
/// The band is a quarter of the stop level. It does not stay empty: who is active and below its
/// share fills it. An only child's share is all of it, so the band does not concern it.
pub fn child_share(stop: u64, active: u64) -> Share {
    let band = (stop / 4).max(1);

    Share {
        share: stop.checked_div(active).unwrap_or(stop).max(1),
        // At a level of 0 everybody would wait for ever, so a stop of one page leaves no band.
        over_share_stop: stop.saturating_sub(band).max(stop.min(1)),
    }
}

/// Computes the dirty pages of one of `active` children above which it is written, in pages, if its
/// parent's background limit is `background` pages.
///
/// Were children written only while the parent's dirty pages exceed its background limit, those
/// whose flusher comes first would be written and the others never. And were each written only
/// above its whole part of that limit, a child that waits for room could have too few dirty pages
/// to be written and too many to go on, while its siblings keep the disk busy; hence half of it.
pub fn child_background(background: u64, active: u64) -> u64 {
    let parts = if active > 1 {
        active.saturating_mul(2)
    } else {
        1
    };

    background.checked_div(parts).unwrap_or(1).max(1)
}
