// SPDX-License-Identifier: GPL-2.0

//! Columns of text, and the lines of trees in them.

use std::ops::Range;

/// What the branches of a tree are drawn with: a child, the last child, and below each of them.
pub type Branches = [&'static str; 4];

/// The branches, for a terminal that shows more than ASCII or for any.
pub fn branches(rich: bool) -> Branches {
    match rich {
        true => ["├─", "└─", "│ ", "  "],
        false => ["|-", "`-", "| ", "  "],
    }
}

/// The rows as lines: the first and the last column are text, those between are numbers, aligned to the right.
pub fn lines<const N: usize>(rows: &[[String; N]]) -> String {
    columns(rows, 1..N.saturating_sub(1))
}

/// The rows as lines, all columns being text.
pub fn texts<const N: usize>(rows: &[[String; N]]) -> String {
    columns(rows, 0..0)
}

fn columns<const N: usize>(rows: &[[String; N]], numbers: Range<usize>) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        for (index, (cell, width)) in row.iter().zip(widths).enumerate() {
            // Not by a format's width, which panics at more than 65535.
            let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
            let gap = if index == 0 { "" } else { "  " };
            match numbers.contains(&index) {
                true => text.extend([gap, &padding, cell]),
                false => text.extend([gap, cell, &padding]),
            }
        }
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }
    text
}
