// SPDX-License-Identifier: GPL-2.0

//! When the memory that removed cgroups leave behind is recharged, and to which cgroup.
//!
//! A single worker serves all cgroups. When a cgroup is removed or created, a note in the state of
//! the cgroup that inherits, or of the new one, records that there is work. The worker runs a
//! little later, so that it handles a whole burst of notes at once. It retries what fails a bounded
//! number of times, with growing delays.
//!
//! One pass examines all memory that a cgroup inherited, on behalf of all successors created
//! meanwhile. Afterwards the worker leaves that cgroup alone for a multiple of the time the pass
//! took.

use kernel::{
    memcg::{
        recharge::{
            Recharge,
            Recharged, //
        },
        Control,
        Pages,
        Registered,
        Work, //
    },
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    time::{
        Instant,
        Monotonic, //
    }, //
};

use crate::{
    cgroup::{
        Account,
        Cgroup,
        NonRoot, //
    },
    dirty::goal,
    policy::{
        switches::Scope,
        tries::{
            rest_ms,
            Attempt,
            GATHER_MS, //
        },
        units, //
    },
    switches::Knobs, //
};

/// While accesses are noted, the interval in milliseconds for checking whether that is still
/// needed.
const ACCESS_CHECK_MS: u32 = 10_000;

/// The maximum number of times a write to the trigger writes back dirty pages to be able to move
/// them.
const WRITES: u32 = 3;

/// The values in a cgroup's `memory.recharge_stat`.
pub(crate) struct Stat {
    pub(crate) inherited: units::Pages,
    pub(crate) taken: units::Pages,
    pub(crate) given: units::Pages,
    pub(crate) failed: units::Pages,
}

/// The monotonic clock, in milliseconds.
struct Clock {
    begin_ms: u64,
    begin: Instant<Monotonic>,
}

impl Clock {
    fn new(begin_ms: u64) -> Self {
        Self {
            begin_ms,
            begin: Instant::now(),
        }
    }

    fn now_ms(&self) -> u64 {
        let elapsed = u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(0);

        self.begin_ms.saturating_add(elapsed)
    }
}

fn account<'a>(cgroup: &Cgroup<'a>) -> &'a Account {
    &cgroup.data().get_ref().recharge
}

/// Handles the creation of a cgroup, which may take over its predecessor's memory.
pub(crate) fn coming(knobs: Registered<'_, Knobs>) {
    if knobs.adopt.load() {
        knobs.schedule(GATHER_MS);
    }
}

/// Handles the removal of a cgroup, which leaves the memory charged to it to its parent.
pub(crate) fn removed(cgroup: Cgroup<'_>) {
    let knobs = cgroup.policy();

    account(&cgroup).mapped.cancel();
    account(&cgroup).adopt.cancel();
    if cgroup.left() == Pages(0) {
        return;
    }
    if knobs.mapped.load() {
        if let Some(parent) = cgroup.parent() {
            account(&parent).mapped.renew();
        }
        knobs.schedule(GATHER_MS);
    } else if knobs.access.load() {
        knobs.schedule(ACCESS_CHECK_MS);
    }
    if knobs.drop_sec().is_some() {
        knobs.schedule(GATHER_MS);
    }
}

/// Handles a change of a cgroup's limit, which may have made room for memory charged elsewhere.
pub(crate) fn resized(cgroup: Cgroup<'_>) {
    let knobs = cgroup.policy();
    let (adopt, mapped) = (knobs.adopt.load(), knobs.mapped.load());

    if adopt {
        account(&cgroup).adopt.renew();
    }
    if mapped {
        for above in cgroup.ancestors().skip(1) {
            account(&above).mapped.renew();
        }
    }
    if adopt || mapped {
        knobs.schedule(GATHER_MS);
    }
}

/// Accounts pages that were moved, or that could not be moved.
pub(crate) fn moved(from: Cgroup<'_>, to: Option<Cgroup<'_>>, what: Recharged) {
    let add = |count: &Atomic<u64>, pages: Pages| count.fetch_add(pages.0 as u64, Relaxed);

    add(&account(&from).given, what.moved);
    add(&account(&from).failed, what.failed);
    if let Some(to) = to {
        add(&account(&to).taken, what.moved);
    }
}

