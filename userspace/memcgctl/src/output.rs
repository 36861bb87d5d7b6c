// SPDX-License-Identifier: GPL-2.0

//! Data on stdout, messages on stderr. Neither panics when its reader has gone.

use anyhow::anyhow;
use memcgfs::in_words;
use serde::Serialize;
use std::env;
use std::fmt;
use std::io;
use std::io::IsTerminal;
use std::io::Write;

/// The format of what `--json` prints. It changes when a reader of the old one would misread the new one.
const JSON_VERSION: u32 = 1;

/// A JSON document: its version, then its content.
#[derive(Serialize)]
struct Document<'a, T> {
    version: u32,
    #[serde(flatten)]
    content: &'a T,
}

/// Print data. When the reader has closed the pipe it has seen enough: that is no error.
pub fn data(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| anyhow!("cannot write to stdout: {}", in_words(&error))),
    }
}

/// Print data as JSON.
pub fn json(content: &impl Serialize) -> anyhow::Result<()> {
    let document = Document {
        version: JSON_VERSION,
        content,
    };
    let text = serde_json::to_string_pretty(&document)?;
    data(&format!("{text}\n"))
}

/// Print a message for people. There is nobody to tell if that fails.
pub fn note(text: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "memcgctl: {text}");
}

/// Whether stdout is a terminal that shows UTF-8.
pub fn is_rich() -> bool {
    // The first that is not empty decides, as in setlocale().
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .filter_map(env::var_os)
        .find(|value| !value.is_empty());
    let locale = locale.unwrap_or_default().to_string_lossy().to_lowercase();
    io::stdout().is_terminal() && (locale.contains("utf-8") || locale.contains("utf8"))
}
