// SPDX-License-Identifier: GPL-2.0

//! What memcg-knobs decides, as functions of numbers and text: arithmetic and parsing.
//!
//! Nothing in here knows of the kernel. It is a crate that memcgctl, the host's tests and the
//! workload of the VM's tests use, and the module has it as its module `policy`. So it uses `core`
//! only, and the lints hold it to what the kernel asks for: no `unsafe`, and no operation that
//! could panic.

// The root of the module's crate says so itself.
#![cfg_attr(not(MODULE), no_std)]
#![forbid(unsafe_code)]
#![deny(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable,
    clippy::unwrap_used
)]

pub mod floors;
pub mod levels;
pub mod limits;
pub mod pace;
pub mod payments;
pub mod ratio;
pub mod size;
pub mod switches;
pub mod tries;
pub mod units;
