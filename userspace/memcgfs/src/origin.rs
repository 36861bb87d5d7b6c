// SPDX-License-Identifier: GPL-2.0

//! The origin of the limit and of the background limit in force.

use crate::derivation;
use crate::knobs;
use crate::knobs::Knob;
use crate::page;
use crate::snapshot::Snapshot;
use crate::value::Limit;
use crate::value::Value;
use std::ffi::OsString;

/// The origin of the limit in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The cgroup's own limit in bytes.
    OwnBytes {
        /// Whether the kernel caps it to the memory that can be dirty.
        capped: bool,
    },
    /// The cgroup's own ratio.
    OwnRatio,
    /// The limit of an ancestor, which applies to the sum over its subtree; a derived one if only a
    /// background limit is set there.
    Ancestor {
        /// The ancestor's path, as the kernel shows it.
        cgroup: OsString,
        /// The ancestor's limit.
        limit: u64,
    },
    /// The limit that the kernel derives from `vm.dirty_*`.
    System,
}

/// The origin of the background limit in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackgroundOrigin {
    /// The cgroup's own background limit, in bytes or as a ratio.
    Own(&'static Knob),
    /// Half of a limit: no background limit is set with it, or one that is not lower.
    Half(HalfOf),
    /// The background limit of an ancestor, which applies to the sum over its subtree.
    Ancestor {
        /// The ancestor's path, as the kernel shows it.
        cgroup: OsString,
        /// The ancestor's background limit.
        background: u64,
    },
    /// The background limit that the kernel derives from `vm.dirty_background_*`.
    System,
}

/// The owner of the limit that a background limit is half of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HalfOf {
    /// The cgroup itself.
    Own,
    /// An ancestor, by its path.
    Ancestor(OsString),
    /// The limit that the kernel derives from `vm.dirty_*`.
    System,
}

impl Origin {
    /// Derives the origin from the figures of the cgroup and of its ancestors, topmost first.
    pub fn derive<'a>(snapshot: &Snapshot, above: impl IntoIterator<Item = &'a Snapshot>) -> Self {
        let own = snapshot.setting(&knobs::DIRTY_LIMIT).and_then(Value::bytes);
        let in_force = snapshot.limit().and_then(Limit::at);

        if let Some((limit, ancestor)) = tightest(above, Snapshot::kept_limit, Snapshot::limit) {
            // A ratio depends on memory, which changes between two samples.
            let is_bytes = ancestor
                .setting(&knobs::DIRTY_LIMIT)
                .and_then(Value::bytes)
                .is_some();
            let drift = match in_force {
                Some(in_force) if own.is_some() && !is_bytes => derivation::drift(in_force),
                _ => 0,
            };
            let binds = own.is_none_or(|own| limit < own)
                && in_force.is_none_or(|in_force| limit <= in_force.saturating_add(drift));
            if binds {
                return Self::Ancestor {
                    cgroup: ancestor.cgroup.path(),
                    limit,
                };
            }
        }
        match own {
            Some(own) => Self::OwnBytes {
                capped: in_force.is_some_and(|in_force| in_force < own),
            },
            None if snapshot.has_own_limit() => Self::OwnRatio,
            None => Self::System,
        }
    }
}

impl BackgroundOrigin {
    /// Derives the origin in the same way as that of the limit.
    pub fn derive<'a>(snapshot: &Snapshot, above: impl IntoIterator<Item = &'a Snapshot>) -> Self {
        let in_force = snapshot.background_limit().and_then(Limit::at);
        let bytes = snapshot
            .setting(&knobs::DIRTY_BACKGROUND_LIMIT)
            .and_then(Value::bytes);
        // The size of the cgroup's own ratio is only visible in the limit in force.
        let limit = snapshot.setting(&knobs::DIRTY_LIMIT).and_then(Value::bytes);
        let half = limit.map(|limit| page::bytes(page::pages(limit) / 2));
        let own = match (bytes, limit) {
            (Some(set), Some(limit)) if set >= limit => half,
            (Some(set), _) => Some(set),
            (None, _) if snapshot.has_own_background() => None,
            (None, _) => half,
        };

        let tightest = tightest(above, Snapshot::own_background, Snapshot::background_limit);
        if let Some((background, ancestor)) = tightest {
            let binds = own.is_none_or(|own| background < own)
                && in_force.is_none_or(|in_force| background <= in_force);
            if binds {
                let cgroup = ancestor.cgroup.path();
                return match (ancestor.keeps_background(), ancestor.has_own_limit()) {
                    (true, _) => Self::Ancestor { cgroup, background },
                    (false, true) => Self::Half(HalfOf::Ancestor(cgroup)),
                    (false, false) => Self::Half(HalfOf::System),
                };
            }
        }
        let kept = match bytes {
            Some(set) => own == Some(set) && in_force.is_none_or(|in_force| set <= in_force),
            None => snapshot.has_own_background(),
        };
        match (snapshot.has_own_background(), snapshot.has_own_limit()) {
            _ if kept => Self::Own(match bytes {
                Some(_) => &knobs::DIRTY_BACKGROUND_LIMIT,
                None => &knobs::DIRTY_BACKGROUND_RATIO,
            }),
            (_, true) => Self::Half(HalfOf::Own),
            (true, false) => Self::Half(HalfOf::System),
            (false, false) => Self::System,
        }
    }
}

/// Returns the ancestor with the lowest limit, and that limit. Of equal limits the topmost is
/// returned: those below may only report what it leaves them.
fn tightest<'a>(
    above: impl IntoIterator<Item = &'a Snapshot>,
    own: fn(&Snapshot) -> Option<u64>,
    reported: fn(&Snapshot) -> Option<Limit<u64>>,
) -> Option<(u64, &'a Snapshot)> {
    let mut tightest: Option<(u64, &Snapshot)> = None;
    for ancestor in above {
        let Some(set) = own(ancestor) else {
            continue;
        };
        // The reported limit may be capped below the setting, and only it shows the size of a
        // ratio. If an ancestor's limit is lower, the ancestor's is reported, which was examined
        // before.
        let limit = reported(ancestor).and_then(Limit::at).unwrap_or(set);
        if tightest.is_none_or(|(least, _)| limit < least) {
            tightest = Some((limit, ancestor));
        }
    }
    tightest
}
