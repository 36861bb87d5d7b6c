// SPDX-License-Identifier: GPL-2.0

//! When what removed cgroups left is charged to whom.
//!
//! There is one worker for all cgroups. A removal, or the coming of a cgroup, only notes in the
//! state of the cgroup that inherited, or came, that something is to be done; the worker comes a
//! little later, so that it finds the notes of a whole burst, and what it could not do is tried
//! again, later each time and a bounded number of times.

use kernel::{
    memcg::{
        self,
        Origin,
        Recharge,
        Recharged, //
    },
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Mutex, //
    }, //
};

use crate::{
    knobs::{
        pages,
        Knobs,
        Node, //
    },
    params::{
        self,
        ACCESS,
        ADOPT,
        MAPPED, //
    },
    switches::Scope,
    tries::{
        delay_ms,
        GATHER_MS,
        TRIES, //
    }, //
};

/// While accesses are noted, milliseconds after which it is asked whether there is still a reason.
const ACCESS_CHECK_MS: u32 = 10_000;

/// A cgroup's part in it.
#[pin_data]
pub(crate) struct Account {
    /// Tries left to charge what it inherited to those who map it.
    mapped: Tries,
    /// Tries left to take back what its predecessor left.
    adopt: Tries,
    /// Pages that it was charged for.
    taken: Atomic<u64>,
    /// Pages that it was relieved of.
    given: Atomic<u64>,
    /// Pages that it could not be relieved of when it was tried.
    failed: Atomic<u64>,
    /// Held while what it inherited is counted.
    #[pin]
    counting: Mutex<()>,
    /// Set while what it inherited is not counted for certain. A removal sets it, which must not
    /// wait for who counts.
    uncertain: Atomic<u32>,
}

/// What a cgroup's `memory.recharge_stat` shows, in pages.
pub(crate) struct Stat {
    pub(crate) inherited: u64,
    pub(crate) taken: u64,
    pub(crate) given: u64,
    pub(crate) failed: u64,
}

/// Something that is tried a number of times. Only the worker tries.
struct Tries {
    /// Tries left, 0 if there is nothing to do.
    left: Atomic<u32>,
    /// When the next is due, in milliseconds of the monotonic clock.
    due_ms: Atomic<u64>,
}

impl Tries {
    fn new(left: u32) -> Self {
        Self {
            left: Atomic::new(left),
            due_ms: Atomic::new(0),
        }
    }

    /// There is a new reason: it is due, and all its tries are left.
    fn renew(&self) {
        self.due_ms.store(0, Relaxed);
        self.left.store(TRIES, Relaxed);
    }

    /// Tries once, if it is due; returns in how many milliseconds to come again, if at all.
    ///
    /// `attempt` is told how many are left after it.
    fn take(&self, now_ms: u64, attempt: impl FnOnce(u32) -> Attempt) -> Option<u32> {
        if self.left.load(Relaxed) == 0 {
            return None;
        }
        let wait = self.due_ms.load(Relaxed).saturating_sub(now_ms);
        if wait > 0 {
            return Some(u32::try_from(wait).unwrap_or(u32::MAX));
        }

        let left = self.left.xchg(0, Relaxed).saturating_sub(1);
        if attempt(left) == Attempt::Done || left == 0 {
            // A new reason may have come meanwhile.
            return (self.left.load(Relaxed) > 0).then_some(GATHER_MS);
        }
        let delay = delay_ms(left);
        self.due_ms
            .store(now_ms.saturating_add(u64::from(delay)), Relaxed);
        if self.left.cmpxchg(0, left, Relaxed).is_err() {
            self.due_ms.store(0, Relaxed);
            return Some(GATHER_MS);
        }
        Some(delay)
    }
}

/// Whether something has to be tried again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attempt {
    Done,
    Again,
}

