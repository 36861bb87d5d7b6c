// SPDX-License-Identifier: GPL-2.0

//! What a cgroup pays for in place of its descendants, as text.
//!
//! This file knows nothing of the kernel; see `size.rs`.

use core::fmt;

use crate::size::ParseError;

/// What is charged to a cgroup instead of to its descendants. The default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Payments {
    /// Page cache of disk file systems.
    pub file: bool,
    /// Shared memory: tmpfs, memfd, shared anonymous memory.
    pub shmem: bool,
}

impl Payments {
    /// Parses words out of `file` and `shmem` in any order, with white space between and around
    /// them. No word at all is nothing.
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
}

impl fmt::Display for Payments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.file, self.shmem) {
            (false, false) => "",
            (true, false) => "file",
            (false, true) => "shmem",
            (true, true) => "file shmem",
        })
    }
}
