// SPDX-License-Identifier: GPL-2.0

//! The content of the screen. It can be drawn on a screen of any size.

use super::columns;
use super::columns::Fit;
use super::columns::GAP;
use super::devices;
use super::popup::help;
use super::popup::popup;
use super::row::Row;
use super::row::TRAIL;
use super::screen::Mode;
use super::screen::Top;
use crate::cli::Column;
use memcgfs::derivation::State;
use memcgfs::units::Bytes;
use ratatui::layout::Constraint;
use ratatui::layout::Layout;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::style::Modifier;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::text::Span;
use ratatui::widgets::Paragraph;
use ratatui::Frame;

/// The minimum width of a figure, so that columns do not move as figures change.
const FIGURE: usize = 8;

/// Draws the whole screen.
pub fn draw(frame: &mut Frame<'_>, top: &mut Top) {
    let [head, system, body, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let width = usize::from(frame.area().width);
    let cut = |text: String| columns::cut(&text, width, top.rich);
    frame.render_widget(Line::from(cut(status(top))), head);
    frame.render_widget(self::system(top, width), system);
    let hint = cut(hint(top));
    match top.mode {
        Mode::Devices => devices::draw(frame, &top.devices, body),
        _ => table(frame, top, body),
    }
    frame.render_widget(Line::from(hint).style(Modifier::DIM), foot);
    match &top.mode {
        Mode::Help => popup(frame, " any key closes this ", &help(), 0),
        Mode::Explain { text, first } => {
            popup(
                frame,
                " arrows scroll, any other key closes this ",
                text,
                *first,
            );
        }
        _ => {}
    }
}

/// Returns the first line.
fn status(top: &Top) -> String {
    let mut text = format!(
        "memcgctl top: {} of {} cgroups, ",
        top.view.shown.len(),
        top.source.rows().len()
    );
    text += &match top.source.replayed() {
        Some(place) => place,
        None => format!("every {}", memcgfs::Span(top.interval)),
    };
    if top.paused {
        text += ", paused";
    }
    if top.lacking {
        text += ", module memcg_knobs not loaded";
    }
    let unreadable = top.source.unreadable();
    if unreadable != 0 {
        text += &format!(", {unreadable} unreadable");
    }
    text
}

/// Returns the second line: the whole system, beginning with whether writers wait.
fn system(top: &Top, width: usize) -> Line<'static> {
    let Some(system) = top.source.system() else {
        return Line::default();
    };
    let waiting = waiting(top.source.rows());
    let words = match waiting {
        Some(1) => "1 writer waits; ".to_owned(),
        Some(count) => format!("{count} writers wait; "),
        None => String::new(),
    };
    let state = match system.state {
        State::Free => "no writer slowed by it",
        State::Slowed => "writers slowed",
        State::Stopped => "writers stopped",
    };
    let text = format!(
        "{} dirty, {} writeback of {}: {state}",
        Bytes(system.dirty),
        Bytes(system.writeback),
        Bytes(system.limit)
    );
    let mark = match waiting.unwrap_or(0) {
        0 => Style::new(),
        _ => waits(top.color),
    };
    let (head, words) = (
        "system: ",
        columns::cut(&words, width.saturating_sub(8), top.rich),
    );
    let taken = head.len() + words.chars().count();
    let text = columns::cut(&text, width.saturating_sub(taken), top.rich);
    Line::from(vec![
        Span::raw(head),
        Span::styled(words, mark),
        Span::styled(text, of_state(Some(system.state), top.color)),
    ])
}

/// Returns the number of waiting writers in all cgroups, if the kernel reports it.
fn waiting(rows: &[Row]) -> Option<u64> {
    // A cgroup's figure includes its descendants.
    let mut sum: Option<u64> = None;
    let mut counted: Option<usize> = None;
    for row in rows {
        if counted.is_some_and(|depth| row.depth > depth) {
            continue;
        }
        counted = row.usage.throttled_now.map(|_| row.depth);
        sum = match (sum, row.usage.throttled_now) {
            (Some(sum), Some(now)) => Some(sum.saturating_add(now)),
            (sum, now) => sum.or(now),
        };
    }
    sum
}

/// Returns the last line.
fn hint(top: &Top) -> String {
    match top.mode {
        Mode::Filter { .. } => format!(
            "filter: {}_  (Enter keeps it, Esc discards it)",
            top.view.filter
        ),
        Mode::Devices => "d back to the cgroups  q quit".to_owned(),
        _ if !top.view.filter.is_empty() => format!(
            "filter: {}  (/ changes it)  ? help  q quit",
            top.view.filter
        ),
        _ => "arrows move and sort  Enter explain  t tree  / filter  i idle  d devices  ? help  q quit"
            .to_owned(),
    }
}

fn of_state(state: Option<State>, color: bool) -> Style {
    match state {
        Some(State::Stopped) if color => Style::new().fg(Color::Red),
        Some(State::Slowed) if color => Style::new().fg(Color::Yellow),
        _ => Style::new(),
    }
}

/// Returns the style of waits.
fn waits(color: bool) -> Style {
    match color {
        true => Style::new().fg(Color::Magenta).add_modifier(Modifier::BOLD),
        false => Style::new().add_modifier(Modifier::BOLD),
    }
}

