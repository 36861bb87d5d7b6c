// SPDX-License-Identifier: GPL-2.0

//! Data on stdout, messages on stderr. A closed pipe causes no panic.

use crate::stop::Stop;
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
use std::path::PathBuf;
use std::process;

/// The version of the `--json` format. It changes when a reader of the old format would misread the new one.
const JSON_VERSION: u32 = 1;

/// A pipe that is writable accepts this many bytes at once.
const PIPE_BUF: usize = 4096;

/// A JSON document: its version, then its content.
#[derive(Serialize)]
struct Document<'a, T> {
    version: u32,
    #[serde(flatten)]
    content: &'a T,
}

/// Prints a line of data. Returns whether to continue: the reader is still there, and `stop` did
/// not end a wait for room.
pub fn line(line: &str, stop: Option<&Stop>) -> anyhow::Result<bool> {
    let mut stdout = io::stdout().lock();
    for part in format!("{line}\n").as_bytes().chunks(PIPE_BUF) {
        if let Some(stop) = stop {
            if !stop.wait_for_room()? {
                return Ok(false);
            }
        }
        match stdout.write_all(part).and_then(|()| stdout.flush()) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(false),
            Err(error) => return Err(anyhow!("cannot write to stdout: {}", in_words(&error))),
        }
    }
    Ok(true)
}

/// Prints a JSON document as a line of data.
pub fn json_line(content: &impl Serialize, stop: Option<&Stop>) -> anyhow::Result<bool> {
    let document = Document {
        version: JSON_VERSION,
        content,
    };
    line(&visible(serde_json::to_string(&document)?), stop)
}

/// Prints data. A reader that closes the pipe has seen enough; that is not an error.
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

/// Prints data as JSON.
pub fn json(content: &impl Serialize) -> anyhow::Result<()> {
    let document = Document {
        version: JSON_VERSION,
        content,
    };
    let text = visible(serde_json::to_string_pretty(&document)?);
    data(&format!("{text}\n"))
}

/// Escapes control and bidirectional characters, which could affect a terminal: users who create
/// cgroups choose their names.
fn visible(json: String) -> String {
    // JSON syntax is ASCII, and lower control characters are already escaped: hidden characters only occur in strings.
    let hidden = |c: &char| *c > '~' && c.escape_debug().len() > 1;
    if !json.chars().any(|c| hidden(&c)) {
        return json;
    }
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match hidden(&c) {
            true => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = fmt::Write::write_fmt(&mut text, format_args!("\\u{unit:04x}"));
                }
            }
            false => text.push(c),
        }
    }
    text
}

/// Replaces the content of a file atomically: a concurrent reader sees either the old content or
/// the new one, never a part.
pub fn file(path: &Path, text: &str) -> anyhow::Result<()> {
    replace(path, text).map_err(|error| {
        let path = memcgfs::escaped(path);
        anyhow!("cannot write {path}: {}", in_words(&error))
    })
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let Some(path) = replaceable(path) else {
        return fs::write(path, text);
    };
    // Collectors that read all files of a directory skip names that start with a dot.
    let new = path.with_file_name(format!(".memcgctl-{}", process::id()));
    let write = || {
        // An existing file was left by a killed process, or planted.
        if let Err(error) = fs::remove_file(&new) {
            if error.kind() != io::ErrorKind::NotFound {
                return Err(error);
            }
        }
        let mut file = File::create_new(&new)?;
        if let Ok(old) = fs::metadata(&path) {
            file.set_permissions(old.permissions())?;
        }
        file.write_all(text.as_bytes())?;
        fs::rename(&new, &path)
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(&new);
    })
}

/// Returns the regular file that a path resolves to, whether it exists or not; `None` for anything
/// else, which must not be replaced by a file.
fn replaceable(path: &Path) -> Option<PathBuf> {
    let mut path = path.to_owned();
    // Follow as many links as the kernel would.
    for _ in 0..40 {
        let dir = match path.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir.to_owned(),
            _ => PathBuf::from("."),
        };
        // A link there may be /dev/stdout, which resolves to an open file of another process.
        if fs::canonicalize(&dir)
            .is_ok_and(|dir| dir.starts_with("/dev") || dir.starts_with("/proc"))
        {
            return None;
        }
        match fs::read_link(&path) {
            Ok(target) => path = dir.join(target),
            Err(_) => {
                let other = fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file());
                return (!other).then_some(path);
            }
        }
    }
    None
}

/// Prints a message for the user. A failure cannot be reported anywhere.
pub fn note(text: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "memcgctl: {text}");
}

/// Returns the width of stdout, if it is a terminal.
pub fn width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|width| *width != 0)
}

/// Returns whether the terminal can only print lines.
pub fn is_dumb() -> bool {
    env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Returns whether stdout is a terminal that shows UTF-8.
pub fn is_rich() -> bool {
    // The first that is not empty applies, as in setlocale().
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .filter_map(env::var_os)
        .find(|value| !value.is_empty());
    let locale = locale.unwrap_or_default().to_string_lossy().to_lowercase();
    io::stdout().is_terminal()
        && !is_dumb()
        && (locale.contains("utf-8") || locale.contains("utf8"))
}