/// Returns a cgroup's statistics.
pub(crate) fn stat(cgroup: &Cgroup<'_>) -> Stat {
    let account = account(cgroup);

    Stat {
        inherited: cgroup.inherited().into(),
        taken: units::Pages(account.taken.load(Relaxed)),
        given: units::Pages(account.given.load(Relaxed)),
        failed: units::Pages(account.failed.load(Relaxed)),
    }
}

/// Applies a write to `recharge_mapped`.
pub(crate) fn mapped_switched(knobs: Registered<'_, Knobs>) {
    if knobs.mapped.load() {
        knobs.look_at_all.store(true);
        knobs.schedule(0);
    }
}

/// Applies a write to `recharge_drop_sec`.
pub(crate) fn drop_switched(knobs: Registered<'_, Knobs>) {
    if knobs.drop_sec().is_some() {
        knobs.schedule(0);
    }
}

/// Applies a write to `recharge_scope`: some cgroups may now be eligible that were not before.
pub(crate) fn scope_switched(knobs: &Control<'_, Knobs>) {
    mapped_switched(**knobs);
    if knobs.access.load() {
        access_switched(knobs);
    }
}

/// Applies a write to `recharge_access`.
pub(crate) fn access_switched(knobs: &Control<'_, Knobs>) {
    if knobs.access.load() {
        knobs.accesses().start(knobs.scope() == Scope::Any);
        knobs.schedule(ACCESS_CHECK_MS);
    }
    // A concurrent write may have turned it off just before accesses were started.
    if !knobs.access.load() {
        knobs.accesses().stop();
    }
}

/// Returns the shorter of two delays.
fn sooner(a: Option<u32>, b: Option<u32>) -> Option<u32> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        _ => a.or(b),
    }
}

/// Does all pending work, for all cgroups.
pub(crate) fn work(work: &Work<'_, Knobs>) {
    let root = work.root();
    let clock = Clock::new(work.now_ms());
    let count = work.count_all.replace(false);
    let all = work.look_at_all.replace(false);
    let mut next = None;
    let mut inherited = false;

    root.for_each(|cgroup| {
        if count {
            work.recount_inherited(&cgroup);
        }
        next = sooner(
            next,
            account(&cgroup)
                .adopt
                .take(|| clock.now_ms(), || ask(&cgroup)),
        );
    });
    // A single pass serves all successors that have asked.
    root.for_each(|cgroup| {
        let inherits = cgroup.inherits();

        inherited |= inherits;
        if all && inherits {
            account(&cgroup).mapped.renew();
        }
        next = sooner(next, serve(&cgroup, &clock));
        if inherits {
            next = sooner(next, sweep(&cgroup, &clock));
        }
    });

    if work.access.load() && (inherited || work.accesses().idle()) {
        next = sooner(next, Some(ACCESS_CHECK_MS));
    }
    if let Some(next) = next {
        work.schedule(next);
    }
}

/// Requests the memory of `cgroup`'s predecessor from all ancestors that inherited some of it.
fn ask(cgroup: &Cgroup<'_>) -> Attempt {
    if !cgroup.policy().adopt.load() {
        return Attempt::Done;
    }
    for above in cgroup.ancestors().skip(1) {
        if above.inherits_from(cgroup) {
            account(&above).wanted.store(true);
        }
    }
    // The removal of the predecessor may complete only after its successor was created, so make all
    // attempts, whatever this one found. They cost little if nothing is left.
    Attempt::Again
}

/// Returns the milliseconds until `due_ms`, or `None` if that has passed.
fn until(due_ms: u64, clock: &Clock) -> Option<u32> {
    match due_ms.saturating_sub(clock.now_ms()) {
        0 => None,
        wait_ms => Some(u32::try_from(wait_ms).unwrap_or(u32::MAX)),
    }
}