impl Account {
    /// The account of a cgroup that has just come.
    pub(crate) fn new() -> impl PinInit<Self> {
        let adopt = ADOPT.is_on();

        pin_init!(Self {
            mapped: Tries::new(0),
            adopt: Tries::new(if adopt { TRIES } else { 0 }),
            taken: Atomic::new(0),
            given: Atomic::new(0),
            failed: Atomic::new(0),
            counting <- new_mutex!((), "Account::counting"),
            uncertain: Atomic::new(1),
        })
    }
}

/// A cgroup is about to come. It may take back what its predecessor left.
pub(crate) fn coming() {
    if ADOPT.is_on() {
        memcg::schedule(GATHER_MS);
    }
}

fn account<'a>(node: &Node<'a>) -> &'a Account {
    node.data().get_ref().recharge()
}

/// A cgroup was removed, and leaves what it is charged for to its parent.
pub(crate) fn removed(node: Node<'_>) {
    if let Some(parent) = node.parent() {
        account(&parent).uncertain.store(1, Relaxed);
        if MAPPED.is_on() {
            account(&parent).mapped.renew();
        }
        if MAPPED.is_on() || ACCESS.is_on() {
            memcg::schedule(GATHER_MS);
        }
    }
}

/// Pages were moved, or could not be.
pub(crate) fn moved(from: Node<'_>, to: Option<Node<'_>>, what: Recharged) {
    account(&from).given.fetch_add(what.moved as u64, Relaxed);
    account(&from).failed.fetch_add(what.failed as u64, Relaxed);
    if let Some(to) = to {
        account(&to).taken.fetch_add(what.moved as u64, Relaxed);
    }
}

/// Counts what a cgroup inherited if it is not certain, which takes a look at all its folios; so
/// this is for those who ask, once after a removal.
fn make_certain(node: &Node<'_>) -> Result {
    let account = account(node);
    let _counting = account.counting.lock();

    if account.uncertain.xchg(0, Relaxed) != 0 {
        node.recount_inherited()
            .inspect_err(|_| account.uncertain.store(1, Relaxed))?;
    }
    Ok(())
}

/// What happened to a cgroup so far.
pub(crate) fn stat(node: &Node<'_>) -> Result<Stat> {
    let account = account(node);

    make_certain(node)?;
    Ok(Stat {
        inherited: node.inherited(None) as u64,
        taken: account.taken.load(Relaxed),
        given: account.given.load(Relaxed),
        failed: account.failed.load(Relaxed),
    })
}

/// Set when all that was inherited already is to be looked at, too.
static LOOK_AT_ALL: Atomic<u32> = Atomic::new(0);

/// Set when it is to be counted, since some may be from before the module was loaded.
static COUNT_ALL: Atomic<u32> = Atomic::new(0);

/// The switch for mapped pages was written.
pub(crate) fn mapped_switched() {
    if MAPPED.is_on() {
        COUNT_ALL.store(1, Relaxed);
        LOOK_AT_ALL.store(1, Relaxed);
        memcg::schedule(0);
    }
}

/// To whom pages may go was written: some who could not have them now can.
pub(crate) fn scope_switched() {
    mapped_switched();
    access_switched();
}

/// The switch for accesses was written.
pub(crate) fn access_switched() {
    if ACCESS.is_on() {
        COUNT_ALL.store(1, Relaxed);
        // Who switches it on may access something right after that.
        note_accesses(true);
        memcg::schedule(0);
    } else {
        memcg::stop_accesses();
    }
}

/// Does what was noted for all cgroups.
pub(crate) fn work(root: Node<'_>, now_ms: u64) {
    let count = COUNT_ALL.xchg(0, Relaxed) != 0;
    let all = LOOK_AT_ALL.xchg(0, Relaxed) != 0;
    let mut next = None;
    let mut inherited = false;

    // What follows may take long, and what is accessed meanwhile is to be noted.
    if ACCESS.is_on() {
        root.for_each(|node| {
            inherited = node.inherits(None);
            !inherited
        });
        if inherited {
            note_accesses(true);
        }
        inherited = false;
    }
    root.for_each(|node| {
        let account = account(&node);

        if count && node.inherits(None) {
            // Fails only if the module is going, and then it does not matter.
            let _ = make_certain(&node);
        }
        if all && node.inherits(None) {
            account.mapped.renew();
        }
        inherited = inherited || node.inherited(None) > 0;
        for wait in [
            account.mapped.take(now_ms, |_| mapped(&node)),
            account.adopt.take(now_ms, |left| adopt(&node, left)),
        ]
        .into_iter()
        .flatten()
        {
            next = Some(next.map_or(wait, |next: u32| next.min(wait)));
        }
        true
    });

    if let Some(next) = next {
        memcg::schedule(next);
    }
    if ACCESS.is_on() {
        note_accesses(inherited);
    }
}

