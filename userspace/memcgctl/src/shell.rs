// SPDX-License-Identifier: GPL-2.0

//! Quoting of words for the shell.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Quotes the word if necessary, so that the command in which it is printed can be pasted.
pub fn quoted(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-=:@%+,".contains(byte);
    if !word.is_empty() && word.as_bytes().iter().all(plain) {
        return word.to_string_lossy().into_owned();
    }
    match word
        .to_str()
        .filter(|word| !word.chars().any(char::is_control))
    {
        Some(word) => format!("'{}'", word.replace('\'', r"'\''")),
        None => {
            let bytes = word.as_bytes().iter().map(|byte| match byte {
                b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
                b' '..=b'~' => char::from(*byte).to_string(),
                byte => format!("\\x{byte:02x}"),
            });
            format!("$'{}'", bytes.collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn as_bash_reads_it() {
        for word in [
            &b"/a.slice/b@1.service"[..],
            b"",
            b"a b",
            b"it's",
            b"$x",
            b"\\x2d",
            b"a\nb\xff'\\",
        ] {
            let quoted = quoted(OsStr::from_bytes(word));
            let script = format!("printf %s {quoted}");
            let output = Command::new("bash").args(["-c", &script]).output().unwrap();
            assert_eq!(output.stdout, word, "{quoted}");
        }
    }
}
