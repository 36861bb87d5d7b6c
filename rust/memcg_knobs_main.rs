// SPDX-License-Identifier: GPL-2.0

//! memcg-knobs: control of dirty memory per cgroup.
//!
//! This is policy on the memory controller's extension point (`mm/memcg_ext.c`). One file each:
//! `knobs.rs` the files that users see, `group.rs` a cgroup's state and the levels that follow
//! from it. The rest is arithmetic and parsing with no kernel in it, which the host's unit tests
//! and the CLI compile as well, hence `pub`: `size.rs`, `ratio.rs`, `limits.rs`, `levels.rs`,
//! `share.rs`, `floors.rs`.

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
pub mod ratio;
pub mod share;
pub mod size;

module! {
    type: MemcgKnobs,
    name: "memcg_knobs",
    authors: ["The memcg-knobs authors"],
    description: "Dirty limits per memory cgroup",
    license: "GPL v2",
}

/// The module: its extension of the memory controller is in force while this lives.
struct MemcgKnobs {
    _extension: memcg::Registration<knobs::Knobs>,
}

impl kernel::Module for MemcgKnobs {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self {
            _extension: memcg::Registration::new()?,
        })
    }
}
