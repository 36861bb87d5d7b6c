// SPDX-License-Identifier: GPL-2.0

//! The files that users see in each cgroup: what reading and writing them does.

use kernel::{
    fmt,
    memcg::{
        CgroupFile,
        File, //
    },
    prelude::*,
    seq_file::{
        seq_print,
        SeqFile, //
    },
    time::Delta, //
};

use crate::{
    cgroup::{
        NonRoot,
        PAGE, //
    },
    dirty::{
        self,
        config,
        configure, //
    },
    payments,
    policy::{
        limits::MIN_ALL,
        pace,
        payments::Payments,
        ratio::Ratio,
        size::parse_bytes,
        units::{
            Bytes,
            Pages, //
        }, //
    },
    recharge,
    switches::Knobs, //
};

/// All files of a cgroup.
pub(crate) const FILES: &[File<Knobs>] = &[
    File::new::<LimitBytes>(),
    File::new::<BackgroundBytes>(),
    File::new::<LimitRatio>(),
    File::new::<BackgroundRatio>(),
    File::new::<Min>(),
    File::new::<Pace>(),
    File::new::<Writeback>(),
    File::new::<DirtyStat>(),
    File::new::<Recharge>(),
    File::new::<RechargeStat>(),
    File::new::<Persistent>(),
];

/// Handles the removal of a cgroup: returns its floor to its siblings and lifts its limits.
pub(crate) fn close(cgroup: NonRoot<'_>) {
    let mut gone = cgroup.data().get_ref().gone.lock();

    *gone = true;
    dirty::clear(cgroup);
    payments::clear(cgroup);
}

/// Handles the loss of a cgroup's files while the cgroup itself stays: undoes all that they set.
pub(crate) fn reset(cgroup: NonRoot<'_>) {
    let _gone = cgroup.data().get_ref().gone.lock();

    dirty::clear(cgroup);
    payments::clear(cgroup);
}

/// Prints a value, or `max` for `None`.
fn show_or_max(m: &SeqFile, value: Option<impl fmt::Display>) {
    match value {
        Some(value) => seq_print!(m, "{}\n", value),
        None => seq_print!(m, "max\n"),
    }
}

/// Prints a size, or `max` for `None`.
fn show_size(m: &SeqFile, size: Option<Bytes>) {
    show_or_max(m, size.map(|bytes| bytes.0));
}

fn show_bytes(m: &SeqFile, key: &str, pages: impl Into<Pages>) {
    seq_print!(m, "{} {}\n", key, pages.into().bytes(PAGE).0);
}

struct LimitBytes;

#[vtable]
impl CgroupFile for LimitBytes {
    type Policy = Knobs;

    const NAME: &'static CStr = c"dirty_limit_in_bytes";

    fn show(cgroup: NonRoot<'_>, m: &SeqFile) -> Result {
        show_size(m, config(&cgroup).limit.bytes());
        Ok(())
    }

    fn write(cgroup: NonRoot<'_>, input: &[u8]) -> Result {
        let bytes = parse_bytes(input)?;
        configure(cgroup, |old| Ok(old.with_limit_bytes(bytes, PAGE)?))
    }
}

struct BackgroundBytes;

#[vtable]
impl CgroupFile for BackgroundBytes {
    type Policy = Knobs;

    const NAME: &'static CStr = c"dirty_background_limit_in_bytes";

    fn show(cgroup: NonRoot<'_>, m: &SeqFile) -> Result {
        show_size(m, config(&cgroup).background.bytes());
        Ok(())
    }

    fn write(cgroup: NonRoot<'_>, input: &[u8]) -> Result {
        let bytes = parse_bytes(input)?;
        configure(cgroup, |old| Ok(old.with_background_bytes(bytes, PAGE)?))
    }
}

struct LimitRatio;

#[vtable]
impl CgroupFile for LimitRatio {
    type Policy = Knobs;

    const NAME: &'static CStr = c"dirty_ratio";

    fn show(cgroup: NonRoot<'_>, m: &SeqFile) -> Result {
        show_or_max(m, config(&cgroup).limit.ratio());
        Ok(())
    }

    fn write(cgroup: NonRoot<'_>, input: &[u8]) -> Result {
        let ratio = Ratio::parse(input)?;
        configure(cgroup, |old| Ok(old.with_limit_ratio(ratio)))
    }
}

struct BackgroundRatio;

#[vtable]
impl CgroupFile for BackgroundRatio {
    type Policy = Knobs;

    const NAME: &'static CStr = c"dirty_background_ratio";