fn table(frame: &mut Frame<'_>, top: &mut Top, area: Rect) {
    let height = usize::from(area.height.saturating_sub(1));
    let window = top.view.window(height);
    let first = window.start;
    let rows = top.source.rows();
    let shown = top.view.shown.get(window).unwrap_or_default();
    let lines: Vec<_> = shown
        .iter()
        .filter_map(|shown| Some((shown.label.as_str(), rows.get(shown.row)?)))
        .collect();
    let width = usize::from(area.width);
    let (fit, trail) = fit(top, &lines, width);
    let mut text = vec![head(top, &fit, trail)];
    for (line, (label, row)) in lines.into_iter().enumerate() {
        let here = first + line == top.view.cursor;
        text.push(self::line((label, row), &fit, trail, top, here));
    }
    frame.render_widget(Paragraph::new(text), area);
}

/// Returns the columns that fit, and whether the trail fits as well.
fn fit(top: &Top, lines: &[(&str, &Row)], width: usize) -> (Fit, bool) {
    let widths: Vec<_> = columns::figures()
        .map(|column| {
            let figures = lines
                .iter()
                .map(|(_, row)| columns::figure(row, column).chars().count());
            let head = columns::head(column).len() + usize::from(column == top.view.sort);
            (column, figures.max().unwrap_or(0).max(head).max(FIGURE))
        })
        .collect();
    let longest = lines.iter().map(|(label, _)| label.chars().count()).max();
    let longest = longest.unwrap_or(0);
    let fit = columns::fit(width, longest, &widths, top.view.sort, top.view.sideways);
    let taken: usize = fit.columns.iter().map(|(_, width)| width + GAP).sum();
    let trail = !fit.more && width >= fit.name + taken + GAP + TRAIL;
    (fit, trail)
}

fn head(top: &Top, fit: &Fit, trail: bool) -> Line<'static> {
    let title = |column: Column| {
        let mut text = columns::head(column).to_owned();
        let mut style = Style::new().add_modifier(Modifier::BOLD);
        if column == top.view.sort {
            // Names ascend unless reversed, numbers descend.
            let up = (column == Column::Cgroup) != top.view.reverse;
            text.push(if up { '^' } else { 'v' });
            style = style.add_modifier(Modifier::UNDERLINED);
        }
        (text, style)
    };
    let (name, style) = title(Column::Cgroup);
    let name: String = name.chars().take(fit.name).collect();
    let fill = " ".repeat(fit.name.saturating_sub(name.len()));
    let mut spans = vec![Span::styled(name, style), Span::raw(fill)];
    for (column, width) in &fit.columns {
        let (text, style) = title(*column);
        spans.push(Span::raw(
            " ".repeat((width + GAP).saturating_sub(text.len())),
        ));
        spans.push(Span::styled(text, style));
    }
    if trail {
        spans.push(Span::styled(
            "  HISTORY",
            Style::new().add_modifier(Modifier::BOLD),
        ));
    }
    Line::from(spans)
}

fn line(
    (label, row): (&str, &Row),
    fit: &Fit,
    trail: bool,
    top: &Top,
    here: bool,
) -> Line<'static> {
    let style = of_state(row.state, top.color);
    let name = columns::shortened(label, fit.name, top.rich);
    let fill = " ".repeat(fit.name.saturating_sub(name.chars().count()));
    let mut spans = vec![Span::styled(name + &fill, style)];
    for (column, width) in &fit.columns {
        let text = columns::figure(row, *column);
        let waited = match column {
            Column::Waiting => row.usage.throttled_now,
            Column::Wait => row.wait,
            Column::Waits => row.waits,
            _ => None,
        };
        let style = match waited.unwrap_or(0) {
            0 => style,
            _ => waits(top.color),
        };
        let fill = " ".repeat((width + GAP).saturating_sub(text.chars().count()));
        spans.push(Span::styled(fill + &text, style));
    }
    if trail {
        spans.push(Span::styled(
            format!("  {}", self::trail(row, top.rich)),
            style,
        ));
    }
    let line = Line::from(spans);
    match here {
        true => line.style(Style::new().add_modifier(Modifier::REVERSED)),
        false => line,
    }
}

/// Draws the dirty pages of the last samples as heights: relative to the limit if they reached half
/// of it, otherwise to their maximum.
pub fn trail(row: &Row, rich: bool) -> String {
    let glyphs: &[&str] = match rich {
        true => &[" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
        false => &[" ", ".", ":", "-", "=", "+", "*", "#", "@"],
    };
    let most = row.trail.iter().copied().max().unwrap_or(0).max(1);
    let limit = row.usage.limit.and_then(memcgfs::Limit::at);
    let scale = limit
        .filter(|limit| most >= limit / 2)
        .unwrap_or(0)
        .max(most);
    let steps = (glyphs.len() - 1) as u128;
    let cells = row.trail.iter().map(|held| {
        let height = (u128::from(*held) * steps).div_ceil(u128::from(scale));
        let height = usize::try_from(height).unwrap_or(0);
        glyphs.get(height).copied().unwrap_or(" ")
    });
    cells.collect()
}
