// SPDX-License-Identifier: GPL-2.0

//! The page size.

use nix::unistd::sysconf;
use nix::unistd::SysconfVar;

/// The page size as a power of two.
pub fn shift() -> u32 {
    let size = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
    size.map_or(12, |size| size.trailing_zeros())
}

/// Bytes of `pages`; what does not fit is as much as fits.
pub fn bytes(pages: u64) -> u64 {
    pages.saturating_mul(1u64.checked_shl(shift()).unwrap_or(1))
}

/// Whole pages in `bytes`.
pub fn pages(bytes: u64) -> u64 {
    bytes.checked_shr(shift()).unwrap_or(0)
}
