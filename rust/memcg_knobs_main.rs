// SPDX-License-Identifier: GPL-2.0

//! memcg-knobs: control of dirty memory and of the ownership of charges per cgroup.
//!
//! This is policy on the memory controller's extension point (`mm/memcg_ext.c`). One file each:
//! `knobs.rs` the files that users see in a cgroup, `params.rs` those in `/sys/kernel/mm`,
//! `group.rs` a cgroup's state and the levels that follow from it, `recharge.rs` when what removed
//! cgroups left is charged to whom. The rest is arithmetic and parsing with no kernel in it, which
//! the host's unit tests and the CLI compile as well, hence `pub`: `size.rs`, `ratio.rs`,
//! `limits.rs`, `levels.rs`, `share.rs`, `floors.rs`, `switches.rs`, `tries.rs`, `payments.rs`.

use kernel::{
    memcg,
    prelude::*, //
};

pub mod floors;
mod group;
mod knobs;
#[cfg(CONFIG_KUNIT = "y")]
mod kunit;
pub mod levels;
pub mod limits;
mod params;
pub mod payments;
pub mod ratio;
mod recharge;
pub mod share;
pub mod size;
pub mod switches;
pub mod tries;

module! {
    type: MemcgKnobs,
    name: "memcg_knobs",
    authors: ["The memcg-knobs authors"],
    description: "Dirty limits, recharging and payments per memory cgroup",
    license: "GPL v2",
}

/// The module: its extension of the memory controller is in force while this lives.
struct MemcgKnobs {
    _extension: memcg::Registration<knobs::Knobs>,
}

impl kernel::Module for MemcgKnobs {
    fn init(module: &'static ThisModule) -> Result<Self> {
        Ok(Self {
            _extension: memcg::Registration::new(module)?,
        })
    }
}
