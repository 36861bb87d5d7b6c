// SPDX-License-Identifier: GPL-2.0

//! The displayed rows, their order, and the position of the cursor.

use super::row::Row;
use crate::cli::Column;
use crate::cli::TopArgs;
use crate::table;
use crate::table::Branches;
use clap::ValueEnum;
use memcgfs::escaped;
use memcgfs::Limit;
use std::cmp::Ordering;
use std::path::PathBuf;

/// The user's choices.
#[derive(Clone, Debug)]
pub struct View {
    pub sort: Column,
    pub reverse: bool,
    pub tree: bool,
    pub filter: String,
    /// Whether idle cgroups are left out.
    pub hide_idle: bool,
    /// The number of columns that are scrolled out on the left.
    pub sideways: usize,
    /// The displayed cgroups, as indices of the rows, with the tree's lines before each name.
    pub shown: Vec<Shown>,
    /// The line of the cursor, an index of `shown`.
    pub cursor: usize,
    /// The first line on the screen.
    pub first: usize,
}

/// A displayed line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub row: usize,
    pub label: String,
    /// The name of the cgroup, by which it is found again among other rows.
    name: PathBuf,
}

impl Shown {
    fn new(rows: &[Row], row: usize, label: String) -> Self {
        let name = rows.get(row).map(|row| row.cgroup.name().to_owned());
        Self {
            row,
            label,
            name: name.unwrap_or_default(),
        }
    }
}

impl View {
    pub fn new(args: &TopArgs) -> Self {
        Self {
            sort: args.sort,
            reverse: args.reverse,
            tree: args.tree,
            filter: args.filter.text.clone(),
            hide_idle: args.hide_idle,
            sideways: 0,
            shown: Vec::new(),
            cursor: 0,
            first: 0,
        }
    }

    /// Arranges the rows again, and keeps the cursor on the same cgroup if that still exists.
    pub fn arrange(&mut self, rows: &[Row], rich: bool) {
        let at = self.shown.get(self.cursor).map(|shown| shown.name.clone());
        self.shown = match self.tree {
            true => self.as_tree(rows, rich),
            false => self.flat(rows),
        };
        let same = |name: &PathBuf| self.shown.iter().position(|shown| shown.name == *name);
        // A cursor on the first line stays there, whichever cgroup is now on top.
        if self.cursor != 0 {
            self.cursor = at.as_ref().and_then(same).unwrap_or(self.cursor);
        }
        self.cursor = self.cursor.min(self.shown.len().saturating_sub(1));
    }

    /// Sorts by the next or the previous column.
    pub fn turn(&mut self, forward: bool) {
        let columns = Column::value_variants();
        let at = columns
            .iter()
            .position(|column| *column == self.sort)
            .unwrap_or(0);
        let next = match forward {
            true => at + 1,
            false => at + columns.len() - 1,
        };
        self.sort = columns
            .get(next % columns.len())
            .copied()
            .unwrap_or(self.sort);
    }

    /// Moves the cursor by this many lines.
    pub fn step(&mut self, lines: isize) {
        let last = self.shown.len().saturating_sub(1);
        self.cursor = self.cursor.saturating_add_signed(lines).min(last);
    }

    /// Returns the lines for a screen of this height, scrolled to include the cursor.
    pub fn window(&mut self, height: usize) -> std::ops::Range<usize> {
        let end = self.shown.len();
        self.first = self
            .first
            .min(self.cursor)
            .max((self.cursor + 1).saturating_sub(height))
            .min(end.saturating_sub(height.min(end)));
        self.first..end.min(self.first + height)
    }

    fn flat(&self, rows: &[Row]) -> Vec<Shown> {
        let mut order: Vec<_> = (0..rows.len())
            .filter(|row| self.matches(rows, *row))
            .collect();
        order.sort_by(|a, b| self.compare(rows, *a, *b));
        order
            .into_iter()
            .map(|row| {
                let label = rows.get(row).map(|row| escaped(row.cgroup.path()));
                Shown::new(rows, row, label.unwrap_or_default())
            })
            .collect()
    }

