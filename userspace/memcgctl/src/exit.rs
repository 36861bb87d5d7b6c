// SPDX-License-Identifier: GPL-2.0

//! Exit codes, and the reporting of errors.

use crate::output;
use std::process::ExitCode;

/// The exit code of the program. Scripts rely on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything was done.
    Done = 0,
    /// The command failed; the message includes the file, the value and the errno.
    Failed = 1,
    /// The command line was wrong.
    Usage = 2,
    /// The kernel lacks the feature.
    Unsupported = 3,
    /// Some of it was done, some was not.
    Partly = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Prints the error and returns its exit code.
pub fn report(error: &anyhow::Error) -> Exit {
    if let Some(usage) = error.downcast_ref::<clap::Error>() {
        // Help and version are reported this way, too. A closed pipe is not an error.
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
