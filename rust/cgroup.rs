// SPDX-License-Identifier: GPL-2.0

//! What is kept for a cgroup. Data only; what it means is in `dirty.rs`, `recharge.rs` and
//! `payments.rs`.

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

/// A cgroup with its state.
pub(crate) type Cgroup<'a> = memcg::Cgroup<'a, Knobs>;

/// One that is not the root.
pub(crate) type NonRoot<'a> = memcg::NonRoot<'a, Knobs>;

/// The state of one cgroup.
#[pin_data]
pub(crate) struct State {
    /// Held while a file is written and what follows from it is done; `true` once the cgroup was
    /// removed.
    #[pin]
    pub(crate) gone: Mutex<bool>,
    /// What the files for dirty pages hold. A lock of its own, for the update of levels must not
    /// sleep for a writer of files.
    #[pin]
    pub(crate) config: SpinLock<Config>,
    /// The floors that the children ask for together, in pages.
    pub(crate) children_min: Atomic<u64>,
    /// Whether it has a floor granted, and counts among those who have.
    pub(crate) granted: Switch,
    /// Its part in recharging.
    pub(crate) recharge: Account,
}

impl State {
    /// The state of a new cgroup, which may `adopt` what its predecessor left.
    pub(crate) fn new(adopt: bool) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            gone <- new_mutex!(false, "State::gone"),
            config <- new_spinlock!(Config::default(), "State::config"),
            children_min: Atomic::new(0),
            granted: Switch::new(false),
            recharge: Account::new(adopt),
        })
    }
}

/// A cgroup's part in the recharging of what removed cgroups left.
pub(crate) struct Account {
    /// Tries left to charge what it inherited to those who map it.
    pub(crate) mapped: Tries<Shared>,
    /// Tries left to take back what its predecessor left.
    pub(crate) adopt: Tries<Shared>,
    /// Whether some cgroup wants to take back what this one inherited.
    pub(crate) wanted: Switch,
    /// Until when there is to be no pass, in milliseconds of the monotonic clock.
    pub(crate) rests_ms: Atomic<u64>,
    /// When it was last looked for what nobody uses, likewise.
    pub(crate) swept_ms: Atomic<u64>,
    /// Pages that it was charged for.
    pub(crate) taken: Atomic<u64>,
    /// Pages that it was relieved of.
    pub(crate) given: Atomic<u64>,
    /// Pages that it could not be relieved of when it was tried.
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

/// A word of [`Tries`].
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