    fn show(cgroup: NonRoot<'_>, m: &SeqFile) -> Result {
        show_or_max(m, config(&cgroup).background.ratio());
        Ok(())
    }

    fn write(cgroup: NonRoot<'_>, input: &[u8]) -> Result {
        let ratio = Ratio::parse(input)?;
        configure(cgroup, |old| Ok(old.with_background_ratio(ratio)))
    }
}

struct Min;

#[vtable]
impl CgroupFile for Min {
    type Policy = Knobs;

    const NAME: &'static CStr = c"dirty_min";

    fn show(cgroup: NonRoot<'_>, m: &SeqFile) -> Result {
        let min = config(&cgroup).min;
        show_size(m, (min != MIN_ALL).then_some(min));
        Ok(())
    }

    fn write(cgroup: NonRoot<'_>, input: &[u8]) -> Result {
        let bytes = parse_bytes(input)?;
        configure(cgroup, |old| Ok(old.with_min(bytes, PAGE)))
    }
}

struct Pace;

#[vtable]
impl CgroupFile for Pace {
    type Policy = Knobs;

    const NAME: &'static CStr = c"dirty_pace_usec";

    fn show(cgroup: NonRoot<'_>, m: &SeqFile) -> Result {
        seq_print!(m, "{}\n", config(&cgroup).pace);
        Ok(())
    }

    fn write(cgroup: NonRoot<'_>, input: &[u8]) -> Result {
        let pace = pace::Pace::parse(input)?;
        configure(cgroup, |old| Ok(old.with_pace(pace)))
    }
}

struct Writeback;

#[vtable]
impl CgroupFile for Writeback {
    type Policy = Knobs;

    const NAME: &'static CStr = c"dirty_writeback";
    const DELEGATABLE: bool = true;
    const SLOW: bool = true;

    fn write(cgroup: NonRoot<'_>, input: &[u8]) -> Result {
        dirty::writeback(cgroup, parse_bytes(input)?)
    }
}

struct DirtyStat;

#[vtable]
impl CgroupFile for DirtyStat {
    type Policy = Knobs;

    const NAME: &'static CStr = c"dirty_stat";

    fn show(cgroup: NonRoot<'_>, m: &SeqFile) -> Result {
        let figures = cgroup.figures();
        let events = cgroup.events();
        let in_force = dirty::in_force(&cgroup, &figures);

        show_bytes(m, "dirty", events.dirty);
        show_bytes(m, "writeback", events.writeback);
        show_bytes(m, "limit", in_force.limit);
        show_bytes(m, "background_limit", in_force.background);
        seq_print!(m, "throttled_usec {}\n", events.throttled.as_micros_ceil());
        seq_print!(m, "throttled_count {}\n", events.throttled_count);
        seq_print!(m, "throttled_now {}\n", events.throttled_now);
        seq_print!(m, "writeback_started {}\n", events.writeback_started);
        seq_print!(m, "pace_usec ");
        show_or_max(m, cgroup.pace().map(Delta::as_micros_ceil));
        seq_print!(m, "paced_usec {}\n", events.paced.as_micros_ceil());
        Ok(())
    }
}

struct Recharge;

#[vtable]
impl CgroupFile for Recharge {
    type Policy = Knobs;

    const NAME: &'static CStr = c"recharge";
    const DELEGATABLE: bool = true;
    const SLOW: bool = true;

    fn write(cgroup: NonRoot<'_>, input: &[u8]) -> Result {
        recharge::on_demand(cgroup, parse_bytes(input)?)
    }
}

struct RechargeStat;

#[vtable]
impl CgroupFile for RechargeStat {
    type Policy = Knobs;

    const NAME: &'static CStr = c"recharge_stat";

    fn show(cgroup: NonRoot<'_>, m: &SeqFile) -> Result {
        let stat = recharge::stat(&cgroup);

        show_bytes(m, "inherited", stat.inherited);
        show_bytes(m, "recharged_in", stat.taken);
        show_bytes(m, "recharged_out", stat.given);
        show_bytes(m, "recharge_failed", stat.failed);
        Ok(())
    }
}

struct Persistent;

#[vtable]
impl CgroupFile for Persistent {
    type Policy = Knobs;

    const NAME: &'static CStr = c"persistent";

    fn show(cgroup: NonRoot<'_>, m: &SeqFile) -> Result {
        seq_print!(m, "{}\n", payments::of(cgroup));
        Ok(())
    }

    fn write(cgroup: NonRoot<'_>, input: &[u8]) -> Result {
        payments::set(cgroup, Payments::parse(input)?)
    }
}
