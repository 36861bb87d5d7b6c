// SPDX-License-Identifier: GPL-2.0

//! The decisions of memcg-knobs as functions of numbers and text: arithmetic and parsing.
//!
//! Nothing in here depends on the kernel. This is a crate for memcgctl, the host's tests and the
//! workload of the VM tests; the module includes it as its module `policy`. It therefore uses
//! `core` only, and the lints enforce what the kernel requires: no `unsafe`, and no operation that
//! could panic.

// In the module, the crate root has this attribute already.
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
