// SPDX-License-Identifier: GPL-2.0

//! Granting of floors (`memory.dirty_min`) from the top of the hierarchy down.
//!
//! Half of the system-wide limit can be granted at the top; the other half always remains for
//! cgroups without a floor. Each cgroup passes its own grant on to its children: if they request no
//! more than that in total, each gets what it requested, else each gets the same fraction of it. So
//! no subtree is ever granted more than its root, whatever a delegated cgroup writes into its
//! files.

use super::units::Pages;

/// Returns the part of the system-wide limit that the cgroups directly below the root share.
pub const fn top_grant(system_limit: Pages) -> Pages {
    system_limit.half()
}

/// Computes the grant of a cgroup that requests a floor of `own_min`.
///
/// `siblings_sum` is the sum of the floors that it and its siblings request, and `parent_grant` is
/// the grant of their parent ([`top_grant`] directly below the root). The grants of siblings add up
/// to at most `parent_grant`, and none exceeds its request.
pub fn grant(own_min: Pages, siblings_sum: Pages, parent_grant: Pages) -> Pages {
    // A sum read while a sibling changes may be less than even this cgroup's own request.
    let sum = siblings_sum.max(own_min);

    if sum <= parent_grant {
        own_min
    } else {
        Pages(mul_div(parent_grant.0, own_min.0, sum.0))
    }
}

/// Returns whether the grants of siblings change when one of them changes its request from `old` to
/// `new`, given the new sum `sum` of all requests.
pub fn are_shared(sum: Pages, old: Pages, new: Pages, parent_grant: Pages) -> bool {
    let before = Pages(sum.less(new).0.saturating_add(old.0));

    parent_grant != Pages(0) && sum.max(before) > parent_grant
}

/// The requests at one level of the path from the root down to a cgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The request of the cgroup itself.
    pub own: Pages,
    /// The sum of the requests of it and its siblings.
    pub siblings: Pages,
}

/// Computes the grant of the last of `asks`, which start with the cgroup directly below the root.
/// Each grant depends on that of the cgroup above.
pub fn granted(system_limit: Pages, asks: impl Iterator<Item = Ask>) -> Pages {
    asks.fold(top_grant(system_limit), |above, ask| {
        grant(ask.own, ask.siblings, above)
    })
}

/// Computes `a * b / c`, rounded down, for `b <= c`; exact even if the product overflows `u64`.
///
/// With `b <= c` the result is at most `a`. The kernel links no 128-bit division.
fn mul_div(a: u64, b: u64, c: u64) -> u64 {
    if let Some(product) = a.checked_mul(b) {
        return product.checked_div(c).unwrap_or(0);
    }

    // Multiply and divide by hand, over the bits of `a` from the most significant on. After each
    // step, quotient * c + rest = b * (the bits of `a` so far), with rest < c.
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

/// Divides `x + y` by `modulus`, for `x < modulus` and `y <= modulus`; returns quotient and
/// remainder.
fn add_modulo(x: u64, y: u64, modulus: u64) -> (u64, u64) {
    let room = modulus.saturating_sub(y);

    if x >= room {
        (1, x.wrapping_sub(room))
    } else {
        (0, x.wrapping_add(y))
    }
}
