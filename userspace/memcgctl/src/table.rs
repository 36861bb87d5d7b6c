// SPDX-License-Identifier: GPL-2.0

//! Columns of text, which may include the branches of trees.

use std::ops::Range;

/// The strings that draw a tree: before a child, before the last child, and below each of them.
pub type Branches = [&'static str; 4];

/// Returns the branches, for a terminal that shows more than ASCII or for any terminal.
pub fn branches(rich: bool) -> Branches {
    match rich {
        true => ["├─", "└─", "│ ", "  "],
        false => ["|-", "`-", "| ", "  "],
    }
}

/// Formats rows as lines: the first and the last column are text, those between are numbers,
/// aligned to the right.
pub fn lines<const N: usize>(rows: &[[String; N]]) -> String {
    columns(rows, 1..N.saturating_sub(1))
}

/// Formats rows as lines, with text in all columns.
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
            // Not with a format width, which panics above 65535.
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
