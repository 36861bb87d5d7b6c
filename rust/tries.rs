// SPDX-License-Identifier: GPL-2.0

//! How often what could not be done at once is tried again, and when.
//!
//! This file knows nothing of the kernel; see `size.rs`.

/// How often it is tried at most. The last try comes about 25 seconds after the first.
pub const TRIES: u32 = 9;

/// Milliseconds from the reason for the first try to it, so that many reasons make one try.
pub const GATHER_MS: u32 = 100;

/// Milliseconds to wait when `left` of [`TRIES`] tries are left: twice as long each time.
///
/// Never more than half a minute, whatever `left` is.
pub fn delay_ms(left: u32) -> u32 {
    let done = TRIES.saturating_sub(left).min(8);

    GATHER_MS.wrapping_shl(done.saturating_sub(1))
}
