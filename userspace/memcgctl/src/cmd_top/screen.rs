// SPDX-License-Identifier: GPL-2.0

//! The loop of `top`: look, draw, take keys. However it ends, the terminal is as it was before.

use super::draw;
use super::keys;
use super::keys::Action;
use super::sampler::Sampler;
use super::view::View;
use crate::cli::Column;
use crate::stop::Stop;
use crate::stop::Woken;
use anyhow::Context as _;
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
use ratatui::DefaultTerminal;
use std::time::Duration;
use std::time::Instant;

/// All that there is between two keys.
pub struct Top {
    pub sampler: Sampler,
    pub view: View,
    pub interval: Duration,
    pub mode: Mode,
    pub paused: bool,
    pub host: Host,
    /// Whether the module is not loaded, so that there are no limits to show.
    pub lacking: bool,
    /// Whether the terminal shows more than ASCII.
    pub rich: bool,
    pub color: bool,
}

/// What keys mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Commands.
    Normal,
    /// Text of the filter; what it was before is kept.
    Filter { before: String },
    /// Nothing but the end of the help.
    Help,
}

/// What to do after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Draw again.
    Draw,
    /// Look again, and draw.
    Look,
    /// Draw all of it again, over whatever else stands there.
    Clear,
    /// Stop as a job of the shell.
    Suspend,
    Quit,
}

/// Bounds of the interval.
const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(60);

/// No wait for a key is longer, so that a signal is heeded soon.
const PATIENCE: Duration = Duration::from_millis(250);

/// What kill() takes for the process group of who calls it.
const OWN_GROUP: Pid = Pid::from_raw(0);

/// The terminal, taken over until this goes. A panic gives it back before its message, by a hook.
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
        // Where the terminal has gone there is nothing to restore.
        let _ = ratatui::try_restore();
        let _ = self.0.show_cursor();
    }
}

/// Run until the user, or a signal, ends it.
pub fn run(mut top: Top, stop: &Stop) -> anyhow::Result<()> {
    let mut screen = Screen::take()?;
    let mut looked = Instant::now();
    top.look();
    loop {
        screen.0.draw(|frame| draw::draw(frame, &mut top))?;
        let next = loop {
            if stop.wait(None, Duration::ZERO)? == Woken::Stop {
                break Next::Quit;
            }
            let left = match top.paused {
                true => PATIENCE,
                false => top.interval.saturating_sub(looked.elapsed()),
            };
            if left.is_zero() {
                break Next::Look;
            }
            if event::poll(left.min(PATIENCE))? {
                match event::read()? {
                    Event::Key(key) if key.kind != KeyEventKind::Release => break top.key(key),
                    Event::Resize(..) => break Next::Draw,
                    _ => {}
                }
            }
        };
        match next {
            Next::Draw => top.view.arrange(top.sampler.rows(), top.rich),
            Next::Look => {
                top.look();
                looked = Instant::now();
            }
            Next::Clear => screen.0.clear()?,
            Next::Suspend => {
                drop(screen);
                // As the terminal would do it: to the whole job, and to nobody where no shell waits for it.
                let _ = kill(OWN_GROUP, Signal::SIGTSTP);
                screen = Screen::take()?;
            }
            Next::Quit => return Ok(()),
        }
    }
}

impl Top {
    /// Look at the cgroups and put them in order.
    pub fn look(&mut self) {
        self.lacking = !self.host.module_loaded();
        self.sampler.look();
        if self.view.sort == Column::Inherited {
            self.sampler.read_inherited(0..self.sampler.rows().len());
        }
        self.view.arrange(self.sampler.rows(), self.rich);
        // Of what is not sorted by it, only what is seen needs to be read.
        let seen = self.view.shown.iter().skip(self.view.first).take(200);
        let seen: Vec<_> = seen.map(|shown| shown.row).collect();
        if self.view.sort != Column::Inherited {
            self.sampler.read_inherited(seen);
        }
    }

    /// What a key does.
    pub fn key(&mut self, key: KeyEvent) -> Next {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let action = keys::action(key);
        match &self.mode {
            _ if control && action.is_some() => return self.act(action),
            Mode::Help => self.mode = Mode::Normal,
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
            Mode::Normal => return self.act(action),
        }
        Next::Draw
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
