// SPDX-License-Identifier: GPL-2.0

//! memcg-knobs: control of dirty memory per cgroup.
//!
//! This is policy on the memory controller's extension point (`mm/memcg_ext.c`). One file each:
//! `knobs.rs` the files that users see, `group.rs` a cgroup's state and the levels that follow
//! from it. The rest is arithmetic and parsing with no kernel in it, which the host's unit tests
//! compile as well: `size.rs`, `ratio.rs`, `limits.rs`, `levels.rs`, `share.rs`, `floors.rs`.

use kernel::{
    memcg,
    prelude::*, //
};

#[allow(dead_code, unreachable_pub, reason = "the host's tests and the CLI use more of it")]
mod floors;
mod group;
mod knobs;
#[cfg(CONFIG_KUNIT = "y")]
mod kunit;
#[allow(dead_code, unreachable_pub, reason = "the host's tests and the CLI use more of it")]
mod levels;
#[allow(dead_code, unreachable_pub, reason = "the host's tests and the CLI use more of it")]
mod limits;
#[allow(dead_code, unreachable_pub, reason = "the host's tests and the CLI use more of it")]
mod ratio;
#[allow(dead_code, unreachable_pub, reason = "the host's tests and the CLI use more of it")]
mod share;
#[allow(dead_code, unreachable_pub, reason = "the host's tests and the CLI use more of it")]
mod size;

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
