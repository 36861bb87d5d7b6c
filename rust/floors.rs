// SPDX-License-Identifier: GPL-2.0

//! How floors, `memory.dirty_min`, are granted from the top down.
//!
//! What can be granted at the top is half of the system-wide limit; the other half always remains
//! for those without a floor. Each cgroup passes its own grant on to its children: if they ask for
//! no more than that, each gets what it asked for, else each gets the same fraction. So no subtree
//! ever takes more than its root was granted, whatever a delegated cgroup writes into its files.

/// The pages that the cgroups directly below the root have to share, of a system-wide limit in
/// pages.
pub const fn top_grant(system_limit: u64) -> u64 {
    system_limit / 2
}

/// Computes the pages granted to a cgroup that asks for a floor of `own_min` pages.
///
/// `siblings_sum` is what it and its siblings ask for together, in pages, and `parent_grant` what
/// their parent was granted ([`top_grant`] below the root). The grants of siblings add up to at
/// most `parent_grant`, and none exceeds what was asked for.
pub fn grant(own_min: u64, siblings_sum: u64, parent_grant: u64) -> u64 {
    // A sum read while a sibling changes may miss even the own floor.
    let sum = siblings_sum.max(own_min);

    if sum <= parent_grant {
        own_min
    } else {
        mul_div(parent_grant, own_min, sum)
    }
}

/// `a * b / c`, rounded down, for `b <= c`; exact even where the product does not fit `u64`.
///
/// With `b <= c` the result is at most `a`. The kernel links no 128-bit division.
fn mul_div(a: u64, b: u64, c: u64) -> u64 {
    if let Some(product) = a.checked_mul(b) {
        return product.checked_div(c).unwrap_or(0);
    }

    // Multiplication and division by hand, over the bits of `a` from the highest on. In each step
    // quotient * c + rest = b * (the bits of `a` so far), with rest < c.
    let (mut quotient, mut rest) = (0u64, 0u64);
    for bit in (0..u64::BITS).rev() {
        let (carry, doubled) = add_modulo(rest, rest, c);
        quotient = quotient.wrapping_shl(1).wrapping_add(carry);
        rest = doubled;

        if a.wrapping_shr(bit) & 1 == 1 {
            let (carry, sum) = add_modulo(rest, b, c);
            quotient = quotient.wrapping_add(carry);
            rest = sum;
        }
    }
    quotient
}

/// How often `modulus` goes into `x + y` and what is left, for `x < modulus` and `y <= modulus`.
fn add_modulo(x: u64, y: u64, modulus: u64) -> (u64, u64) {
    let room = modulus.saturating_sub(y);

    if x >= room {
        (1, x.wrapping_sub(room))
    } else {
        (0, x.wrapping_add(y))
    }
}