/// Notes accesses as long as there is something inherited.
fn note_accesses(inherited: bool) {
    if inherited {
        // If there is no memory for it now, there may be some at the next look.
        let _ = memcg::start_accesses(params::scope() == Scope::Any);
        memcg::schedule(ACCESS_CHECK_MS);
    } else {
        memcg::stop_accesses();
    }
    // It may have been switched off just before they were started.
    if !ACCESS.is_on() {
        memcg::stop_accesses();
    }
}

fn again_if_failed(recharged: Result<Recharged>) -> Attempt {
    match recharged {
        Ok(Recharged { failed: 0, .. }) => Attempt::Done,
        _ => Attempt::Again,
    }
}

/// Charges what `node` inherited to those who map it.
fn mapped(node: &Node<'_>) -> Attempt {
    if !MAPPED.is_on() || !node.inherits(None) {
        return Attempt::Done;
    }
    again_if_failed(to_mappers(node, usize::MAX))
}

fn to_mappers(node: &Node<'_>, goal: usize) -> Result<Recharged> {
    node.recharge(&Recharge {
        origin: None,
        to: None,
        any: params::scope() == Scope::Any,
        goal,
    })
}

fn to_successor(
    node: &Node<'_>,
    origin: Origin,
    successor: Node<'_>,
    goal: usize,
) -> Result<Recharged> {
    node.recharge(&Recharge::<Knobs> {
        origin: Some(origin),
        to: Some(successor),
        any: false,
        goal,
    })
}

/// Takes back what the cgroup that was at the place of `node` before left to one above it.
fn adopt(node: &Node<'_>, left: u32) -> Attempt {
    if !ADOPT.is_on() {
        return Attempt::Done;
    }
    let origin = node.origin();

    // Some pages may not be counted yet, so at first it is not the count that decides.
    let uncounted = left >= TRIES / 2;

    for above in node.ancestors().skip(1) {
        let there = above.inherited(Some(origin)) > 0 || uncounted && above.inherits(Some(origin));
        if there && to_successor(&above, origin, *node, usize::MAX).is_err() {
            break;
        }
    }
    // A removed cgroup may take a while to go, and the new one may be there before; so all tries
    // are made, whatever was found. They cost little where there is nothing left.
    Attempt::Again
}

/// Moves `bytes`, or all, of what `node` inherited to its users now.
///
/// [`EAGAIN`] if it was less than that.
pub(crate) fn on_demand(node: Node<'_>, bytes: Option<u64>) -> Result {
    make_certain(&node)?;
    let inherited = node.inherited(None);
    let goal = bytes.map_or(usize::MAX, pages);
    if goal == 0 || bytes.is_none() && inherited == 0 {
        return Ok(());
    }

    let mut moved = to_mappers(&node, goal)?.moved;
    let mut result = Ok(());
    if ADOPT.is_on() {
        node.for_each(|below| {
            let origin = below.origin();
            if moved < goal && node.inherited(Some(origin)) > 0 {
                match to_successor(&node, origin, below, goal.saturating_sub(moved)) {
                    Ok(recharged) => moved = moved.saturating_add(recharged.moved),
                    Err(err) => result = Err(err),
                }
            }
            moved < goal && result.is_ok()
        });
    }
    result?;

    let all = bytes.is_none() && (moved >= inherited || node.inherited(None) == 0);
    if moved >= goal || all {
        Ok(())
    } else {
        Err(EAGAIN)
    }
}
