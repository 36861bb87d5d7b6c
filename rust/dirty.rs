// SPDX-License-Identifier: GPL-2.0

//! Dirty pages: computes the levels that follow from the values of a cgroup's files.
//!
//! A cgroup is counted, and has levels, only while something is set for it. Levels depend on the
//! current state of memory, so [`update`] recomputes them when the kernel finds them outdated, and
//! at once when a file is written.

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

/// Returns the values of the cgroup's dirty page files.
pub(crate) fn config(cgroup: &Cgroup<'_>) -> Config {
    *cgroup.data().get_ref().config.lock()
}

/// Applies `change` to the values of the files and puts the result in force. If `change` returns an
/// error, nothing changes.
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

    // Levels are in force only for a counted cgroup.
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

/// Resets the files to their defaults and takes what they set out of force. The caller holds
/// `gone`.
pub(crate) fn clear(cgroup: NonRoot<'_>) {
    store(cgroup, config(&cgroup), Config::default());
    {
        // An update that began before must not grant a floor afterwards.
        let _guard = cgroup.data().get_ref().levels.lock();
        set_granted(&cgroup, false);
    }
    cgroup.uncount();
}

fn store(cgroup: NonRoot<'_>, old: Config, new: Config) {
    *cgroup.data().get_ref().config.lock() = new;
    if let Some(parent) = cgroup.parent() {
        // Modulo 2^64, as the difference may be negative.
        parent.data().get_ref().children_min.fetch_add(
            new.min_pages(PAGE).0.wrapping_sub(old.min_pages(PAGE).0),
            Relaxed,
        );
    }
}

/// Records whether the cgroup has been granted a floor.
fn set_granted(cgroup: &Cgroup<'_>, granted: bool) {
    let knobs = cgroup.policy();
    let was = cgroup.data().get_ref().granted.replace(granted);

    match (was, granted) {
        (false, true) => knobs.granted.fetch_add(1, Full),
        // Subtracts one, modulo 2^32.
        (true, false) => knobs.granted.fetch_add(u32::MAX, Full),
        _ => return,
    };
    pace_others(knobs);
}

/// Starts pacing cgroups that have neither a floor nor a limit if a floor is granted anywhere, else
/// stops it.
fn pace_others(knobs: Registered<'_, Knobs>) {
    // Concurrent callers may overwrite each other's result. Check again after each write, so that
    // the last writer has seen the latest values.
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

/// Sets the system-wide pace.
pub(crate) fn set_pace(knobs: Registered<'_, Knobs>, pace: Option<Micros>) {
    knobs.set_pace(pace);
    pace_others(knobs);
    knobs.repace.store(true);
    knobs.schedule(0);
}

/// Applies a new system-wide pace to all cgroups that have anything set.
pub(crate) fn work(work: &Work<'_, Knobs>) {
    if work.repace.replace(false) {
        work.root().for_each(|cgroup| {
            if !config(&cgroup).is_default() {
                cgroup.counted().into_iter().for_each(update);
            }
        });
    }
}

/// Recomputes floors after the floor that `cgroup` requests changed from `old` pages: those of its
/// descendants, and those of its siblings if their grants change. Until then, the granted floors
/// together exceed what may be granted. When a cgroup is removed, there is no such hurry: the
/// others get its share with their next update.
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
    // There may be very many siblings. Leave them alone if they are granted all they request, as
    // before, or nothing at all.
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

/// Recomputes the levels and puts them in force.
pub(crate) fn update(cgroup: Counted<'_, Knobs>) {
    // The last to publish levels must be the last to have computed them, and thus have seen the
    // latest write to the cgroup's files, to memory.max, or to the floor of another cgroup.
    let _guard = cgroup.data().get_ref().levels.lock();
    let figures = cgroup.figures();
    let floor = floor(&cgroup, &figures);

    publish(cgroup, config(&cgroup), &figures, floor);
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

/// Returns whether the cgroup requests a floor.
fn has_floor(cgroup: &Cgroup<'_>) -> bool {
    config(cgroup).min_pages(PAGE) != Pages(0)
}

/// Returns the floor that the cgroup is granted.
fn floor(cgroup: &Cgroup<'_>, figures: &Figures) -> Pages {
    if !has_floor(cgroup) {
        return Pages(0);
    }

    // Go from the top down. The last of the ancestors is the root, which requests no floor.
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

/// Returns the limits that currently apply to the cgroup's writers, given its `figures`.
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

/// Converts the size written to a trigger file to a number of pages; `None` means all.
pub(crate) fn goal(bytes: Option<Bytes>) -> memcg::Pages {
    bytes.map_or(memcg::Pages::MAX, |bytes| bytes.pages(PAGE).into())
}

/// Writes back `bytes` of the cgroup's dirty pages, or all of them.
///
/// Returns [`EAGAIN`] if fewer were written.
pub(crate) fn writeback(cgroup: NonRoot<'_>, bytes: Option<Bytes>) -> Result {
    let wanted = goal(bytes);
    if wanted == memcg::Pages(0) {
        return Ok(());
    }

    let written = cgroup.writeback(wanted)?;
    let enough = match bytes {
        Some(_) => written.cleaned >= wanted,
        // Pages that are no longer dirty because their file was removed need not be written.
        None => written.cleaned >= written.goal || cgroup.events().dirty == memcg::Pages(0),
    };
    if enough {
        Ok(())
    } else {
        Err(EAGAIN)
    }
}
