// SPDX-License-Identifier: GPL-2.0

//! Units: pages, bytes and microseconds are distinct types, so that they cannot be confused.

/// A number of pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pages(pub u64);

impl Pages {
    /// Returns the size of the pages, given a page size of `1 << page_shift` bytes.
    pub fn bytes(self, page_shift: u32) -> Bytes {
        Bytes(
            self.0
                .saturating_mul(1u64.checked_shl(page_shift).unwrap_or(0)),
        )
    }

    /// Returns half of the pages, rounded down.
    pub const fn half(self) -> Self {
        Self(self.0 / 2)
    }

    /// Subtracts `other`, saturating at 0.
    pub const fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// A size in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl Bytes {
    /// Returns the number of whole pages.
    pub fn pages(self, page_shift: u32) -> Pages {
        Pages(self.0.checked_shr(page_shift).unwrap_or(0))
    }

    /// Rounds the size down to whole pages.
    pub fn round_down(self, page_shift: u32) -> Self {
        self.pages(page_shift).bytes(page_shift)
    }
}

/// A time in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Micros(pub u32);
