// SPDX-License-Identifier: GPL-2.0

//! Why the limit in force is what it is.

use crate::knobs;
use crate::snapshot::Snapshot;
use crate::value::Limit;
use crate::value::Value;
use std::ffi::OsString;

/// Where the limit in force comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The cgroup's own limit in bytes.
    OwnBytes {
        /// Whether the kernel holds it lower than it was set, to the memory that can be dirty.
        capped: bool,
    },
    /// The cgroup's own ratio.
    OwnRatio,
    /// The limit of a cgroup above, which holds for the sum over its subtree.
    Ancestor {
        /// That cgroup's path, as the kernel shows it.
        cgroup: OsString,
        /// Its limit.
        limit: u64,
    },
    /// What the kernel derives from `vm.dirty_*`.
    System,
}

impl Origin {
    /// Derive it from the cgroup's figures and those of the cgroups above, the outermost first.
    pub fn derive<'a>(snapshot: &Snapshot, above: impl IntoIterator<Item = &'a Snapshot>) -> Self {
        let own = snapshot.setting(&knobs::DIRTY_LIMIT).and_then(Value::bytes);
        let in_force = snapshot.limit().and_then(Limit::at);

        // Of equal limits the outermost is named: those below it may only report what it leaves them.
        let mut tightest: Option<(u64, &Snapshot)> = None;
        for ancestor in above {
            if let Some(limit) = ancestor.own_limit() {
                if tightest.is_none_or(|(least, _)| limit < least) {
                    tightest = Some((limit, ancestor));
                }
            }
        }

        if let Some((limit, ancestor)) = tightest {
            let binds = match own {
                Some(own) => limit < own && in_force.is_none_or(|in_force| limit <= in_force),
                None => in_force.is_none_or(|in_force| limit <= in_force),
            };
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
