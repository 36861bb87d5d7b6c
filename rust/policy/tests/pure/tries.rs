// SPDX-License-Identifier: GPL-2.0

//! Retries: their number and timing, and requests that arrive during a try.

use std::cell::Cell;

use proptest::prelude::*;

use memcg_knobs_policy::tries::delay_ms;
use memcg_knobs_policy::tries::rest_ms;
use memcg_knobs_policy::tries::Attempt;
use memcg_knobs_policy::tries::Plan;
use memcg_knobs_policy::tries::Tries;
use memcg_knobs_policy::tries::Word;
use memcg_knobs_policy::tries::GATHER_MS;
use memcg_knobs_policy::tries::TRIES;

use super::config;

/// A word that another writer changes just before its `when`th access.
struct Shared {
    word: Cell<u64>,
    looks: Cell<u32>,
    when: u32,
    other: Plan,
}

impl Shared {
    fn new(plan: Plan, when: u32, other: Plan) -> Self {
        Self {
            word: Cell::new(plan.to_word()),
            looks: Cell::new(0),
            when,
            other,
        }
    }

    fn look(&self) -> u64 {
        self.looks.set(self.looks.get() + 1);
        if self.looks.get() == self.when {
            self.word.set(self.other.to_word());
        }
        self.word.get()
    }

    fn plan(&self) -> Plan {
        Plan::from_word(self.word.get())
    }
}

impl Word for Shared {
    fn load(&self) -> u64 {
        self.look()
    }

    fn store(&self, word: u64) {
        self.word.set(word);
    }

    fn replace(&self, old: u64, new: u64) -> bool {
        let same = self.look() == old;

        if same {
            self.word.set(new);
        }
        same
    }
}

const NOW_MS: u64 = 1_000_000;

fn tries(plan: Plan) -> Tries<Shared> {
    Tries(Shared::new(plan, 0, plan))
}

#[test]
fn what_is_not_due_is_not_tried() {
    let none = tries(Plan::default());
    assert_eq!(none.take(|| NOW_MS, || unreachable!()), None);

    let later = Plan {
        left: 3,
        due_ms: NOW_MS + 700,
    };
    let waits = tries(later);
    assert_eq!(waits.take(|| NOW_MS, || unreachable!()), Some(700));
    assert_eq!(waits.0.plan(), later);
    waits.cancel();
    assert_eq!(waits.take(|| NOW_MS, || unreachable!()), None);
}

#[test]
fn tries_end() {
    let done = tries(Plan::ALL);
    assert_eq!(done.take(|| NOW_MS, || Attempt::Done), None);
    assert_eq!(done.0.plan(), Plan::default());

    let again = tries(Plan::ALL);
    let now = Cell::new(NOW_MS);
    let mut count = 1;
    while let Some(wait) = again.take(|| now.get(), || Attempt::Again) {
        assert_eq!(wait, delay_ms(TRIES - count));
        now.set(now.get() + u64::from(wait));
        count += 1;
    }
    assert_eq!(count, TRIES);
}

/// A request that arrives at any time during a try is due at once, with all tries left.
#[test]
fn a_reason_that_comes_meanwhile() {
    let old = Plan { left: 2, due_ms: 0 };

    // Before the word is read, before it is marked as being tried, before the result is written.
    for (when, left) in [(1, TRIES - 1), (2, TRIES), (3, TRIES)] {
        let tries = Tries(Shared::new(old, when, Plan::ALL));
        let wait = tries.take(|| NOW_MS, || Attempt::Again);
        assert_eq!(wait, Some(GATHER_MS), "{when}");
        assert_eq!(tries.0.plan().left, left, "{when}");
        assert!(
            tries.0.plan().due_ms <= NOW_MS + u64::from(GATHER_MS),
            "{when}"
        );
    }
    for attempt in [Attempt::Done, Attempt::Again] {
        let tries = tries(old);
        let wait = tries.take(
            || NOW_MS,
            || {
                tries.renew();
                attempt
            },
        );
        assert_eq!(wait, Some(GATHER_MS));
        assert_eq!(tries.0.plan(), Plan::ALL);
    }
}

/// An operation that is cancelled during a try is not retried.
#[test]
fn an_end_that_comes_meanwhile() {
    for when in 1..=3 {
        let tries = Tries(Shared::new(Plan::ALL, when, Plan::default()));
        tries.take(|| NOW_MS, || Attempt::Again);
        assert_eq!(tries.0.plan(), Plan::default(), "{when}");
    }
}

#[test]
fn tries_come_later_each_time() {
    assert_eq!(delay_ms(TRIES), GATHER_MS);
    let delays: Vec<u32> = (1..TRIES).rev().map(delay_ms).collect();

    assert!(
        delays.windows(2).all(|pair| pair[1] == 2 * pair[0]),
        "{delays:?}"
    );
    let sum: u32 = delays.iter().sum();
    assert!((20_000..30_000).contains(&sum), "{sum} ms until the last");
}

#[test]
fn a_plan_ends() {
    let mut plan = Plan::ALL;
    let mut now_ms = 0;
    let mut tries = 0;

    while let Some(wait) = plan.wait_ms(now_ms) {
        now_ms += u64::from(wait);
        tries += 1;
        plan = plan.after_try(now_ms);
    }
    assert_eq!(tries, TRIES);
    assert_eq!(plan, Plan::default());
    assert_eq!(plan.after_try(now_ms), Plan::default());
    assert!(
        (20_000..30_000).contains(&now_ms),
        "{now_ms} ms until the last"
    );
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn plans_fit_a_word(left in any::<u8>(), due_ms in 0..=u64::MAX >> 8) {
        let plan = Plan { left, due_ms };

        prop_assert_eq!(Plan::from_word(plan.to_word()), plan);
    }

    #[test]
    fn late_plans_are_late(left in any::<u8>(), due_ms in u64::MAX >> 8..) {
        let plan = Plan::from_word(Plan { left, due_ms }.to_word());

        prop_assert_eq!(plan, Plan { left, due_ms: u64::MAX >> 8 });
    }

    #[test]
    fn rests_leave_most_of_the_time(took_ms in any::<u64>()) {
        let rest = rest_ms(took_ms);

        prop_assert!(rest <= 30_000);
        prop_assert!(rest == 30_000 || rest == 4 * took_ms);
    }

    #[test]
    fn delays_are_bounded(left in any::<u8>()) {
        prop_assert!((GATHER_MS..=30_000).contains(&delay_ms(left)));
    }
}
