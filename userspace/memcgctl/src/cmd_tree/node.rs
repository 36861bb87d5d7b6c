// SPDX-License-Identifier: GPL-2.0

//! A cgroup in the tree, its order among siblings, and its line.

use crate::cli::TreeOrder;
use crate::report::Report;
use crate::table::Branches;
use memcgfs::knobs;
use std::cmp::Reverse;

/// A cgroup and its descendants.
pub struct Node {
    pub label: String,
    pub report: Box<Report>,
    pub children: Vec<Node>,
}

/// The headings of the columns for dirty limits. The first and the last are text, the others are
/// numbers.
pub const LIMITS: [&str; 10] = [
    "CGROUP",
    "DIRTY",
    "WRITEBACK",
    "LIMIT",
    "BACKGROUND",
    "FLOOR",
    "THROTTLED",
    "WAITING",
    "INHERITED",
    "WHY",
];

/// The headings of the columns for charges.
pub const CHARGES: [&str; 7] = [
    "CGROUP",
    "MEMORY",
    "MAX",
    "FILE",
    "SHMEM",
    "INHERITED",
    "PAYMENTS",
];

/// Sorts siblings, which are already sorted by name.
pub fn sort(nodes: &mut [Node], order: TreeOrder) {
    let figure = |node: &Node| match order {
        TreeOrder::Cgroup => None,
        TreeOrder::Dirty => node.report.held(),
        TreeOrder::Throttled => node.report.throttled_usec,
        TreeOrder::Inherited => node.report.inherited,
        TreeOrder::Memory => node.report.memory(),
    };
    nodes.sort_by_key(|node| Reverse(figure(node)));
}

impl Node {
    /// Adds the reports on this cgroup and its descendants.
    pub fn list<'a>(&'a self, into: &mut Vec<&'a Report>) {
        into.push(&self.report);
        self.children.iter().for_each(|child| child.list(into));
    }

    pub fn limits(&self, label: String) -> [String; LIMITS.len()] {
        let report = &self.report;
        [
            label,
            report.dirty(),
            report.writeback(),
            report.limit(),
            report.background_limit(),
            report.setting(&knobs::DIRTY_MIN),
            report.throttled(),
            report.waiting(),
            report.inherited(),
            report.why(),
        ]
    }

    pub fn charges(&self, label: String) -> [String; CHARGES.len()] {
        let [memory, max, file, shmem, payments] = self.report.charges();
        let inherited = self.report.inherited();
        [label, memory, max, file, shmem, inherited, payments]
    }

    /// Adds this node and its descendants, each with its label. `head` is drawn before its own
    /// name, `tail` before its descendants.
    pub fn labelled<'a>(
        &'a self,
        branches: &Branches,
        head: &str,
        tail: &str,
        into: &mut Vec<(String, &'a Node)>,
    ) {
        into.push((format!("{head}{}", self.label), self));
        let [child, last_child, below, below_last] = branches;
        for (index, node) in self.children.iter().enumerate() {
            let (branch, stem) = match index + 1 == self.children.len() {
                true => (last_child, below_last),
                false => (child, below),
            };
            node.labelled(
                branches,
                &format!("{tail}{branch}"),
                &format!("{tail}{stem}"),
                into,
            );
        }
    }
}
