// SPDX-License-Identifier: GPL-2.0

//! Errors as a single line for the user: what was attempted, and why it failed.

use std::fmt::Display;

pub type Result<T, E = String> = std::result::Result<T, E>;

/// Adds a description of what was attempted to an error.
pub trait Context<T> {
    fn context(self, what: impl Display) -> Result<T>;
}

impl<T, E: Display> Context<T> for Result<T, E> {
    fn context(self, what: impl Display) -> Result<T> {
        self.map_err(|error| format!("{what}: {error}"))
    }
}

/// Parses a size argument in the syntax of the module's files, without `max`.
pub fn bytes(text: &str) -> Result<u64> {
    match policy::size::parse_bytes(text.as_bytes()) {
        Ok(Some(bytes)) => Ok(bytes.0),
        Ok(None) => Err("a size is needed here, not \"max\"".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
