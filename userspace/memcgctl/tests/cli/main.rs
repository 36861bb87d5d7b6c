// SPDX-License-Identifier: GPL-2.0

//! The command on a made-up machine: exit code, stdout and stderr of every case.

#![allow(
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

mod check;
mod flush;
mod machine;
mod pipes;
mod set;
mod show;
mod tree;
mod usage;

use machine::Machine;
use machine::Run;
