// SPDX-License-Identifier: GPL-2.0

//! The files in `/sys/kernel/mm/memcg_knobs`: system-wide switches and totals.

use kernel::{
    fmt::Write,
    memcg::{
        recharge::totals,
        Attribute,
        Control,
        SysfsFile, //
    },
    prelude::*,
    str::Formatter, //
};

use core::marker::PhantomData;

use crate::{
    dirty,
    policy::{
        pace,
        switches::{
            parse_seconds,
            parse_switch,
            Scope, //
        }, //
    },
    recharge,
    switches::{
        Knobs,
        Switch, //
    }, //
};

/// All files in the directory.
pub(crate) const ATTRIBUTES: &[Attribute<Knobs>] = &[
    Attribute::new::<SwitchFile<Mapped>>(),
    Attribute::new::<SwitchFile<Access>>(),
    Attribute::new::<SwitchFile<Adopt>>(),
    Attribute::new::<ScopeFile>(),
    Attribute::new::<DropSec>(),
    Attribute::new::<Stat>(),
    Attribute::new::<Pace>(),
];

/// A switch whose file holds `0` or `1`.
trait OnOff {
    const NAME: &'static CStr;

    /// Returns the switch itself.
    fn of(knobs: &Knobs) -> &Switch;

    /// Applies a write to the file.
    fn switched(_knobs: &Control<'_, Knobs>) {}
}

/// The file of a switch.
struct SwitchFile<S>(PhantomData<S>);

#[vtable]
impl<S: OnOff> SysfsFile for SwitchFile<S> {
    type Policy = Knobs;

    const NAME: &'static CStr = S::NAME;

    fn show(knobs: Control<'_, Knobs>, f: &mut Formatter<'_>) -> Result {
        Ok(writeln!(f, "{}", u32::from(S::of(&knobs).load()))?)
    }

    fn write(knobs: Control<'_, Knobs>, input: &[u8]) -> Result {
        S::of(&knobs).store(parse_switch(input)?);
        S::switched(&knobs);
        Ok(())
    }
}

struct Mapped;

impl OnOff for Mapped {
    const NAME: &'static CStr = c"recharge_mapped";

    fn of(knobs: &Knobs) -> &Switch {
        &knobs.mapped
    }

    fn switched(knobs: &Control<'_, Knobs>) {
        recharge::mapped_switched(**knobs);
    }
}

struct Access;

impl OnOff for Access {
    const NAME: &'static CStr = c"recharge_access";

    fn of(knobs: &Knobs) -> &Switch {
        &knobs.access
    }

    fn switched(knobs: &Control<'_, Knobs>) {
        recharge::access_switched(knobs);
    }
}

struct Adopt;

impl OnOff for Adopt {
    const NAME: &'static CStr = c"recharge_adopt";

    fn of(knobs: &Knobs) -> &Switch {
        &knobs.adopt
    }
}

struct ScopeFile;

#[vtable]
impl SysfsFile for ScopeFile {
    type Policy = Knobs;

    const NAME: &'static CStr = c"recharge_scope";

    fn show(knobs: Control<'_, Knobs>, f: &mut Formatter<'_>) -> Result {
        Ok(writeln!(f, "{}", knobs.scope())?)
    }

    fn write(knobs: Control<'_, Knobs>, input: &[u8]) -> Result {
        knobs.set_scope(Scope::parse(input)?);
        recharge::scope_switched(&knobs);
        Ok(())
    }
}

struct DropSec;

#[vtable]
impl SysfsFile for DropSec {
    type Policy = Knobs;

    const NAME: &'static CStr = c"recharge_drop_sec";

    fn show(knobs: Control<'_, Knobs>, f: &mut Formatter<'_>) -> Result {
        Ok(writeln!(f, "{}", knobs.drop_sec().unwrap_or(0))?)
    }

    fn write(knobs: Control<'_, Knobs>, input: &[u8]) -> Result {
        knobs.set_drop_sec(parse_seconds(input)?);
        recharge::drop_switched(*knobs);
        Ok(())
    }
}

struct Stat;

#[vtable]
impl SysfsFile for Stat {
    type Policy = Knobs;

    const NAME: &'static CStr = c"recharge_stat";

    fn show(_knobs: Control<'_, Knobs>, f: &mut Formatter<'_>) -> Result {
        let totals = totals();

        for (key, value) in [
            ("scanned", totals.scanned),
            ("moved", totals.moved),
            ("failed", totals.failed),
            ("deferred", totals.deferred),
            ("dropped", totals.dropped),
            ("freed", totals.freed),
        ] {
            writeln!(f, "{key} {}", value.0)?;
        }
        Ok(())
    }
}

struct Pace;

#[vtable]
impl SysfsFile for Pace {
    type Policy = Knobs;

    const NAME: &'static CStr = c"writeback_pace_usec";

    fn show(knobs: Control<'_, Knobs>, f: &mut Formatter<'_>) -> Result {
        Ok(writeln!(f, "{}", knobs.pace().map_or(0, |pace| pace.0))?)
    }

    fn write(knobs: Control<'_, Knobs>, input: &[u8]) -> Result {
        dirty::set_pace(*knobs, pace::parse_machine(input)?);
        Ok(())
    }
}
