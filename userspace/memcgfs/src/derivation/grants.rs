// SPDX-License-Identifier: GPL-2.0

//! The floors that the cgroups of a listing are granted.

use super::raw;
use super::Derivation;
use crate::cgroup::Cgroup;
use crate::error::Result;
use crate::floors;
use crate::host::Host;
use crate::page;
use crate::system::System;
use crate::units::Pages;
use crate::value::Value;

/// Returns the floor that `memory.dirty_min` requests, in pages.
pub fn asked(min: Value) -> u64 {
    raw::with_min(Default::default(), min)
        .min_pages(page::shift())
        .0
}

/// Returns the grant of each row, in bytes. `rows` are the cgroups in tree order, each with its
/// depth below the top and the floor that it requests, in pages. `of_top` is the grant of the top.
pub fn grants(of_top: u64, rows: &[(usize, u64)]) -> Vec<u64> {
    // The sum of the requests of each row's children.
    let mut sums = vec![0u64; rows.len()];
    let mut parents = Vec::with_capacity(rows.len());
    let mut above: Vec<usize> = Vec::new();
    for (index, (depth, asked)) in rows.iter().enumerate() {
        above.truncate(*depth);
        let parent = above.last().copied();
        if let Some(sum) = parent.and_then(|parent| sums.get_mut(parent)) {
            *sum = sum.saturating_add(*asked);
        }
        parents.push(parent);
        // If an ancestor vanished, there is a gap in the depths.
        above.resize(*depth, index);
        above.push(index);
    }
    let mut grants: Vec<u64> = Vec::with_capacity(rows.len());
    for ((_, asked), parent) in rows.iter().zip(parents) {
        let grant = match parent {
            None => of_top,
            Some(parent) => {
                let of = |list: &[u64]| Pages(list.get(parent).copied().unwrap_or(0));
                floors::grant(Pages(*asked), of(&sums), of(&grants)).0
            }
        };
        grants.push(grant);
    }
    grants.into_iter().map(page::bytes).collect()
}

/// Returns the grant of the top of a listing, in pages.
pub fn of_top(host: &Host, system: Option<&System>, top: &Cgroup) -> Result<u64> {
    if top.is_root() {
        return Ok(system.map_or(0, |system| {
            floors::top_grant(Pages(system.derive().limit)).0
        }));
    }
    let derivation = Derivation::derive(host, top)?;
    let floor = derivation.and_then(|derivation| derivation.levels.first()?.floor);
    Ok(floor.map_or(0, |floor| page::pages(floor.granted)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handed_down() {
        // The root, two children that request more than there is, and a child of the first.
        let rows = [(0, 0), (1, 300), (2, 50), (1, 100), (2, 7)];
        let granted = grants(200, &rows);
        let pages: Vec<_> = granted.into_iter().map(page::pages).collect();
        assert_eq!(pages, [200, 150, 50, 50, 7]);
        assert_eq!(grants(1, &[]), [0; 0]);
    }
}
