// SPDX-License-Identifier: GPL-2.0

//! The command on a made-up machine: exit code, stdout and stderr of every case.

#![allow(
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

mod apply;
mod check;
mod explain;
mod flush;
mod generate;
mod machine;
mod many;
mod metrics;
mod mounts;
mod openmetrics;
mod pipes;
mod read_only;
mod recharge;
mod reference;
mod set;
mod show;
mod suggest;
mod top;
mod trace;
mod tree;
mod usage;
mod watch;

use machine::Machine;
use machine::Run;
