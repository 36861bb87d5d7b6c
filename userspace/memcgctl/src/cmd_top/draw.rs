// SPDX-License-Identifier: GPL-2.0

//! What is on the screen. Nothing here depends on there being any room.

use super::keys;
use super::sampler::Row;
use super::screen::Mode;
use super::screen::Top;
use crate::cli::Column;
use crate::report::size;
use clap::ValueEnum;
use memcgfs::Limit;
use ratatui::layout::Constraint;
use ratatui::layout::Layout;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::style::Modifier;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::text::Span;
use ratatui::widgets::Block;
use ratatui::widgets::Cell;
use ratatui::widgets::Clear;
use ratatui::widgets::Paragraph;
use ratatui::widgets::Row as TableRow;
use ratatui::widgets::Table;
use ratatui::Frame;

/// The width of a number.
const NUMBER: u16 = 10;

/// Draw all of it.
pub fn draw(frame: &mut Frame<'_>, top: &mut Top) {
    let [head, body, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(Line::from(status(top)), head);
    table(frame, top, body);
    frame.render_widget(Line::from(hint(top)).style(Modifier::DIM), foot);
    if top.mode == Mode::Help {
        help(frame);
    }
}

/// The first line.
fn status(top: &Top) -> String {
    let mut text = format!(
        "memcgctl top: {} of {} cgroups, every {}",
        top.view.shown.len(),
        top.sampler.rows().len(),
        memcgfs::Span(top.interval)
    );
    if top.paused {
        text += ", paused";
    }
    if top.lacking {
        text += ", module memcg_knobs not loaded";
    }
    if top.sampler.unreadable != 0 {
        text += &format!(", {} unreadable", top.sampler.unreadable);
    }
    text
}

/// The last line.
fn hint(top: &Top) -> String {
    match top.mode {
        Mode::Filter { .. } => format!(
            "filter: {}_  (Enter keeps it, Esc takes it back)",
            top.view.filter
        ),
        _ if !top.view.filter.is_empty() => format!(
            "filter: {}  (/ changes it)  ? help  q quit",
            top.view.filter
        ),
        _ => "arrows move and sort  r reverse  t tree  / filter  space pause  ? help  q quit"
            .to_owned(),
    }
}

fn table(frame: &mut Frame<'_>, top: &mut Top, area: Rect) {
    let height = usize::from(area.height.saturating_sub(1));
    let window = top.view.window(height);
    let (first, cursor, color) = (window.start, top.view.cursor, top.color);
    let rows = top.sampler.rows();
    let lines = top.view.shown.get(window).unwrap_or_default();
    let rows = lines.iter().enumerate().filter_map(|(line, shown)| {
        let row = rows.get(shown.row)?;
        let mut cells = vec![Cell::from(shown.label.as_str())];
        cells.extend(figures(row).into_iter().map(right));
        let style = match row.used() {
            Some(1000..) if color => Style::new().fg(Color::Red),
            Some(656..) if color => Style::new().fg(Color::Yellow),
            _ => Style::new(),
        };
        let here = match first + line == cursor {
            true => style.add_modifier(Modifier::REVERSED),
            false => style,
        };
        Some(TableRow::new(cells).style(here))
    });
    let heads = Column::value_variants().iter().map(|column| {
        let mut text = head(*column).to_owned();
        let mut style = Style::new().add_modifier(Modifier::BOLD);
        if *column == top.view.sort {
            // Names go up unless reversed, numbers down.
            let up = (*column == Column::Cgroup) != top.view.reverse;
            text.push(if up { '^' } else { 'v' });
            style = style.add_modifier(Modifier::UNDERLINED);
        }
        match column {
            Column::Cgroup => Cell::from(Span::styled(text, style)),
            _ => Cell::from(Line::from(Span::styled(text, style)).right_aligned()),
        }
    });
    let header = TableRow::new(heads);
    let numbers = Column::value_variants().len().saturating_sub(1);
    let mut widths = vec![Constraint::Min(12)];
    widths.extend(std::iter::repeat_n(Constraint::Length(NUMBER), numbers));
    frame.render_widget(Table::new(rows, widths).header(header), area);
}

fn right<'a>(text: String) -> Cell<'a> {
    Cell::from(Line::from(text).right_aligned())
}

/// The head of a column.
pub fn head(column: Column) -> &'static str {
    match column {
        Column::Cgroup => "CGROUP",
        Column::Dirty => "DIRTY",
        Column::Writeback => "WRITEBACK",
        Column::Limit => "LIMIT",
        Column::Used => "USED",
        Column::Wait => "WAIT/s",
        Column::Waits => "WAITS/s",
        Column::Inherited => "INHERITED",
    }
}

/// The figures of a row, in the order of the columns, without the first.
pub fn figures(row: &Row) -> [String; 7] {
    let text =
        |number: Option<u64>, form: fn(u64) -> String| number.map_or_else(|| "-".to_owned(), form);
    [
        size(row.usage.dirty),
        size(row.usage.writeback),
        match row.usage.limit {
            Some(Limit::Max) => "max".to_owned(),
            limit => size(limit.and_then(Limit::at)),
        },
        text(row.used(), |used| format!("{}%", used / 10)),
        text(row.wait, |usec| format!("{}ms", usec / 1000)),
        text(row.waits, |waits| {
            format!("{}.{}", waits / 1000, waits % 1000 / 100)
        }),
        size(row.inherited),
    ]
}

fn help(frame: &mut Frame<'_>) {
    let area = frame.area();
    let text = format!(
        "{}\n\nDIRTY, WRITEBACK  bytes of the cgroup and those below it\nLIMIT, USED       the limit in force, and how \
         much of it is used\nWAIT/s            how long writers wait, all together, in a second\nWAITS/s           how \
         often\nINHERITED         bytes charged through removed cgroups",
        keys::help()
    );
    let height = u16::try_from(text.lines().count()).unwrap_or(u16::MAX);
    let width = text
        .lines()
        .map(|line| line.chars().count())
        .max()
        .unwrap_or(0);
    let width = u16::try_from(width).unwrap_or(u16::MAX);
    let extent = Rect {
        width: width.saturating_add(4).min(area.width),
        height: height.saturating_add(2).min(area.height),
        ..area
    };
    let place = Rect {
        x: area.x + (area.width - extent.width) / 2,
        y: area.y + (area.height - extent.height) / 2,
        ..extent
    };
    frame.render_widget(Clear, place);
    let block = Block::bordered().title(" any key closes this ");
    frame.render_widget(Paragraph::new(text).block(block), place);
}
