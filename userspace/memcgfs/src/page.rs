// SPDX-License-Identifier: GPL-2.0

//! The page size.

use nix::unistd::sysconf;
use nix::unistd::SysconfVar;

use crate::units::Bytes;
use crate::units::Pages;

/// The page size as a power of two.
pub fn shift() -> u32 {
    let size = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
    size.map_or(12, |size| size.trailing_zeros())
}

/// Bytes of `pages`, saturating.
pub fn bytes(pages: u64) -> u64 {
    Pages(pages).bytes(shift()).0
}

/// Whole pages in `bytes`.
pub fn pages(bytes: u64) -> u64 {
    Bytes(bytes).pages(shift()).0
}
