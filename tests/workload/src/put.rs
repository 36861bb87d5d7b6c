// SPDX-License-Identifier: GPL-2.0

//! `put`: makes one `write(2)` to a file with exactly the given bytes, and prints the name of the
//! errno.
//!
//! A shell can neither ensure that a value is written in one piece nor distinguish errnos. Whatever
//! the kernel reports is a result, not a failure. SIGUSR1 interrupts the call without killing the
//! process.

use crate::error::Context;
use crate::error::Result;
use nix::sys::signal::SaFlags;
use nix::sys::signal::SigAction;
use nix::sys::signal::SigHandler;
use nix::sys::signal::SigSet;
use nix::sys::signal::Signal;
use nix::sys::signal::sigaction;
use std::fs::OpenOptions;
use std::path::PathBuf;
use std::time::Instant;

#[derive(clap::Args)]
pub struct Args {
    /// The file, which must exist.
    #[arg(long)]
    file: PathBuf,
    /// The value to write; `\n`, `\t`, `\0` and `\\` stand for newline, tab, NUL and backslash.
    #[arg(long, allow_hyphen_values = true)]
    value: String,
    /// Repeat the value this many times in the same call.
    #[arg(long, default_value_t = 1)]
    repeat: usize,
}

fn unescape(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next() {
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'0') => 0,
                Some(b'\\') => b'\\',
                _ => return Err(format!("{text}: unknown escape")),
            },
            other => other,
        });
    }
    Ok(bytes)
}

extern "C" fn ignore(_: libc::c_int) {}

pub fn run(args: &Args) -> Result<()> {
    let value = unescape(&args.value)?.repeat(args.repeat);
    let file = OpenOptions::new()
        .write(true)
        .open(&args.file)
        .context(args.file.display())?;
    let action = SigAction::new(
        SigHandler::Handler(ignore),
        SaFlags::empty(),
        SigSet::empty(),
    );
    // SAFETY: The handler does nothing, so it is safe in any context.
    unsafe { sigaction(Signal::SIGUSR1, &action) }.context("handle SIGUSR1")?;

    let start = Instant::now();
    let result = match nix::unistd::write(&file, &value) {
        Ok(written) if written == value.len() => "ok".to_owned(),
        Ok(written) => format!("short:{written}"),
        Err(errno) => format!("{errno:?}"),
    };
    let elapsed = start.elapsed();
    println!(
        "result={result} ms={} ns={}",
        elapsed.as_millis(),
        elapsed.as_nanos(),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn escapes() {
        assert_eq!(unescape(r"8M\0\n\t\\").as_deref(), Ok(&b"8M\0\n\t\\"[..]));
        assert!(unescape(r"8M\x").is_err());
        assert!(unescape("8M\\").is_err());
    }
}
