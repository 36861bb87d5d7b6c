// SPDX-License-Identifier: GPL-2.0

//! The columns that fit on a terminal, and their content. Figures are never truncated: if there is
//! not enough room, the least important columns are left out, and names are shortened in the
//! middle.

use super::row::Row;
use crate::cli::Column;
use crate::report::size;
use clap::ValueEnum;
use memcgfs::derivation::State;
use memcgfs::Limit;

/// The columns of figures, most important first.
const BY_WORTH: [Column; 10] = [
    Column::Dirty,
    Column::Used,
    Column::Writers,
    Column::Limit,
    Column::Waiting,
    Column::Wait,
    Column::Writeback,
    Column::Inherited,
    Column::Paced,
    Column::Waits,
];

/// Columns are left out before names become shorter than this or than two fifths of the screen.
const LEAST_NAME: usize = 16;

/// Returns the heading of a column.
pub fn head(column: Column) -> &'static str {
    match column {
        Column::Cgroup => "CGROUP",
        Column::Dirty => "DIRTY",
        Column::Writeback => "WRITEBACK",
        Column::Limit => "LIMIT",
        Column::Used => "USED",
        Column::Writers => "WRITERS",
        Column::Waiting => "WAITING",
        Column::Wait => "WAIT/s",
        Column::Waits => "WAITS/s",
        Column::Paced => "PACED/s",
        Column::Inherited => "INHERITED",
    }
}

/// Returns the columns of figures, in order.
pub fn figures() -> impl Iterator<Item = Column> {
    Column::value_variants()
        .iter()
        .copied()
        .filter(|column| *column != Column::Cgroup)
}

/// Returns the content of a column of figures.
pub fn figure(row: &Row, column: Column) -> String {
    let text =
        |number: Option<u64>, form: fn(u64) -> String| number.map_or_else(|| "-".to_owned(), form);
    let millis = |usec: u64| format!("{}ms", usec / 1000);
    match column {
        Column::Cgroup => String::new(),
        Column::Dirty => size(row.usage.dirty),
        Column::Writeback => size(row.usage.writeback),
        Column::Limit => match row.usage.limit {
            Some(Limit::Max) => "max".to_owned(),
            limit => size(limit.and_then(Limit::at)),
        },
        Column::Used => text(row.used(), |used| format!("{}%", used / 10)),
        Column::Writers => state(row.state).to_owned(),
        Column::Waiting => text(row.usage.throttled_now, |now| now.to_string()),
        Column::Wait => text(row.wait, millis),
        Column::Waits => text(row.waits, |waits| {
            format!("{}.{}", waits / 1000, waits % 1000 / 100)
        }),
        Column::Paced => text(row.paced, millis),
        Column::Inherited => size(row.inherited),
    }
}

/// Returns the state of writers as a word.
pub fn state(state: Option<State>) -> &'static str {
    match state {
        None => "-",
        Some(State::Free) => "free",
        Some(State::Slowed) => "slowed",
        Some(State::Stopped) => "stopped",
    }
}

/// The displayed columns with their widths, and the width of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fit {
    pub columns: Vec<(Column, usize)>,
    pub name: usize,
    /// Whether columns on the right are left out.
    pub more: bool,
}

/// Fits columns of these widths on a screen, leaving out the first `sideways` of them; keeps the
/// column to sort by if possible. `longest` is the length of the longest name.
pub fn fit(
    width: usize,
    longest: usize,
    widths: &[(Column, usize)],
    sort: Column,
    sideways: usize,
) -> Fit {
    let least = longest.min(LEAST_NAME.max(width * 2 / 5));
    let scrolled: Vec<_> = widths.iter().skip(sideways).copied().collect();
    // When scrolled sideways, take columns in their order; otherwise by importance.
    let mut order: Vec<Column> = match sideways {
        0 => BY_WORTH.to_vec(),
        _ => scrolled.iter().map(|(column, _)| *column).collect(),
    };
    if let Some(place) = order.iter().position(|column| *column == sort) {
        let sorted = order.remove(place);
        order.insert(0, sorted);
    }
    let mut room = width.saturating_sub(least);
    let mut chosen = Vec::new();
    for column in order {
        let Some((_, needed)) = scrolled.iter().find(|(known, _)| *known == column) else {
            continue;
        };
        match room.checked_sub(needed + GAP) {
            Some(left) => room = left,
            // A less important column must not take its place.
            None => break,
        }
        chosen.push(column);
    }
    let columns: Vec<_> = scrolled
        .iter()
        .filter(|(column, _)| chosen.contains(column))
        .copied()
        .collect();
    let taken: usize = columns.iter().map(|(_, width)| width + GAP).sum();
    Fit {
        more: columns.len() < scrolled.len(),
        name: width
            .saturating_sub(taken)
            .min(longest.max("CGROUP^".len())),
        columns,
    }
}