/// Recharges memory that `cgroup` inherited to successors that asked for it and to cgroups that map
/// it.
fn serve(cgroup: &Cgroup<'_>, clock: &Clock) -> Option<u32> {
    let knobs = cgroup.policy();
    let account = account(cgroup);
    if let Some(rest) = until(account.rests_ms.load(Relaxed), clock) {
        return Some(rest);
    }

    let mut adopt = account.wanted.replace(false) && knobs.adopt.load();
    let wait = account.mapped.take(
        || clock.now_ms(),
        || {
            if !knobs.mapped.load() || !cgroup.inherits() {
                return Attempt::Done;
            }
            let adopt = core::mem::take(&mut adopt);
            match pass(cgroup, clock, &to_users(cgroup, adopt, true)) {
                Ok(recharged) if recharged.failed == Pages(0) => Attempt::Done,
                _ => Attempt::Again,
            }
        },
    );
    if adopt {
        // On failure, the successor asks again.
        let _ = pass(cgroup, clock, &to_users(cgroup, true, false));
    }
    wait
}

/// Drops inherited page cache that has not been used since the last sweep, if that is long enough
/// ago.
///
/// Page cache inherited since then is examined for the first time, and stays until the next sweep.
fn sweep(cgroup: &Cgroup<'_>, clock: &Clock) -> Option<u32> {
    let knobs = cgroup.policy();
    let period_ms = knobs.drop_sec()?.saturating_mul(1000);
    let account = account(cgroup);
    let due_ms = match account.swept_ms.load(Relaxed) {
        0 => 0,
        swept_ms => swept_ms.saturating_add(period_ms.into()),
    };
    let due_ms = due_ms.max(account.rests_ms.load(Relaxed));

    if let Some(wait_ms) = until(due_ms, clock) {
        return Some(wait_ms);
    }
    // What cannot be freed now is retried by the next sweep.
    let _ = pass(
        cgroup,
        clock,
        &Recharge {
            adopt: knobs.adopt.load(),
            mapped: false,
            any: false,
            unused: true,
            goal: Pages::MAX,
        },
    );
    account.swept_ms.store(clock.now_ms(), Relaxed);
    Some(period_ms)
}

/// Returns the request for a pass that recharges memory to successors, to cgroups that map it, or
/// to both.
fn to_users(cgroup: &Cgroup<'_>, adopt: bool, mapped: bool) -> Recharge {
    Recharge {
        adopt,
        mapped,
        any: cgroup.policy().scope() == Scope::Any,
        unused: false,
        goal: Pages::MAX,
    }
}

/// Examines all memory that `cgroup` inherited, once.
fn pass(cgroup: &Cgroup<'_>, clock: &Clock, what: &Recharge) -> Result<Recharged> {
    let begin_ms = clock.now_ms();
    let recharged = cgroup.recharge(what);
    let end_ms = clock.now_ms();

    account(cgroup).rests_ms.store(
        end_ms.saturating_add(rest_ms(end_ms.saturating_sub(begin_ms))),
        Relaxed,
    );
    recharged
}

/// Recharges `bytes` of the memory that `cgroup` inherited, or all of it, to its users now.
///
/// The users must be below `cgroup`, whatever [`Knobs::scope`] is: a task that may write to the
/// file of a cgroup may manage that cgroup's subtree, but not others.
///
/// Returns [`EAGAIN`] if less was recharged.
pub(crate) fn on_demand(cgroup: NonRoot<'_>, bytes: Option<units::Bytes>) -> Result {
    let inherited = cgroup.inherited();
    let goal = goal(bytes);
    if goal == Pages(0) || bytes.is_none() && inherited == Pages(0) {
        return Ok(());
    }

    let mut moved = Pages(0);
    for _ in 0..=WRITES {
        let recharged = cgroup.recharge(&Recharge {
            adopt: cgroup.policy().adopt.load(),
            mapped: true,
            any: false,
            unused: false,
            goal: Pages(goal.0 - moved.0),
        })?;

        moved = Pages(moved.0.saturating_add(recharged.moved.0)).min(goal);
        if moved == goal
            || bytes.is_none() && (moved >= inherited || cgroup.inherited() == Pages(0))
        {
            return Ok(());
        }
        if recharged.dirty == Pages(0) {
            break;
        }
        cgroup.writeback(recharged.dirty)?;
    }
    Err(EAGAIN)
}
