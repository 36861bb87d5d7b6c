// SPDX-License-Identifier: GPL-2.0

//! The screen on a made-up cgroup directory: what keys do, and that no terminal is too small.

#![allow(
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use super::draw::draw;
use super::sampler::Sampler;
use super::screen::Mode;
use super::screen::Next;
use super::screen::Top;
use super::view::View;
use crate::cli::Cli;
use crate::cli::Column;
use crate::cli::Command;
use clap::Parser;
use memcgfs::Hierarchy;
use memcgfs::Host;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::KeyModifiers;
use ratatui::Terminal;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn put(dir: &Path, cgroup: &str, dirty: u64, limit: &str) {
    let dir = dir.join("cgroup").join(cgroup);
    fs::create_dir_all(&dir).unwrap();
    let stat = format!(
        "dirty {dirty}\nwriteback 0\nlimit {limit}\nbackground_limit max\nthrottled_usec 0\nthrottled_count 0\n"
    );
    fs::write(dir.join("memory.dirty_stat"), stat).unwrap();
}

fn machine() -> (TempDir, Top) {
    let dir = TempDir::new().unwrap();
    put(dir.path(), "", 4096, "max");
    put(dir.path(), "a", 4096, "8192");
    put(dir.path(), "a/one", 8192, "8192");
    put(dir.path(), "a/two", 12288, "65536");
    put(dir.path(), "b", 20480, "max");
    fs::create_dir_all(dir.path().join("sys/module/memcg_knobs")).unwrap();
    fs::write(
        dir.path().join("cgroup/b/memory.recharge_stat"),
        "inherited 4096\n",
    )
    .unwrap();
    let cli = Cli::try_parse_from(["memcgctl", "top"]).unwrap();
    let Command::Top(args) = cli.command else {
        panic!("not top");
    };
    let mut top = Top {
        sampler: Sampler::new(Hierarchy::at(dir.path().join("cgroup")).root()),
        view: View::new(&args),
        interval: args.interval.0,
        mode: Mode::Normal,
        paused: false,
        host: Host::at(dir.path().join("proc"), dir.path().join("sys")),
        lacking: false,
        rich: false,
        color: true,
    };
    top.look();
    (dir, top)
}

fn screen(top: &mut Top, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, top)).unwrap();
    let buffer = terminal.backend().buffer();
    let line = |y| {
        (0..width)
            .map(|x| buffer[(x, y)].symbol())
            .collect::<String>()
    };
    (0..height).map(|y| line(y).trim_end().to_owned()).collect()
}

fn press(top: &mut Top, keys: &str) -> Next {
    let mut next = Next::Draw;
    for c in keys.chars() {
        let code = match c {
            '\n' => KeyCode::Enter,
            '\x1b' => KeyCode::Esc,
            '\x08' => KeyCode::Backspace,
            c => KeyCode::Char(c),
        };
        next = top.key(KeyEvent::new(code, KeyModifiers::NONE));
    }
    top.view.arrange(top.sampler.rows(), top.rich);
    next
}

fn labels(top: &Top) -> Vec<&str> {
    top.view
        .shown
        .iter()
        .map(|shown| shown.label.as_str())
        .collect()
}

#[test]
fn whole() {
    let (_dir, mut top) = machine();
    assert_eq!(
        screen(&mut top, 100, 8),
        [
            "memcgctl top: 5 of 5 cgroups, every 2.000s",
            "CGROUP                      DIRTYv  WRITEBACK      LIMIT       USED     WAIT/s    WAITS/s  INHERITED",
            "/b                           20KiB         0B        max          -          -          -       4KiB",
            "/a/two                       12KiB         0B      64KiB        18%          -          -          -",
            "/a/one                        8KiB         0B       8KiB       100%          -          -          -",
            "/                             4KiB         0B        max          -          -          -          -",
            "/a                            4KiB         0B       8KiB        50%          -          -          -",
            "arrows move and sort  r reverse  t tree  / filter  space pause  ? help  q quit",
        ]
    );
}

#[test]
fn order() {
    let (_dir, mut top) = machine();
    press(&mut top, "r");
    assert_eq!(labels(&top), ["/", "/a", "/a/one", "/a/two", "/b"]);
    press(&mut top, "r<");
    assert_eq!(labels(&top), ["/", "/a", "/a/one", "/a/two", "/b"]);
    press(&mut top, "r");
    assert_eq!(labels(&top), ["/b", "/a/two", "/a/one", "/a", "/"]);
    // All the way round.
    press(&mut top, "r>>>>>>>>>");
    assert_eq!(labels(&top), ["/b", "/a/two", "/a/one", "/", "/a"]);
    press(&mut top, "t");
    assert_eq!(labels(&top), ["/", "|-b", "`-a", "  |-two", "  `-one"]);
}