/// The gap between two columns.
pub const GAP: usize = 2;

/// Shortens a name to this many characters, with `…` for the omitted middle. Two thirds are left to
/// the end, which is more specific than the start.
pub fn shortened(name: &str, width: usize, rich: bool) -> String {
    let length = name.chars().count();
    if length <= width {
        return name.to_owned();
    }
    let mark = if rich { "…" } else { "~" };
    let Some(kept) = width.checked_sub(1) else {
        return String::new();
    };
    let head = kept / 3;
    let start: String = name.chars().take(head).collect();
    let end: String = name.chars().skip(length - (kept - head)).collect();
    format!("{start}{mark}{end}")
}

/// Returns as many whole words of a line as fit; a final `…` marks omitted ones.
pub fn cut(line: &str, width: usize, rich: bool) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let mark = if rich { "…" } else { "~" };
    let mut kept = String::new();
    for word in line.split_inclusive(' ') {
        if kept.chars().count() + word.trim_end().chars().count() + 1 > width {
            break;
        }
        kept += word;
    }
    match width {
        0 => String::new(),
        _ => kept.trim_end().to_owned() + mark,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let name = "/kubepods.slice/kubepods-burstable.slice/pod1";
        assert_eq!(shortened(name, 45, true), name);
        assert_eq!(shortened(name, 16, true), "/kube…slice/pod1");
        assert_eq!(shortened(name, 16, false), "/kube~slice/pod1");
        assert_eq!(shortened("größe", 3, true), "…ße");
        for width in 0..60 {
            assert!(shortened(name, width, true).chars().count() <= width);
        }
    }

    #[test]
    fn lines() {
        let line = "system: 62MiB of 781.0MiB";
        assert_eq!(cut(line, 25, true), line);
        assert_eq!(cut(line, 24, true), "system: 62MiB of…");
        assert_eq!(cut(line, 16, false), "system: 62MiB~");
        assert_eq!(cut(line, 3, true), "…");
        for width in 0..30 {
            assert!(cut(line, width, true).chars().count() <= width);
        }
    }

    #[test]
    fn what_fits() {
        let widths: Vec<_> = figures().map(|column| (column, 9)).collect();
        let columns = |width, sort, sideways| {
            let fit = fit(width, 40, &widths, sort, sideways);
            let taken: usize = fit.columns.iter().map(|(_, width)| width + GAP).sum();
            assert!(taken + fit.name <= width.max(fit.name), "{fit:?}");
            let heads: Vec<_> = fit
                .columns
                .iter()
                .map(|(column, _)| head(*column))
                .collect();
            (fit.name, heads.join(" "), fit.more)
        };
        let all = "DIRTY WRITEBACK LIMIT USED WRITERS WAITING WAIT/s WAITS/s PACED/s INHERITED";
        assert_eq!(columns(200, Column::Dirty, 0), (40, all.to_owned(), false));
        assert_eq!(
            columns(46, Column::Dirty, 0),
            (24, "DIRTY USED".to_owned(), true)
        );
        assert_eq!(
            columns(46, Column::Waits, 0),
            (24, "DIRTY WAITS/s".to_owned(), true)
        );
        assert_eq!(
            columns(46, Column::Dirty, 8),
            (24, "PACED/s INHERITED".to_owned(), false)
        );
        assert_eq!(columns(20, Column::Dirty, 0), (20, String::new(), true));
        assert_eq!(columns(0, Column::Dirty, 0), (0, String::new(), true));
    }

    #[test]
    fn each_column_has_a_worth() {
        for column in figures() {
            assert!(BY_WORTH.contains(&column), "{column:?}");
        }
    }
}
