// SPDX-License-Identifier: GPL-2.0

//! Cgroup names as text that is safe for terminals and stays on one line.

use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

/// Returns the name with control characters, other invisible characters and invalid UTF-8 escaped.
///
/// Backslashes are not escaped: systemd puts `\x2d` into names, and the output should be valid
/// input.
pub fn escaped(name: impl AsRef<OsStr>) -> String {
    let mut text = String::new();
    for chunk in name.as_ref().as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' | '\'' | '"' => text.push(c),
                _ => text.extend(c.escape_debug()),
            }
        }
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let table: &[(&[u8], &str)] = &[
            (b"plain.service", "plain.service"),
            (b"with space", "with space"),
            (b"dash\\x2ddash.slice", "dash\\x2ddash.slice"),
            (b"it's \"so\"", "it's \"so\""),
            (b"two\nlines", "two\\nlines"),
            (b"\x1b[31mred", "\\u{1b}[31mred"),
            (b"raw\xff\xfe", "raw\\xff\\xfe"),
            ("\u{202e}evil".as_bytes(), "\\u{202e}evil"),
            ("größe".as_bytes(), "größe"),
            (b"", ""),
        ];
        for (name, text) in table {
            assert_eq!(escaped(OsStr::from_bytes(name)), *text);
        }
    }
}
