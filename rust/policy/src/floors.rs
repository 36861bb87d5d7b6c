// SPDX-License-Identifier: GPL-2.0

//! How floors, `memory.dirty_min`, are granted from the top down.
//!
//! What can be granted at the top is half of the system-wide limit; the other half always remains
//! for those without a floor. Each cgroup passes its own grant on to its children: if they ask for
//! no more than that, each gets what it asked for, else each gets the same fraction. So no subtree
//! ever takes more than its root was granted, whatever a delegated cgroup writes into its files.

use super::units::Pages;

/// What the cgroups directly below the root have to share, of the system-wide limit.
pub const fn top_grant(system_limit: Pages) -> Pages {
    system_limit.half()
}

/// Computes what is granted to a cgroup that asks for a floor of `own_min`.
///
/// `siblings_sum` is what it and its siblings ask for together, and `parent_grant` what their
/// parent was granted ([`top_grant`] below the root). The grants of siblings add up to at most
/// `parent_grant`, and none exceeds what was asked for.
pub fn grant(own_min: Pages, siblings_sum: Pages, parent_grant: Pages) -> Pages {
    // A sum read while a sibling changes may miss even the own floor.
    let sum = siblings_sum.max(own_min);

    if sum <= parent_grant {
        own_min
    } else {
        Pages(mul_div(parent_grant.0, own_min.0, sum.0))
    }
}

/// Whether siblings get another grant than before, after one of them, which asked for `old`, asks
/// for `new`, and all of them together for `sum`.
pub fn are_shared(sum: Pages, old: Pages, new: Pages, parent_grant: Pages) -> bool {
    let before = Pages(sum.less(new).0.saturating_add(old.0));

    parent_grant != Pages(0) && sum.max(before) > parent_grant
}

/// What a cgroup on the way from the top asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Itself.
    pub own: Pages,
    /// It and its siblings together.
    pub siblings: Pages,
}

/// Computes what is granted to the last of `asks`, which begin with the cgroup directly below
/// the root; each grant depends on that of the cgroup above.
pub fn granted(system_limit: Pages, asks: impl Iterator<Item = Ask>) -> Pages {
    asks.fold(top_grant(system_limit), |above, ask| {
        grant(ask.own, ask.siblings, above)
    })
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
