// SPDX-License-Identifier: GPL-2.0

//! Boxes over the table: the help, and an explanation.

use super::keys;
use ratatui::layout::Rect;
use ratatui::widgets::Block;
use ratatui::widgets::Clear;
use ratatui::widgets::Paragraph;
use ratatui::Frame;

/// Returns the help for the keys and the columns.
pub fn help() -> String {
    format!(
        "{}\n\n\
         DIRTY, WRITEBACK  bytes of the cgroup and those below it\n\
         LIMIT, USED       the limit in force, and how much of it is used\n\
         WRITERS           free, slowed or stopped, by its limit and those above\n\
         WAITING           writers that wait now\n\
         WAIT/s, WAITS/s   how long writers wait in a second, and how often\n\
         PACED/s           how long writeback is held back in a second\n\
         INHERITED         bytes charged through removed cgroups\n\
         HISTORY           dirty and writeback at the last looks",
        keys::help()
    )
}

/// Draws a box of text in the middle of the screen.
pub fn popup(frame: &mut Frame<'_>, title: &str, text: &str, first: u16) {
    let area = frame.area();
    let height = u16::try_from(text.lines().count()).unwrap_or(u16::MAX);
    let width = text.lines().map(|line| line.chars().count()).max();
    let width = u16::try_from(width.unwrap_or(0)).unwrap_or(u16::MAX);
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
    let block = Block::bordered().title(title.to_owned());
    let wrap = ratatui::widgets::Wrap { trim: false };
    let text = Paragraph::new(text.to_owned()).block(block).wrap(wrap);
    frame.render_widget(text.scroll((first, 0)), place);
}
