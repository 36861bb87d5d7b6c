// SPDX-License-Identifier: GPL-2.0

//! The arguments of each command.

mod changing;
mod collecting;
mod live;
mod looking;

pub use changing::*;
pub use collecting::*;
pub use live::*;
pub use looking::*;

use clap::Args;
use clap::ValueHint;
use std::ffi::OsString;

/// Where a listing of cgroups starts.
#[derive(Args, Debug)]
pub struct Top {
    /// The cgroup at the top [default: the root].
    #[arg(conflicts_with = "own", value_hint = ValueHint::DirPath)]
    pub cgroup: Option<OsString>,
    /// Start at the caller's own cgroup.
    #[arg(long = "self")]
    pub own: bool,
}

/// Which cgroups a listing shows.
#[derive(Args, Debug)]
pub struct Filter {
    /// Show only cgroups whose path contains TEXT, and in a tree those above them.
    #[arg(
        long = "filter",
        short = 'f',
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub text: String,
}
