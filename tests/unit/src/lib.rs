// SPDX-License-Identifier: GPL-2.0

//! The module's files that need no kernel, compiled for the host. The tests are in `tests/`.
//!
//! The attributes hold those files to what the kernel asks of them: `core` only, no `unsafe`, and
//! under clippy no operation that could panic.

#![no_std]
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

#[path = "../../../rust/floors.rs"]
pub mod floors;
#[path = "../../../rust/levels.rs"]
pub mod levels;
#[path = "../../../rust/limits.rs"]
pub mod limits;
#[path = "../../../rust/payments.rs"]
pub mod payments;
#[path = "../../../rust/ratio.rs"]
pub mod ratio;
#[path = "../../../rust/share.rs"]
pub mod share;
#[path = "../../../rust/size.rs"]
pub mod size;
#[path = "../../../rust/switches.rs"]
pub mod switches;
#[path = "../../../rust/tries.rs"]
pub mod tries;