    fn as_tree(&self, rows: &[Row], rich: bool) -> Vec<Shown> {
        let branches = table::branches(rich);
        // In tree order, a row's parent is the last row before it with a smaller depth.
        let mut children = vec![Vec::new(); rows.len()];
        let mut above: Vec<usize> = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            above.truncate(row.depth);
            if let Some(children) = above.last().and_then(|parent| children.get_mut(*parent)) {
                children.push(index);
            }
            // If an ancestor vanished, there is a gap in the depths.
            above.resize(row.depth, index);
            above.push(index);
        }
        // With a filter, the ancestors of matches stay as well.
        let mut keep: Vec<_> = (0..rows.len()).map(|row| self.matches(rows, row)).collect();
        for index in (0..rows.len()).rev() {
            let below = children.get(index).is_some_and(|children| {
                children.iter().any(|child| keep.get(*child) == Some(&true))
            });
            if let Some(keep) = keep.get_mut(index) {
                *keep |= below;
            }
        }
        let mut shown = Vec::new();
        if let (Some(row), Some(true)) = (rows.first(), keep.first()) {
            let label = escaped(row.cgroup.path());
            shown.push(Shown::new(rows, 0, label));
            self.branch(rows, &children, &keep, &branches, &mut shown);
        }
        shown
    }

    /// Returns the lines below the first row. Not recursive, because a tree may be deep.
    fn branch(
        &self,
        rows: &[Row],
        children: &[Vec<usize>],
        keep: &[bool],
        branches: &Branches,
        shown: &mut Vec<Shown>,
    ) {
        let [child, last_child, below, below_last] = branches;
        let sorted = |parent: usize| {
            let mut list: Vec<usize> = children.get(parent).cloned().unwrap_or_default();
            list.retain(|row| keep.get(*row) == Some(&true));
            list.sort_by(|a, b| self.compare(rows, *a, *b));
            list.reverse();
            list
        };
        // For each level, the remaining rows in reverse order, and the tree's lines before them.
        let mut stack = vec![(sorted(0), String::new())];
        while let Some((left, stem)) = stack.last_mut() {
            let Some(row) = left.pop() else {
                stack.pop();
                continue;
            };
            let (branch, tail) = match left.is_empty() {
                true => (last_child, below_last),
                false => (child, below),
            };
            let name = rows
                .get(row)
                .and_then(|row| row.cgroup.name().file_name())
                .map(escaped);
            let label = format!("{stem}{branch}{}", name.unwrap_or_default());
            let stem = format!("{stem}{tail}");
            shown.push(Shown::new(rows, row, label));
            stack.push((sorted(row), stem));
        }
    }

    fn matches(&self, rows: &[Row], row: usize) -> bool {
        if self.hide_idle && rows.get(row).is_some_and(Row::is_idle) {
            return false;
        }
        if self.filter.is_empty() {
            return true;
        }
        let path = rows.get(row).map(|row| escaped(row.cgroup.path()));
        path.is_some_and(|path| path.to_lowercase().contains(&self.filter.to_lowercase()))
    }

    /// Orders numbers descending and names ascending, or both reversed; absent values come last.
    fn compare(&self, rows: &[Row], a: usize, b: usize) -> Ordering {
        let (Some(one), Some(other)) = (rows.get(a), rows.get(b)) else {
            return a.cmp(&b);
        };
        let turned = |order: Ordering| match self.reverse {
            true => order.reverse(),
            false => order,
        };
        let by = |of: fn(&Row) -> Option<u64>| match (of(one), of(other)) {
            (Some(one), Some(other)) => turned(other.cmp(&one)),
            (one, other) => other.is_some().cmp(&one.is_some()),
        };
        let order = match self.sort {
            Column::Cgroup => turned(one.cgroup.name().cmp(other.cgroup.name())),
            Column::Dirty => by(|row| row.usage.dirty),
            Column::Writeback => by(|row| row.usage.writeback),
            Column::Limit => by(|row| row.usage.limit.and_then(Limit::at)),
            Column::Used => by(Row::used),
            Column::Writers => by(|row| row.state.map(|state| state as u64)),
            Column::Waiting => by(|row| row.usage.throttled_now),
            Column::Paced => by(|row| row.paced),
            Column::Wait => by(|row| row.wait),
            Column::Waits => by(|row| row.waits),
            Column::Inherited => by(|row| row.inherited),
        };
        // Keep equal rows in the same order from sample to sample.
        order.then_with(|| a.cmp(&b))
    }
}
