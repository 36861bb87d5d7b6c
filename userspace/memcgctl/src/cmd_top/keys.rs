// SPDX-License-Identifier: GPL-2.0

//! The keys of `top` and their actions, in one table that the help is generated from as well.

use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::KeyModifiers;
use std::fmt::Write;

/// The action of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    ScrollLeft,
    ScrollRight,
    Explain,
    Devices,
    HideIdle,
    Earlier,
    Later,
    ColumnBefore,
    ColumnAfter,
    Reverse,
    Tree,
    Filter,
    Pause,
    Slower,
    Faster,
    Help,
    Redraw,
    Suspend,
    Quit,
}

/// A key, with or without Ctrl.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    code: KeyCode,
    control: bool,
}

const fn key(code: KeyCode) -> Key {
    Key {
        code,
        control: false,
    }
}

const fn char(c: char) -> Key {
    key(KeyCode::Char(c))
}

const fn control(c: char) -> Key {
    Key {
        code: KeyCode::Char(c),
        control: true,
    }
}

/// The lines of the help: the keys and their purpose.
const KEYS: [(&[(Key, Action)], &str); 18] = [
    (
        &[
            (key(KeyCode::Up), Action::Up),
            (key(KeyCode::Down), Action::Down),
            (char('k'), Action::Up),
            (char('j'), Action::Down),
        ],
        "move by a line",
    ),
    (
        &[
            (key(KeyCode::PageUp), Action::PageUp),
            (key(KeyCode::PageDown), Action::PageDown),
        ],
        "move by a page",
    ),
    (
        &[
            (key(KeyCode::Home), Action::First),
            (key(KeyCode::End), Action::Last),
            (char('g'), Action::First),
            (char('G'), Action::Last),
        ],
        "move to the first line or the last",
    ),
    (
        &[
            (key(KeyCode::Left), Action::ColumnBefore),
            (key(KeyCode::Right), Action::ColumnAfter),
            (char('<'), Action::ColumnBefore),
            (char('>'), Action::ColumnAfter),
        ],
        "sort by another column",
    ),
    (
        &[
            (char('['), Action::ScrollLeft),
            (char(']'), Action::ScrollRight),
        ],
        "scroll the columns sideways",
    ),
    (
        &[
            (key(KeyCode::Enter), Action::Explain),
            (char('e'), Action::Explain),
        ],
        "explain the limit of the cgroup at the cursor",
    ),
    (
        &[(char('d'), Action::Devices)],
        "show devices, or cgroups again",
    ),
    (
        &[(char('i'), Action::HideIdle)],
        "hide or show idle cgroups",
    ),
    (
        &[(char(','), Action::Earlier), (char('.'), Action::Later)],
        "previous or next sample of a recording",
    ),
    (&[(char('r'), Action::Reverse)], "reverse the order"),
    (&[(char('t'), Action::Tree)], "tree or flat"),
    (
        &[(char('/'), Action::Filter)],
        "filter by part of the path (Enter keeps, Esc discards it)",
    ),
    (
        &[(char(' '), Action::Pause), (char('p'), Action::Pause)],
        "pause",
    ),
    (
        &[(char('+'), Action::Slower), (char('-'), Action::Faster)],
        "lengthen or shorten the interval",
    ),
    (
        &[
            (char('?'), Action::Help),
            (char('h'), Action::Help),
            (key(KeyCode::F(1)), Action::Help),
        ],
        "help",
    ),
    (&[(control('l'), Action::Redraw)], "redraw the screen"),
    (&[(control('z'), Action::Suspend)], "suspend"),
    (
        &[
            (char('q'), Action::Quit),
            (key(KeyCode::Esc), Action::Quit),
            (control('c'), Action::Quit),
        ],
        "quit",
    ),
];

/// Returns the action of a key; keys with Ctrl work in every mode.
pub fn action(event: KeyEvent) -> Option<Action> {
    let pressed = Key {
        code: event.code,
        control: event.modifiers.contains(KeyModifiers::CONTROL),
    };
    let mut keys = KEYS.iter().flat_map(|(keys, _)| *keys);
    keys.find(|(key, _)| *key == pressed)
        .map(|(_, action)| *action)
}

/// Returns the help: a line for each entry of the table.
pub fn help() -> String {
    let names = KEYS.map(|(keys, _)| {
        let names: Vec<_> = keys.iter().map(|(key, _)| key.name()).collect();
        names.join(" ")
    });
    let width = names.iter().map(String::len).max().unwrap_or(0);
    let mut text = String::from("Keys:");
    for (names, (_, what)) in names.iter().zip(KEYS) {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n  {names:width$}  {what}");
    }
    text
}

impl Key {
    fn name(&self) -> String {
        match (self.code, self.control) {
            (KeyCode::Char(c), true) => format!("Ctrl-{}", c.to_ascii_uppercase()),
            (KeyCode::Char(' '), _) => "Space".to_owned(),
            (KeyCode::Char(c), _) => c.to_string(),
            (KeyCode::F(number), _) => format!("F{number}"),
            (KeyCode::PageUp, _) => "PgUp".to_owned(),
            (KeyCode::PageDown, _) => "PgDn".to_owned(),
            (code, _) => format!("{code:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_once_and_in_the_help() {
        let help = help();
        let all: Vec<Key> = KEYS
            .iter()
            .flat_map(|(keys, _)| *keys)
            .map(|(key, _)| *key)
            .collect();
        for (index, key) in all.iter().enumerate() {
            assert!(!all[..index].contains(key), "{key:?}");
            let mut words = help.split_whitespace();
            assert!(words.any(|word| word == key.name()), "{key:?} {help}");
        }
        assert!(help.lines().all(|line| line.len() < 77), "{help}");
        assert!(
            help.contains("\n  Up Down k j     move by a line\n"),
            "{help}"
        );
    }
}
