// SPDX-License-Identifier: GPL-2.0

//! Dirty pages: the levels that follow from a cgroup's files.
//!
//! A cgroup is counted, and has levels, only while something is set for it. The levels depend on
//! memory as it is now, so they are computed again by [`update`] when the kernel finds them old,
//! and at once when a file is written.

use kernel::{
    memcg::{
        self,
        dirty::{
            Counted,
            Figures,
            Levels, //
        },
        Registered,
        Work, //
    },
    prelude::*,
    sync::atomic::{
        Full,
        Relaxed, //
    }, //
};

use crate::{
    cgroup::{
        Cgroup,
        NonRoot,
        PAGE, //
    },
    policy::{
        floors::{
            self,
            Ask, //
        },
        levels::{
            self,
            Stops, //
        },
        limits::{
            Config,
            InForce,
            Inputs, //
        },
        pace,
        units::{
            Bytes,
            Micros,
            Pages, //
        }, //
    },
    switches::Knobs, //
};

/// What the files hold.
pub(crate) fn config(cgroup: &Cgroup<'_>) -> Config {
    *cgroup.data().get_ref().config.lock()
}

/// Changes what the files hold as `change` says, and puts it in force; if `change` refuses, all
/// stays as it was.
pub(crate) fn configure(
    cgroup: NonRoot<'_>,
    change: impl FnOnce(Config) -> Result<Config>,
) -> Result {
    let gone = cgroup.data().get_ref().gone.lock();
    if *gone {
        return Err(ENODEV);
    }
    let old = config(&cgroup);
    let new = change(old)?;

    // Nothing is in force for a cgroup that is not counted.
    let counted = if new.is_default() {
        cgroup.counted()
    } else {
        Some(cgroup.count()?)
    };
    store(cgroup, old, new);
    if let Some(counted) = counted {
        update(counted);
    }
    if new.min_pages(PAGE) != old.min_pages(PAGE) {
        grant_anew(cgroup, old.min_pages(PAGE));
    }
    if let Some(counted) = counted {
        counted.apply();
    }
    if new.is_default() {
        cgroup.uncount();
    }
    Ok(())
}

/// The files hold nothing any more, and nothing is in force. `gone` is held.
pub(crate) fn clear(cgroup: NonRoot<'_>) {
    store(cgroup, config(&cgroup), Config::default());
    set_granted(&cgroup, false);
    cgroup.uncount();
}

fn store(cgroup: NonRoot<'_>, old: Config, new: Config) {
    *cgroup.data().get_ref().config.lock() = new;
    if let Some(parent) = cgroup.parent() {
        // Modulo 2^64, so that the difference may be negative.
        parent.data().get_ref().children_min.fetch_add(
            new.min_pages(PAGE).0.wrapping_sub(old.min_pages(PAGE).0),
            Relaxed,
        );
    }
}

/// A floor is granted to the cgroup, or no longer.
fn set_granted(cgroup: &Cgroup<'_>, granted: bool) {
    let knobs = cgroup.policy();
    let was = cgroup.data().get_ref().granted.replace(granted);

    match (was, granted) {
        (false, true) => knobs.granted.fetch_add(1, Full),
        // Modulo 2^32: one less.
        (true, false) => knobs.granted.fetch_add(u32::MAX, Full),
        _ => return,
    };
    pace_others(knobs);
}

/// Paces those who have neither floor nor limit while there is a floor, or ends that.
fn pace_others(knobs: Registered<'_, Knobs>) {
    // Several may do so at a time. Whoever is the last must not have looked before the others came.
    loop {
        let wanted = || match knobs.granted.load(Relaxed) {
            0 => None,
            _ => knobs.pace(),
        };
        let pace = wanted();

        knobs.pace_others(pace.map(Into::into));
        if wanted() == pace {
            return;
        }
    }
}

/// The pace of the machine is `pace` from now on.
pub(crate) fn set_pace(knobs: Registered<'_, Knobs>, pace: Option<Micros>) {
    knobs.set_pace(pace);
    pace_others(knobs);
    knobs.repace.store(true);
    knobs.schedule(0);
}

/// Puts the pace of the machine in force for all who go by it, if it was set.
pub(crate) fn work(work: &Work<'_, Knobs>) {
    if work.repace.replace(false) {
        work.root().for_each(|cgroup| {
            if !config(&cgroup).is_default() {
                cgroup.counted().into_iter().for_each(update);
            }
        });
    }
}

