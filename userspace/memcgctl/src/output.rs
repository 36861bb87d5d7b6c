// SPDX-License-Identifier: GPL-2.0

//! Data on stdout, messages on stderr. Neither panics when its reader has gone.

use anyhow::anyhow;
use memcgfs::in_words;
use serde::Serialize;
use std::env;
use std::fmt;
use std::fs;
use std::fs::File;
use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::path::Path;
use std::process;

/// The format of what `--json` prints. It changes when a reader of the old one would misread the new one.
const JSON_VERSION: u32 = 1;

/// A JSON document: its version, then its content.
#[derive(Serialize)]
struct Document<'a, T> {
    version: u32,
    #[serde(flatten)]
    content: &'a T,
}

/// Print a line of data and tell whether somebody still reads.
pub fn line(line: &str) -> anyhow::Result<bool> {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{line}").and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(anyhow!("cannot write to stdout: {}", in_words(&error))),
    }
}

/// Print a JSON document in one line and tell whether somebody still reads.
pub fn json_line(content: &impl Serialize) -> anyhow::Result<bool> {
    let document = Document {
        version: JSON_VERSION,
        content,
    };
    line(&serde_json::to_string(&document)?)
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

/// Put data into a file in one go: who reads it meanwhile sees the old content or the new one, never a part.
pub fn file(path: &Path, text: &str) -> anyhow::Result<()> {
    replace(path, text).map_err(|error| {
        let path = memcgfs::escaped(path);
        anyhow!("cannot write {path}: {}", in_words(&error))
    })
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        // A pipe or a device is not to be replaced by a file.
        return fs::write(path, text);
    }
    // A collector that takes all files of a directory takes none that starts with a dot.
    let new = path.with_file_name(format!(".memcgctl-{}", process::id()));
    let write = || {
        // Whatever is there was left by one that was killed, or is somebody's trap.
        if let Err(error) = fs::remove_file(&new) {
            if error.kind() != io::ErrorKind::NotFound {
                return Err(error);
            }
        }
        let mut file = File::create_new(&new)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&new, path)
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&new);
    })
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
