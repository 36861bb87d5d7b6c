// SPDX-License-Identifier: GPL-2.0

//! The arguments of commands whose output is for programs.

use super::Top;
use crate::openmetrics::Format;
use clap::Args;
use clap::ValueHint;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub struct MetricsArgs {
    #[command(flatten)]
    pub start: Top,
    /// Leave out cgroups that are more than N levels below the top.
    #[arg(long, value_name = "N")]
    pub depth: Option<usize>,
    /// Print only cgroups whose path matches PATTERN: * ? [a-z], and ** for any number of levels; may be repeated.
    #[arg(long = "cgroup", value_name = "PATTERN")]
    pub patterns: Vec<String>,
    /// Print only the N cgroups with the most dirty pages and inherited memory, and those whose writers wait.
    #[arg(long, value_name = "N")]
    pub top: Option<usize>,
    /// Write to FILE, replacing it as a whole, instead of stdout.
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// The format [default: prometheus for a FILE that ends in .prom, otherwise openmetrics].
    #[arg(long, value_enum)]
    pub(in crate::cli) format: Option<Format>,
}

impl MetricsArgs {
    /// Returns the format to use.
    pub fn format(&self) -> Format {
        // A textfile collector reads files with this suffix, and supports only that format.
        let collected = self
            .output
            .as_ref()
            .is_some_and(|file| file.extension() == Some(OsStr::new("prom")));
        self.format.unwrap_or(match collected {
            true => Format::Prometheus,
            false => Format::Openmetrics,
        })
    }
}

#[derive(Args, Debug)]
pub struct GenerateArgs {
    /// A directory like /usr/share.
    pub directory: PathBuf,
}

#[derive(Args, Debug)]
pub struct CompleteArgs {
    /// The words of the command line up to the cursor, without the program's name.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<OsString>,
}
