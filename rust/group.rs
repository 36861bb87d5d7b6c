// SPDX-License-Identifier: GPL-2.0

//! A cgroup's state, and the levels that follow from it.
//!
//! A cgroup is counted, and has levels, only while something is set for it. The levels depend on
//! memory as it is now, so they are computed again by `update` when the kernel finds them old, and
//! at once when a file is written.

use kernel::{
    cpu,
    memcg::{
        self,
        Figures,
        Levels,
        LEVEL_MAX, //
    },
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
    floors,
    knobs::Node,
    levels,
    limits::{
        effective,
        Config,
        Effective,
        Inputs, //
    },
    payments::Payments,
    recharge,
    share, //
};

/// The page size as a power of two.
pub(crate) const PAGE: u32 = PAGE_SHIFT as u32;

/// The state of one cgroup.
#[pin_data]
pub(crate) struct Group {
    /// Held while the configuration changes and what follows from it is done; `true` once the
    /// cgroup was removed.
    #[pin]
    gone: Mutex<bool>,
    /// What the files hold. A lock of its own, for `update` must not sleep for a writer of files.
    #[pin]
    config: SpinLock<Config>,
    /// What it pays for in place of those below it.
    #[pin]
    payments: SpinLock<Payments>,
    /// The floors that the children ask for together, in pages.
    children_min: Atomic<u64>,
    #[pin]
    recharge: recharge::Account,
}

/// Limits in force, in pages: the cgroup's own or derived ones, and those of the cgroups above it.
pub(crate) struct InForce {
    pub(crate) limit: u64,
    pub(crate) background: u64,
}

