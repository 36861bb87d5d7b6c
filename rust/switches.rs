// SPDX-License-Identifier: GPL-2.0

//! What is kept for the machine: the values of the files in `/sys/kernel/mm/memcg_knobs`, and what
//! is to be done by the worker.

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

/// Something that is on or off, which is read on many occasions and changed now and then.
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

    /// Sets it, and returns what it was.
    pub(crate) fn replace(&self, on: bool) -> bool {
        self.0.xchg(on, Full)
    }
}

/// The machine's part of the policy.
pub(crate) struct Knobs {
    /// What a removed cgroup left and some process maps goes to that process's cgroup.
    pub(crate) mapped: Switch,
    /// What is accessed goes to the cgroup of the task that did.
    pub(crate) access: Switch,
    /// A cgroup takes back what its predecessor left.
    pub(crate) adopt: Switch,
    /// On for [`Scope::Any`].
    any: Switch,
    /// Seconds after which what nobody uses is dropped, 0 for never.
    drop_sec: Atomic<u32>,
    /// The pace in microseconds, 0 for none.
    pace: Atomic<u32>,
    /// The number of cgroups that have a floor granted.
    pub(crate) granted: Atomic<u32>,
    /// For the worker: the pace was written, and those who go by it do not know yet.
    pub(crate) repace: Switch,
    /// For the worker: all that was inherited already is to be looked at, too.
    pub(crate) look_at_all: Switch,
    /// For the worker: it is to be counted what was inherited before the module was loaded.
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

    /// To whom pages may go.
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

    /// After how many seconds inherited page cache that nobody used is dropped.
    pub(crate) fn drop_sec(&self) -> Option<u32> {
        match self.drop_sec.load(Relaxed) {
            0 => None,
            seconds => Some(seconds),
        }
    }

    pub(crate) fn set_drop_sec(&self, seconds: Option<u32>) {
        self.drop_sec.store(seconds.unwrap_or(0), Relaxed);
    }

    /// The pace of those who do not say.
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