/// Grants floors anew below a cgroup after its own was changed from `old` pages, and to those who
/// share with it, if that changes what they get: until they know, all floors together are more than
/// may be granted. What the floor of a removed cgroup leaves to others has time until their next
/// update.
fn grant_anew(cgroup: NonRoot<'_>, old: Pages) {
    let Some(parent) = cgroup.parent() else {
        return;
    };
    let figures = cgroup.figures();
    let grant = match parent.parent() {
        Some(_) => floor(&parent, &figures),
        None => floors::top_grant(figures.system_limit.into()),
    };
    let new = config(&cgroup).min_pages(PAGE);
    let sum = Pages(parent.data().get_ref().children_min.load(Relaxed));
    // There may be very many siblings, so leave alone those who get all that they ask for, as
    // before, or nothing.
    let top = if floors::are_shared(sum, old, new, grant) {
        parent
    } else {
        *cgroup
    };

    top.for_each(|sharer| {
        if has_floor(&sharer) {
            sharer.counted().into_iter().for_each(update);
        }
    });
}

/// Computes the levels anew and puts them in force.
pub(crate) fn update(cgroup: Counted<'_, Knobs>) {
    // Several may do so at a time. Whoever is the last must not have begun before a file was
    // written, which for a floor may be that of another cgroup.
    loop {
        let config = self::config(&cgroup);
        let figures = cgroup.figures();
        let floor = floor(&cgroup, &figures);

        publish(cgroup, config, &figures, floor);
        if self::config(&cgroup) == config && self::floor(&cgroup, &figures) == floor {
            return;
        }
    }
}

fn publish(cgroup: Counted<'_, Knobs>, config: Config, figures: &Figures, floor: Pages) {
    let stops = levels::stops(&config, &inputs(figures));
    let rule = pace::rule(config.pace, stops.is_some(), cgroup.policy().pace());
    let mut levels = Levels {
        floor: floor.into(),
        pace: rule.pace.map(Into::into),
        pace_own: rule.exempt,
        ..Levels::default()
    };

    if let Some(Stops {
        writers,
        background,
    }) = stops
    {
        levels.owned = true;
        levels.limit = writers.into();
        levels.background = background.into();
    }
    cgroup.publish(&levels);
    set_granted(&cgroup, floor != Pages(0));
}

/// Whether a cgroup asks for a floor.
fn has_floor(cgroup: &Cgroup<'_>) -> bool {
    config(cgroup).min_pages(PAGE) != Pages(0)
}

/// The floor that is granted to a cgroup.
fn floor(cgroup: &Cgroup<'_>, figures: &Figures) -> Pages {
    if !has_floor(cgroup) {
        return Pages(0);
    }

    // From the top down. The last of the ancestors is the root, which asks for nothing.
    let depth = cgroup.ancestors().count().saturating_sub(1);
    let asks = (0..depth).rev().filter_map(|i| {
        let cgroup = cgroup.ancestors().nth(i)?;
        let own = config(&cgroup).min_pages(PAGE);
        let siblings = cgroup.parent().map_or(own, |parent| {
            Pages(parent.data().get_ref().children_min.load(Relaxed))
        });

        Some(Ask { own, siblings })
    });

    floors::granted(figures.system_limit.into(), asks)
}

/// The limits that hold for a cgroup's writers now, with its `figures`.
pub(crate) fn in_force(cgroup: &Cgroup<'_>, figures: &Figures) -> InForce {
    let own = InForce::new(&config(cgroup), &inputs(figures));

    cgroup.ancestors().skip(1).fold(own, |in_force, above| {
        let config = config(&above);
        if config.is_default() {
            return in_force;
        }
        in_force.below(&config, &inputs(&above.figures()))
    })
}

fn inputs(figures: &Figures) -> Inputs {
    Inputs {
        dirtyable: figures.dirtyable.into(),
        system_limit: figures.derived_limit.into(),
        system_background: figures.derived_background.into(),
        page_shift: PAGE,
    }
}

/// As many pages as a trigger is asked for, `None` for all.
pub(crate) fn goal(bytes: Option<Bytes>) -> memcg::Pages {
    bytes.map_or(memcg::Pages::MAX, |bytes| bytes.pages(PAGE).into())
}

/// Cleans `bytes` of the cgroup's dirty pages, or all of them.
///
/// [`EAGAIN`] if it was less than that.
pub(crate) fn writeback(cgroup: NonRoot<'_>, bytes: Option<Bytes>) -> Result {
    let wanted = goal(bytes);
    if wanted == memcg::Pages(0) {
        return Ok(());
    }

    let written = cgroup.writeback(wanted)?;
    let enough = match bytes {
        Some(_) => written.cleaned >= wanted,
        // What is not dirty any more, since its file was removed, is not to be written either.
        None => written.cleaned >= written.goal || cgroup.events().dirty == memcg::Pages(0),
    };
    if enough {
        Ok(())
    } else {
        Err(EAGAIN)
    }
}
