// SPDX-License-Identifier: GPL-2.0

//! The loop of `top`: look, draw, take keys. However it ends, the terminal is as it was before.

use super::draw;
use super::sampler::Sampler;
use super::view::View;
use crate::cli::Column;
use crate::stop::Stop;
use crate::stop::Woken;
use anyhow::Context as _;
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
                // A job that stops itself is what a shell expects of Ctrl-Z.
                let _ = kill(Pid::this(), Signal::SIGSTOP);
                screen = Screen::take()?;
            }
            Next::Quit => return Ok(()),
        }
    }
}

impl Top {
    /// Look at the cgroups and put them in order.
    pub fn look(&mut self) {
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
        match (key.code, control) {
            (KeyCode::Char('c'), true) => return Next::Quit,
            (KeyCode::Char('z'), true) => return Next::Suspend,
            (KeyCode::Char('l'), true) => return Next::Clear,
            _ => {}
        }
        match &self.mode {
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
            Mode::Normal => return self.command(key.code),
        }
        Next::Draw
    }

    fn command(&mut self, code: KeyCode) -> Next {
        let view = &mut self.view;
        match code {
            KeyCode::Char('q') | KeyCode::Esc => return Next::Quit,
            KeyCode::Up | KeyCode::Char('k') => view.step(-1),
            KeyCode::Down | KeyCode::Char('j') => view.step(1),
            KeyCode::PageUp => view.step(-20),
            KeyCode::PageDown => view.step(20),
            KeyCode::Home | KeyCode::Char('g') => view.cursor = 0,
            KeyCode::End | KeyCode::Char('G') => view.step(isize::MAX),
            KeyCode::Left | KeyCode::Char('<') => view.turn(false),
            KeyCode::Right | KeyCode::Char('>') => view.turn(true),
            KeyCode::Char('r') => view.reverse = !view.reverse,
            KeyCode::Char('t') => view.tree = !view.tree,
            KeyCode::Char('/') => {
                self.mode = Mode::Filter {
                    before: view.filter.clone(),
                }
            }
            KeyCode::Char(' ' | 'p') => {
                self.paused = !self.paused;
                return if self.paused { Next::Draw } else { Next::Look };
            }
            KeyCode::Char('+') => self.interval = (self.interval * 2).min(LONGEST),
            KeyCode::Char('-') => self.interval = (self.interval / 2).max(SHORTEST),
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.mode = Mode::Help,
            _ => {}
        }
        Next::Draw
    }
}