impl Group {
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            gone <- new_mutex!(false, "Group::gone"),
            config <- new_spinlock!(Config::default(), "Group::config"),
            payments <- new_spinlock!(Payments::default(), "Group::payments"),
            children_min: Atomic::new(0),
            recharge <- recharge::Account::new(),
        })
    }

    /// Its part in the recharging of what removed cgroups left.
    pub(crate) fn recharge(&self) -> &recharge::Account {
        &self.recharge
    }

    /// What the files hold.
    pub(crate) fn config(self: Pin<&Self>) -> Config {
        *self.get_ref().config.lock()
    }

    /// Changes what the files hold as `change` says, and puts it in force; if `change` refuses,
    /// all stays as it was.
    pub(crate) fn configure(
        node: Node<'_>,
        change: impl FnOnce(Config) -> Result<Config>,
    ) -> Result {
        let group = node.data();
        let gone = group.get_ref().gone.lock();
        if *gone {
            return Err(ENODEV);
        }
        let old = group.config();
        let new = change(old)?;

        // Nothing is in force for a cgroup that is not counted.
        if !new.is_default() {
            node.set_counted(true)?;
        }
        Self::store(node, old, new);
        Self::update(node);
        if new.min_pages(PAGE) != old.min_pages(PAGE) {
            Self::grant_anew(node);
        }
        node.apply();
        if new.is_default() {
            node.set_counted(false)?;
        }
        Ok(())
    }

    /// What the cgroup pays for in place of those below it.
    pub(crate) fn payments(self: Pin<&Self>) -> Payments {
        *self.get_ref().payments.lock()
    }

    /// Lets the cgroup pay for `payments` from now on.
    pub(crate) fn pay_for(node: Node<'_>, payments: Payments) -> Result {
        let group = node.data();
        let gone = group.get_ref().gone.lock();
        if *gone {
            return Err(ENODEV);
        }
        *group.get_ref().payments.lock() = payments;
        node.pay_for(memcg::Payments {
            file: payments.file,
            shmem: payments.shmem,
        });
        Ok(())
    }

    /// The cgroup was removed: its floor is free for its siblings, its limits are over.
    pub(crate) fn offline(node: Node<'_>) {
        let group = node.data();
        let mut gone = group.get_ref().gone.lock();

        *gone = true;
        Self::clear(node);
    }

    /// The cgroup's files are gone, though it is there: nothing that they held stays in force.
    pub(crate) fn reset(node: Node<'_>) {
        let group = node.data();
        let _gone = group.get_ref().gone.lock();

        Self::clear(node);
    }

    fn clear(node: Node<'_>) {
        let group = node.data();

        Self::store(node, group.config(), Config::default());
        // Cannot fail when it ends the counting.
        let _ = node.set_counted(false);
        *group.get_ref().payments.lock() = Payments::default();
        node.pay_for(memcg::Payments::default());
    }

    fn store(node: Node<'_>, old: Config, new: Config) {
        *node.data().get_ref().config.lock() = new;
        if let Some(parent) = node.parent() {
            let sum = &parent.data().get_ref().children_min;
            // Modulo 2^64, so that the difference may be negative.
            sum.fetch_add(
                new.min_pages(PAGE).wrapping_sub(old.min_pages(PAGE)),
                Relaxed,
            );
        }
    }

    /// Grants floors anew to those who share with a cgroup, after its own was changed: until they
    /// know, all floors together are more than may be granted. What the floor of a removed cgroup
    /// leaves to others has time until their next update.
    fn grant_anew(node: Node<'_>) {
        let Some(parent) = node.parent() else {
            return;
        };

        parent.for_each(|sharer| {
            if sharer.data().config().min_pages(PAGE) != 0 {
                Self::update(sharer);
            }
            true
        });
    }

    /// Computes the levels anew and puts them in force.
    pub(crate) fn update(node: Node<'_>) {
        // Several may do so at a time. Whoever is the last must not have begun before a file was
        // written, which for a floor may be that of another cgroup.
        loop {
            let config = node.data().config();
            let figures = node.figures();
            let floor = Self::floor(node, &figures);

            Self::publish(node, config, &figures, floor);
            if node.data().config() == config && Self::floor(node, &figures) == floor {
                return;
            }
        }
    }

    fn publish(node: Node<'_>, config: Config, figures: &Figures, floor: u64) {
        let inputs = inputs(figures);
        let own = effective(&config, &inputs);
        let mut published = Levels::default();

        if own != Effective::default() {
            // With a background limit alone, the derived limit is kept in the same way.
            let limit = own.limit_in_force(&inputs);
            let levels = levels::levels(
                limit,
                u64::from(cpu::nr_cpu_ids()),
                u64::from(figures.waiting),
            );
            let share = share::child_share(levels.stop, u64::from(figures.active_children));

            published.owned = true;
            published.stop = level(levels.stop);
            published.share_stop = level(share.over_share_stop);
            published.child_share = level(share.share);
            // A writer sees that it has passed this a chunk late, and may not come again.
            let background = own
                .background_in_force(&inputs)
                .saturating_sub(levels.chunk)
                .max(1)
                // Whoever waits has to know that something is being written.
                .min(levels.stop.saturating_sub(1));
            published.background = level(background);
            published.child_background = level(share::child_background(
                background,
                u64::from(figures.active_children),
            ));
            published.chunk = u32::try_from(levels.chunk).unwrap_or(1);
        }
        published.floor = level(floor);
        node.publish(&published);
    }

    /// The floor that is granted to a cgroup, in pages.
    fn floor(node: Node<'_>, figures: &Figures) -> u64 {
        if node.data().config().min_pages(PAGE) == 0 {
            return 0;
        }

        // Each grant depends on that of the cgroup above, so the way is from the top down. The
        // last of the ancestors is the root, which has no floor.
        let depth = node.ancestors().count().saturating_sub(1);

        (0..depth).rev().fold(
            floors::top_grant(figures.system_limit as u64),
            |above, i| {
                let Some(cgroup) = node.ancestors().nth(i) else {
                    return 0;
                };
                let own = cgroup.data().config().min_pages(PAGE);
                let sum = cgroup.parent().map_or(own, |parent| {
                    parent.data().get_ref().children_min.load(Relaxed)
                });
                floors::grant(own, sum, above)
            },
        )
    }

    /// The limits that hold for a cgroup's writers now, with its `figures`.
    pub(crate) fn in_force(node: Node<'_>, figures: &Figures) -> InForce {
        let inputs = inputs(figures);
        let own = effective(&node.data().config(), &inputs);
        let mut in_force = InForce {
            limit: own.limit_in_force(&inputs),
            background: own.background_in_force(&inputs),
        };

        for above in node.ancestors().skip(1) {
            let config = above.data().config();
            if config.is_default() {
                continue;
            }
            let inputs = self::inputs(&above.figures());
            let above = effective(&config, &inputs);
            // Who has nothing but a floor limits nobody.
            if above != Effective::default() {
                in_force.limit = in_force.limit.min(above.limit_in_force(&inputs));
                in_force.background = in_force.background.min(above.background_in_force(&inputs));
            }
        }
        in_force
    }
}

fn inputs(figures: &Figures) -> Inputs {
    Inputs {
        dirtyable: figures.dirtyable as u64,
        system_limit: figures.derived_limit as u64,
        system_background: figures.derived_background as u64,
        page_shift: PAGE,
    }
}

/// Pages as a level.
fn level(pages: u64) -> usize {
    usize::try_from(pages).map_or(LEVEL_MAX, |pages| pages.min(LEVEL_MAX))
}