#[test]
fn filter() {
    let (_dir, mut top) = machine();
    press(&mut top, "/TWq\x08");
    assert_eq!(labels(&top), ["/a/two"]);
    assert!(screen(&mut top, 80, 5)[4].starts_with("filter: TW_"));
    press(&mut top, "\n");
    assert_eq!(top.mode, Mode::Normal);
    // In a tree those above stay.
    press(&mut top, "t");
    assert_eq!(labels(&top), ["/", "`-a", "  `-two"]);
    press(&mut top, "/x\x1b");
    assert_eq!(top.view.filter, "TW");
    press(&mut top, "/nothing\n");
    assert_eq!(labels(&top), [""; 0]);
    screen(&mut top, 80, 5);
    press(&mut top, "jkgG");
}

#[test]
fn the_cursor_stays_with_its_cgroup() {
    let (dir, mut top) = machine();
    press(&mut top, "jj");
    assert_eq!(labels(&top)[top.view.cursor], "/a/one");
    put(dir.path(), "a/one", 999_424, "max");
    top.look();
    assert_eq!(
        (labels(&top)[top.view.cursor], top.view.cursor),
        ("/a/one", 0)
    );
    press(&mut top, "G");
    assert_eq!(top.view.cursor, 4);
    fs::remove_dir_all(dir.path().join("cgroup/a")).unwrap();
    top.look();
    assert_eq!(labels(&top), ["/b", "/"]);
    assert_eq!(top.view.cursor, 1);
    // What is new is seen at the next look after something went.
    put(dir.path(), "c", 0, "max");
    top.look();
    assert_eq!(labels(&top), ["/b", "/", "/c"]);
}

#[test]
fn other_keys() {
    let (_dir, mut top) = machine();
    assert_eq!(press(&mut top, " "), Next::Draw);
    assert!(screen(&mut top, 80, 5)[0].ends_with(", paused"));
    assert_eq!(press(&mut top, " "), Next::Look);
    press(&mut top, "++-");
    assert_eq!(top.interval.as_secs(), 4);
    press(&mut top, "?");
    assert!(screen(&mut top, 80, 40)
        .iter()
        .any(|line| line.contains("tree or flat")));
    // Any key closes the help, and does nothing else.
    assert_eq!(press(&mut top, "q"), Next::Draw);
    assert_eq!(press(&mut top, "q"), Next::Quit);
    for (c, next) in [('c', Next::Quit), ('z', Next::Suspend), ('l', Next::Clear)] {
        let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
        assert_eq!(top.key(key), next);
    }
}

#[test]
fn the_module_comes_and_goes() {
    let (_dir, mut top) = machine();
    let said = ", module memcg_knobs not loaded";
    assert!(!screen(&mut top, 80, 5)[0].contains(said));
    let other = TempDir::new().unwrap();
    top.host = Host::at(other.path(), other.path());
    top.look();
    assert!(screen(&mut top, 80, 5)[0].ends_with(said));
    fs::create_dir_all(other.path().join("module/memcg_knobs")).unwrap();
    top.look();
    assert!(!screen(&mut top, 80, 5)[0].contains(said));
}

#[test]
fn what_is_absent_is_last() {
    let (_dir, mut top) = machine();
    top.view.sort = Column::Used;
    press(&mut top, "");
    assert_eq!(labels(&top), ["/a/one", "/a", "/a/two", "/", "/b"]);
    press(&mut top, "r");
    assert_eq!(labels(&top), ["/a/two", "/a", "/a/one", "/", "/b"]);
}

#[test]
fn no_terminal_is_too_small() {
    let (_dir, mut top) = machine();
    for keys in ["", "t", "G", "?"] {
        press(&mut top, keys);
        for width in [0, 1, 2, 7, 20, 300] {
            for height in [0, 1, 2, 3, 4, 100] {
                screen(&mut top, width, height);
            }
        }
    }
}

#[test]
fn scrolling() {
    let dir = TempDir::new().unwrap();
    for index in 0..100 {
        put(dir.path(), &format!("c{index:02}"), 100 - index, "max");
    }
    let (_other, mut top) = machine();
    top.sampler = Sampler::new(Hierarchy::at(dir.path().join("cgroup")).root());
    top.look();
    let first = |top: &mut Top| screen(top, 80, 10)[2].split(' ').next().unwrap().to_owned();
    assert_eq!(first(&mut top), "/c00");
    top.view.step(20);
    assert_eq!(first(&mut top), "/c14");
    top.view.step(-3);
    assert_eq!(first(&mut top), "/c14");
    top.view.step(isize::MAX);
    assert_eq!(top.view.cursor, 100);
    assert_eq!(first(&mut top), "/c94");
    // A screen that grows is filled.
    assert_eq!(screen(&mut top, 80, 104)[2].split(' ').next(), Some("/c00"));
    top.view.step(isize::MIN);
    assert_eq!(first(&mut top), "/c00");
}
