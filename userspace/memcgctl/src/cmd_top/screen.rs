// SPDX-License-Identifier: GPL-2.0

//! The main loop of `top`: sample, draw, handle keys. The terminal is always restored.

use super::columns;
use super::draw;
use super::keys;
use super::keys::Action;
use super::source::Source;
use super::view::View;
use crate::cli::Column;
use crate::cmd_explain::Explained;
use crate::stop::Stop;
use crate::stop::Woken;
use anyhow::Context as _;
use memcgfs::devices;
use memcgfs::devices::Device;
use memcgfs::Host;
use nix::sys::signal::kill;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use ratatui::crossterm::event;
use ratatui::crossterm::event::Event;
use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::KeyEventKind;
use ratatui::crossterm::event::KeyModifiers;
use ratatui::crossterm::terminal;
use ratatui::DefaultTerminal;
use std::io;
use std::io::IsTerminal;
use std::os::fd::AsFd;
use std::time::Duration;
use std::time::Instant;

/// The state that persists between two keys.
pub struct Top {
    pub source: Source,
    pub view: View,
    pub interval: Duration,
    pub mode: Mode,
    pub paused: bool,
    pub host: Host,
    /// The devices, if they are shown.
    pub devices: Result<Vec<Device>, String>,
    /// Whether the module is not loaded, so that there are no limits to show.
    pub lacking: bool,
    /// Whether the terminal shows more than ASCII.
    pub rich: bool,
    pub color: bool,
}

/// The meaning of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Commands.
    Normal,
    /// Text of the filter; the previous filter is kept.
    Filter { before: String },
    /// Closing the help.
    Help,
    /// Scrolling or closing an explanation.
    Explain { text: String, first: u16 },
    /// Commands, while devices are shown.
    Devices,
}

/// The next step after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Draw again.
    Draw,
    /// Take a sample, and draw.
    Look,
    /// Redraw the whole screen, including what other programs have written to it.
    Clear,
    /// Stop as a shell job.
    Suspend,
    Quit,
}

/// The bounds of the interval.
const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(60);

/// The longest wait for a key, so that signals are handled soon.
const PATIENCE: Duration = Duration::from_millis(250);

/// kill()'s argument for the caller's own process group.
const OWN_GROUP: Pid = Pid::from_raw(0);

/// The terminal, which is restored on drop. On a panic, a hook restores it before the message is
/// printed.
struct Screen(DefaultTerminal);

