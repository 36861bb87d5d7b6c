// SPDX-License-Identifier: GPL-2.0

//! The system-wide state: the values of the files in `/sys/kernel/mm/memcg_knobs`, and the worker's
//! pending tasks.

use kernel::sync::atomic::{
    Atomic,
    AtomicFlag,
    Full,
    Relaxed, //
};

use crate::policy::{
    pace,
    switches::Scope,
    units::Micros, //
};

/// A flag that is read often and rarely changed.
pub(crate) struct Switch(AtomicFlag);

impl Switch {
    pub(crate) const fn new(on: bool) -> Self {
        Self(AtomicFlag::new(on))
    }

    pub(crate) fn load(&self) -> bool {
        self.0.load(Relaxed)
    }

    pub(crate) fn store(&self, on: bool) {
        self.0.store(on, Relaxed);
    }

    /// Sets the flag and returns its previous value.
    pub(crate) fn replace(&self, on: bool) -> bool {
        self.0.xchg(on, Full)
    }
}

/// The policy's system-wide data.
pub(crate) struct Knobs {
    /// `recharge_mapped`: inherited memory that a process maps is charged to the cgroup of that
    /// process.
    pub(crate) mapped: Switch,
    /// `recharge_access`: inherited memory that a task accesses is charged to the cgroup of that
    /// task.
    pub(crate) access: Switch,
    /// `recharge_adopt`: a cgroup takes over its predecessor's memory.
    pub(crate) adopt: Switch,
    /// Whether the scope is [`Scope::Any`].
    any: Switch,
    /// The number of seconds after which unused page cache is dropped; 0 for never.
    drop_sec: Atomic<u32>,
    /// The pace in microseconds; 0 for no pace.
    pace: Atomic<u32>,
    /// The number of cgroups that have been granted a floor.
    pub(crate) granted: Atomic<u32>,
    /// For the worker: the pace was written and must be applied to the cgroups that use it.
    pub(crate) repace: Switch,
    /// For the worker: examine all memory inherited so far, too.
    pub(crate) look_at_all: Switch,
    /// For the worker: count the memory inherited before the module was loaded.
    pub(crate) count_all: Switch,
}

impl Knobs {
    pub(crate) const fn new() -> Self {
        Self {
            mapped: Switch::new(false),
            access: Switch::new(false),
            adopt: Switch::new(false),
            any: Switch::new(false),
            drop_sec: Atomic::new(0),
            pace: Atomic::new(pace::DEFAULT.0),
            granted: Atomic::new(0),
            repace: Switch::new(false),
            look_at_all: Switch::new(false),
            count_all: Switch::new(true),
        }
    }

    /// Returns which cgroups inherited pages may be recharged to.
    pub(crate) fn scope(&self) -> Scope {
        if self.any.load() {
            Scope::Any
        } else {
            Scope::Subtree
        }
    }

    pub(crate) fn set_scope(&self, scope: Scope) {
        self.any.store(scope == Scope::Any);
    }

    /// Returns the number of seconds after which unused inherited page cache is dropped.
    pub(crate) fn drop_sec(&self) -> Option<u32> {
        match self.drop_sec.load(Relaxed) {
            0 => None,
            seconds => Some(seconds),
        }
    }

    pub(crate) fn set_drop_sec(&self, seconds: Option<u32>) {
        self.drop_sec.store(seconds.unwrap_or(0), Relaxed);
    }

    /// Returns the pace of cgroups that set none themselves.
    pub(crate) fn pace(&self) -> Option<Micros> {
        match self.pace.load(Relaxed) {
            0 => None,
            usec => Some(Micros(usec)),
        }
    }

    pub(crate) fn set_pace(&self, pace: Option<Micros>) {
        self.pace.store(pace.map_or(0, |pace| pace.0), Relaxed);
    }
}
