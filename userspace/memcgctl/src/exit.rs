// SPDX-License-Identifier: GPL-2.0

//! Exit codes, and how an error ends the program.

use crate::output;
use std::process::ExitCode;

/// How the program ends. Scripts rely on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All was done.
    Done = 0,
    /// It failed; the message names file, value and errno.
    Failed = 1,
    /// The command line was wrong.
    Usage = 2,
    /// The kernel lacks the feature.
    Unsupported = 3,
    /// Some was done, some was not.
    Partly = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Print the error. Returns its exit code.
pub fn report(error: &anyhow::Error) -> Exit {
    if let Some(usage) = error.downcast_ref::<clap::Error>() {
        // Help and version come this way too. A closed pipe is no reason to complain.
        let _ = usage.print();
        return match usage.exit_code() {
            0 => Exit::Done,
            _ => Exit::Usage,
        };
    }
    output::note(format_args!("{error:#}"));
    match error.downcast_ref::<memcgfs::Error>() {
        Some(error) if error.is_unsupported() => Exit::Unsupported,
        _ => Exit::Failed,
    }
}