impl Screen {
    fn take() -> anyhow::Result<Self> {
        match ratatui::try_init() {
            Ok(terminal) => Ok(Self(terminal)),
            Err(error) => {
                ratatui::restore();
                Err(error).context("cannot use the terminal")
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // If the terminal is gone, there is nothing to restore.
        let _ = ratatui::try_restore();
        let _ = self.0.show_cursor();
    }
}

/// The source of keys.
struct Keys {
    /// Whether several keys may have been read at once, so that more are pending.
    more: bool,
    size: Option<(u16, u16)>,
}

/// The outcome of a wait for keys.
enum Input {
    Key(KeyEvent),
    Resized,
    /// A signal arrived, or the terminal is gone.
    End,
    Nothing,
}

impl Keys {
    fn new() -> Self {
        Self {
            more: false,
            size: terminal::size().ok(),
        }
    }

    /// Waits for at most `time`. The event library spins when it reads from a closed terminal, so
    /// it is only called if there is something to read.
    fn wait(&mut self, stop: &Stop, time: Duration) -> anyhow::Result<Input> {
        let stdin = io::stdin();
        let input = stdin.is_terminal().then(|| stdin.as_fd());
        let now = match self.more {
            true => Duration::ZERO,
            false => time,
        };
        let woken = stop.wait(input, now)?;
        if woken == Woken::Stop {
            return Ok(Input::End);
        }
        if woken == Woken::Time && !self.more {
            let size = terminal::size().ok();
            if size != self.size {
                self.size = size;
                return Ok(Input::Resized);
            }
            // If stdin is not a terminal, keys come from /dev/tty.
            if input.is_some() {
                return Ok(Input::Nothing);
            }
        }
        self.more = event::poll(Duration::ZERO)?;
        if !self.more {
            return Ok(Input::Nothing);
        }
        Ok(match event::read()? {
            Event::Key(key) if key.kind != KeyEventKind::Release => Input::Key(key),
            Event::Resize(..) => Input::Resized,
            _ => Input::Nothing,
        })
    }
}

/// Runs until the user or a signal ends it.
pub fn run(mut top: Top, stop: &Stop) -> anyhow::Result<()> {
    let mut screen = Screen::take()?;
    let mut looked = Instant::now();
    let mut keys = Keys::new();
    top.look();
    loop {
        screen.0.draw(|frame| draw::draw(frame, &mut top))?;
        let next = loop {
            let left = match top.paused {
                true => PATIENCE,
                false => top.interval.saturating_sub(looked.elapsed()),
            };
            if left.is_zero() {
                break Next::Look;
            }
            match keys.wait(stop, left.min(PATIENCE))? {
                Input::End => break Next::Quit,
                Input::Key(key) => break top.key(key),
                Input::Resized => break Next::Draw,
                Input::Nothing => {}
            }
        };
        match next {
            Next::Draw => top.view.arrange(top.source.rows(), top.rich),
            Next::Look => {
                top.look();
                looked = Instant::now();
            }
            Next::Clear => screen.0.clear()?,
            Next::Suspend => {
                drop(screen);
                // Like the terminal, stop the whole job, or nothing if no shell waits for it.
                let _ = kill(OWN_GROUP, Signal::SIGTSTP);
                screen = Screen::take()?;
            }
            Next::Quit => return Ok(()),
        }
    }
}

impl Top {
    /// Takes a sample of the cgroups and sorts them.
    pub fn look(&mut self) {
        self.lacking = self.source.replayed().is_none() && !self.host.module_loaded();
        self.source.look();
        if self.mode == Mode::Devices {
            self.devices = devices::read(&self.host).map_err(|error| error.to_string());
        }
        if self.view.sort == Column::Inherited {
            self.source.read_inherited(0..self.source.rows().len());
        }
        self.view.arrange(self.source.rows(), self.rich);
        // Unless it is the column to sort by, it is only needed for visible rows.
        let seen = self.view.shown.iter().skip(self.view.first).take(200);
        let seen: Vec<_> = seen.map(|shown| shown.row).collect();
        if self.view.sort != Column::Inherited {
            self.source.read_inherited(seen);
        }
    }

    /// Handles a key.
    pub fn key(&mut self, key: KeyEvent) -> Next {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let action = keys::action(key);
        match &self.mode {
            _ if control && action.is_some() => return self.act(action),
            Mode::Help => self.mode = Mode::Normal,
            Mode::Explain { text, first } => match action {
                Some(action @ (Action::Up | Action::Down | Action::PageUp | Action::PageDown)) => {
                    let lines = u16::try_from(text.lines().count()).unwrap_or(u16::MAX);
                    let first = match action {
                        Action::Up => first.saturating_sub(1),
                        Action::PageUp => first.saturating_sub(20),
                        Action::Down => first.saturating_add(1).min(lines),
                        _ => first.saturating_add(20).min(lines),
                    };
                    let text = text.clone();
                    self.mode = Mode::Explain { text, first };
                }
                _ => self.mode = Mode::Normal,
            },
            Mode::Filter { before } => match key.code {
                KeyCode::Enter => self.mode = Mode::Normal,
                KeyCode::Esc => {
                    self.view.filter.clone_from(before);
                    self.mode = Mode::Normal;
                }
                KeyCode::Backspace => {
                    self.view.filter.pop();
                }
                KeyCode::Char('u') if control => self.view.filter.clear(),
                KeyCode::Char(c) if !control => self.view.filter.push(c),
                _ => {}
            },
            Mode::Normal | Mode::Devices => return self.act(action),
        }
        Next::Draw
    }

    /// Explains the limit of the cgroup at the cursor.
    fn explain(&self) -> Mode {
        let shown = self.view.shown.get(self.view.cursor);
        let row = shown.and_then(|shown| self.source.rows().get(shown.row));
        let text = match row {
            _ if self.source.replayed().is_some() => {
                "A recording has no more than the table shows.".to_owned()
            }
            // The rates in the table show the past, so a single sample is enough here.
            Some(row) => Explained::read(&self.host, row.cgroup.clone(), Duration::ZERO)
                .map_or_else(|error| format!("{error:#}"), |explained| explained.text()),
            None => return self.mode.clone(),
        };
        Mode::Explain { text, first: 0 }
    }

    fn act(&mut self, action: Option<Action>) -> Next {
        let Some(action) = action else {
            return Next::Draw;
        };
        let view = &mut self.view;
        match action {
            Action::Up => view.step(-1),
            Action::Down => view.step(1),
            Action::PageUp => view.step(-20),
            Action::PageDown => view.step(20),
            Action::First => view.cursor = 0,
            Action::Last => view.step(isize::MAX),
            Action::ColumnBefore => view.turn(false),
            Action::ColumnAfter => view.turn(true),
            Action::ScrollLeft => view.sideways = view.sideways.saturating_sub(1),
            Action::ScrollRight => {
                let last = columns::figures().count() - 1;
                view.sideways = (view.sideways + 1).min(last);
            }
            Action::HideIdle => view.hide_idle = !view.hide_idle,
            Action::Explain => self.mode = self.explain(),
            Action::Devices => {
                self.mode = match self.mode {
                    Mode::Devices => Mode::Normal,
                    _ => Mode::Devices,
                };
                return Next::Look;
            }
            Action::Earlier => self.source.step(-1),
            Action::Later => self.source.step(1),
            Action::Reverse => view.reverse = !view.reverse,
            Action::Tree => view.tree = !view.tree,
            Action::Filter => {
                self.mode = Mode::Filter {
                    before: view.filter.clone(),
                }
            }
            Action::Pause => {
                self.paused = !self.paused;
                return if self.paused { Next::Draw } else { Next::Look };
            }
            Action::Slower => self.interval = (self.interval * 2).min(LONGEST),
            Action::Faster => self.interval = (self.interval / 2).max(SHORTEST),
            Action::Help => self.mode = Mode::Help,
            Action::Redraw => return Next::Clear,
            Action::Suspend => return Next::Suspend,
            Action::Quit => return Next::Quit,
        }
        Next::Draw
    }
}
