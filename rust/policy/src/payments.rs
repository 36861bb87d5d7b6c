// SPDX-License-Identifier: GPL-2.0

//! What a cgroup pays for in place of its descendants, as text.

use core::fmt;

use super::size::ParseError;

/// The memory charged to a cgroup instead of to its descendants. The default is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Payments {
    /// Page cache of disk file systems.
    pub file: bool,
    /// Shared memory: tmpfs, memfd, shared anonymous memory.
    pub shmem: bool,
}

impl Payments {
    /// Parses a list of the words `file` and `shmem` in any order, separated and surrounded by
    /// white space. The list may be empty.
    pub fn parse(input: &[u8]) -> Result<Self, ParseError> {
        let mut payments = Self::default();

        for word in input
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty())
        {
            match word {
                b"file" => payments.file = true,
                b"shmem" => payments.shmem = true,
                _ => return Err(ParseError::Junk),
            }
        }
        Ok(payments)
    }

    /// Returns the words, in a fixed order.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        [(self.file, "file"), (self.shmem, "shmem")]
            .into_iter()
            .filter_map(|(there, word)| there.then_some(word))
    }
}

impl fmt::Display for Payments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, word) in self.words().enumerate() {
            f.write_str(if i == 0 { "" } else { " " })?;
            f.write_str(word)?;
        }
        Ok(())
    }
}
