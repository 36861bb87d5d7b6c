// SPDX-License-Identifier: GPL-2.0

//! The page size.

use nix::unistd::sysconf;
use nix::unistd::SysconfVar;

use crate::units::Bytes;
use crate::units::Pages;

/// Returns the page size as a power of two.
pub fn shift() -> u32 {
    let size = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
    size.map_or(12, |size| size.trailing_zeros())
}

/// Returns the size of `pages` in bytes, saturating.
pub fn bytes(pages: u64) -> u64 {
    Pages(pages).bytes(shift()).0
}

/// Returns the number of whole pages in `bytes`.
pub fn pages(bytes: u64) -> u64 {
    Bytes(bytes).pages(shift()).0
}
