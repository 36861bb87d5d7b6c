// SPDX-License-Identifier: GPL-2.0

//! The module's state of a cgroup. Data only; `dirty.rs`, `recharge.rs` and `payments.rs` give it
//! its meaning.

use kernel::{
    memcg,
    new_mutex,
    new_spinlock,
    page::PAGE_SHIFT,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Mutex,
        SpinLock, //
    }, //
};

use crate::{
    policy::{
        limits::Config,
        tries::{
            Plan,
            Tries,
            Word, //
        }, //
    },
    switches::{
        Knobs,
        Switch, //
    }, //
};

/// The page size as a power of two.
pub(crate) const PAGE: u32 = PAGE_SHIFT as u32;

/// A cgroup together with its state.
pub(crate) type Cgroup<'a> = memcg::Cgroup<'a, Knobs>;

/// A cgroup that is not the root.
pub(crate) type NonRoot<'a> = memcg::NonRoot<'a, Knobs>;

/// The state of one cgroup.
#[pin_data]
pub(crate) struct State {
    /// Held while a write to one of the cgroup's files takes effect; `true` once the cgroup was
    /// removed.
    #[pin]
    pub(crate) gone: Mutex<bool>,
    /// The values of the dirty page files. They have a lock of their own because updating levels
    /// must not wait for the effects of a write to a file.
    #[pin]
    pub(crate) config: SpinLock<Config>,
    /// Held while the cgroup's levels are computed and published.
    #[pin]
    pub(crate) levels: Mutex<()>,
    /// The sum of the floors that the children request, in pages.
    pub(crate) children_min: Atomic<u64>,
    /// Whether the cgroup has been granted a floor, and is included in [`Knobs::granted`].
    pub(crate) granted: Switch,
    /// The cgroup's part in recharging.
    pub(crate) recharge: Account,
}

impl State {
    /// Creates the state of a new cgroup. With `adopt`, it takes over its predecessor's memory.
    pub(crate) fn new(adopt: bool) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            gone <- new_mutex!(false, "State::gone"),
            config <- new_spinlock!(Config::default(), "State::config"),
            levels <- new_mutex!((), "State::levels"),
            children_min: Atomic::new(0),
            granted: Switch::new(false),
            recharge: Account::new(adopt),
        })
    }
}

/// A cgroup's part in recharging the memory of removed cgroups.
pub(crate) struct Account {
    /// The attempts left to charge its inherited memory to the cgroups that map it.
    pub(crate) mapped: Tries<Shared>,
    /// The attempts left to take over its predecessor's memory.
    pub(crate) adopt: Tries<Shared>,
    /// Whether a successor waits to take over memory that this cgroup inherited.
    pub(crate) wanted: Switch,
    /// No pass starts before this time, in milliseconds of the monotonic clock.
    pub(crate) rests_ms: Atomic<u64>,
    /// The time of the last search for unused page cache, in milliseconds of the same clock; 0
    /// before the first.
    pub(crate) swept_ms: Atomic<u64>,
    /// The number of pages recharged to this cgroup.
    pub(crate) taken: Atomic<u64>,
    /// The number of pages recharged from this cgroup to others.
    pub(crate) given: Atomic<u64>,
    /// The number of pages that could not be recharged from this cgroup.
    pub(crate) failed: Atomic<u64>,
}

impl Account {
    fn new(adopt: bool) -> Self {
        let plan = if adopt { Plan::ALL } else { Plan::default() };

        Self {
            mapped: Tries(Shared::new(Plan::default())),
            adopt: Tries(Shared::new(plan)),
            wanted: Switch::new(false),
            rests_ms: Atomic::new(0),
            swept_ms: Atomic::new(0),
            taken: Atomic::new(0),
            given: Atomic::new(0),
            failed: Atomic::new(0),
        }
    }
}

/// An atomic word of [`Tries`].
pub(crate) struct Shared(Atomic<u64>);

impl Shared {
    fn new(plan: Plan) -> Self {
        Self(Atomic::new(plan.to_word()))
    }
}

impl Word for Shared {
    fn load(&self) -> u64 {
        self.0.load(Relaxed)
    }

    fn store(&self, word: u64) {
        self.0.store(word, Relaxed);
    }

    fn replace(&self, old: u64, new: u64) -> bool {
        self.0.cmpxchg(old, new, Relaxed).is_ok()
    }
}
