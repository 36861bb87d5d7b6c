// SPDX-License-Identifier: GPL-2.0

//! The files in `/sys/kernel/mm/memcg_knobs`: switches for all cgroups, and totals.

use kernel::{
    fmt::Write,
    memcg::{
        self,
        File, //
    },
    prelude::*,
    str::Formatter,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

use crate::{
    knobs::errno,
    recharge,
    switches::{
        parse_switch,
        Scope, //
    }, //
};

/// The directory.
pub(crate) const NAME: &CStr = c"memcg_knobs";

/// What a file is.
#[derive(Clone, Copy)]
enum Param {
    Mapped,
    Access,
    Adopt,
    Scope,
    Stat,
}

/// The list of files; the index of a file is its place in here.
const PARAMS: [(Param, File); 5] = [
    (Param::Mapped, File::read_write(c"recharge_mapped")),
    (Param::Access, File::read_write(c"recharge_access")),
    (Param::Adopt, File::read_write(c"recharge_adopt")),
    (Param::Scope, File::read_write(c"recharge_scope")),
    (Param::Stat, File::read_only(c"recharge_stat")),
];

/// The files alone.
pub(crate) const FILES: &[File] = &{
    let [a, b, c, d, e] = PARAMS;
    [a.1, b.1, c.1, d.1, e.1]
};

/// A switch that is read on many occasions and written by root now and then.
pub(crate) struct Switch(Atomic<u32>);

impl Switch {
    const fn new() -> Self {
        Self(Atomic::new(0))
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.load(Relaxed) != 0
    }

    fn set(&self, on: bool) {
        self.0.store(u32::from(on), Relaxed);
    }
}

/// What a removed cgroup left and some process maps goes to that process's cgroup.
pub(crate) static MAPPED: Switch = Switch::new();
/// What is accessed goes to the cgroup of the task that did.
pub(crate) static ACCESS: Switch = Switch::new();
/// A cgroup takes back what its predecessor left.
pub(crate) static ADOPT: Switch = Switch::new();
/// On for [`Scope::Any`].
static ANY: Switch = Switch::new();

/// To whom pages may go.
pub(crate) fn scope() -> Scope {
    if ANY.is_on() {
        Scope::Any
    } else {
        Scope::Subtree
    }
}

fn param(index: usize) -> Result<Param> {
    PARAMS.get(index).map(|(param, _)| *param).ok_or(EINVAL)
}

/// Prints file number `index`.
pub(crate) fn show(index: usize, f: &mut Formatter<'_>) -> Result {
    let switch = match param(index)? {
        Param::Mapped => &MAPPED,
        Param::Access => &ACCESS,
        Param::Adopt => &ADOPT,
        Param::Scope => return Ok(writeln!(f, "{}", scope())?),
        Param::Stat => return show_stat(f),
    };
    writeln!(f, "{}", u32::from(switch.is_on()))?;
    Ok(())
}

fn show_stat(f: &mut Formatter<'_>) -> Result {
    let totals = memcg::recharge_totals();

    for (key, value) in [
        ("scanned", totals.scanned),
        ("moved", totals.moved),
        ("failed", totals.failed),
        ("deferred", totals.deferred),
        ("dropped", totals.dropped),
    ] {
        writeln!(f, "{key} {value}")?;
    }
    Ok(())
}

/// Takes what was written to file number `index`.
pub(crate) fn write(index: usize, input: &[u8]) -> Result {
    match param(index)? {
        Param::Mapped => {
            MAPPED.set(parse_switch(input).map_err(errno)?);
            recharge::mapped_switched();
        }
        Param::Access => {
            ACCESS.set(parse_switch(input).map_err(errno)?);
            recharge::access_switched();
        }
        Param::Adopt => ADOPT.set(parse_switch(input).map_err(errno)?),
        Param::Scope => {
            ANY.set(Scope::parse(input).map_err(errno)? == Scope::Any);
            recharge::scope_switched();
        }
        Param::Stat => return Err(EINVAL),
    }
    Ok(())
}
