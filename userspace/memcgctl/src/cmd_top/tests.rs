// SPDX-License-Identifier: GPL-2.0

//! Tests of the screen on a mock cgroup directory: the effect of each key, and terminals of any
//! size.

#![allow(
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

use super::draw::draw;
use super::sampler::Sampler;
use super::screen::Mode;
use super::screen::Next;
use super::screen::Top;
use super::source::Source;
use super::view::View;
use crate::cli::Cli;
use crate::cli::Column;
use crate::cli::Command;
use crate::cmd_record::frame::Recorder;
use crate::cmd_record::player::Player;
use clap::Parser;
use memcgfs::derivation::State;
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

fn live(dir: &TempDir) -> Source {
    let host = Host::at(dir.path().join("proc"), dir.path().join("sys"));
    let top = Hierarchy::at(dir.path().join("cgroup")).root();
    Source::Live(Sampler::new(host, top))
}

fn machine() -> (TempDir, Top) {
    let dir = TempDir::new().unwrap();
    put(dir.path(), "", 4096, "max");
    put(dir.path(), "a", 4096, "4096");
    put(dir.path(), "a/one", 8192, "8192");
    put(dir.path(), "a/two", 12288, "65536");
    let stat = dir.path().join("cgroup/a/two/memory.dirty_stat");
    let more = fs::read_to_string(&stat).unwrap() + "throttled_now 3\n";
    fs::write(&stat, more).unwrap();
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
        source: live(&dir),
        view: View::new(&args),
        interval: args.interval.0,
        mode: Mode::Normal,
        paused: false,
        host: Host::at(dir.path().join("proc"), dir.path().join("sys")),
        devices: Ok(Vec::new()),
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
    top.view.arrange(top.source.rows(), top.rich);
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
    let (dir, mut top) = machine();
    assert_eq!(
        screen(&mut top, 100, 9),
        [
            "memcgctl top: 5 of 5 cgroups, every 2.000s",
            "",
            "CGROUP     DIRTYv  WRITEBACK     LIMIT      USED   WRITERS   WAITING    WAIT/s   PACED/s  INHERITED",
            "/b          20KiB         0B       max         -         -         -         -         -       4KiB",
            "/a/two      12KiB         0B     64KiB       18%   stopped         3         -         -          -",
            "/a/one       8KiB         0B      8KiB      100%   stopped         -         -         -          -",
            "/            4KiB         0B       max         -         -         -         -         -          -",
            "/a           4KiB         0B      4KiB      100%   stopped         -         -         -          -",
            "arrows move and sort  Enter explain  t tree  / filter  i idle  d devices  ? help  q quit",
        ]
    );
    // The second line shows the system, once the kernel reports its figures.
    put_system(&dir, 100);
    top.look();
    assert_eq!(
        screen(&mut top, 100, 9)[1],
        "system: 3 writers wait; 400KiB dirty, 0B writeback of 799.8MiB: no writer slowed by it"
    );
    put_system(&dir, 250_000);
    top.look();
    assert_eq!(
        screen(&mut top, 100, 9)[1],
        "system: 3 writers wait; 976.5MiB dirty, 0B writeback of 799.8MiB: writers stopped"
    );
}

/// Writes the system's figures, with this many dirty pages.
fn put_system(dir: &TempDir, dirty: u64) {
    let proc = dir.path().join("proc");
    fs::create_dir_all(proc.join("sys/vm")).unwrap();
    fs::write(proc.join("sys/vm/dirty_ratio"), "20\n").unwrap();
    let stat = format!("nr_free_pages 1023999\nnr_dirty {dirty}\n");
    fs::write(proc.join("vmstat"), stat).unwrap();
}

#[test]
fn nothing_is_cut() {
    let dir = TempDir::new().unwrap();
    let pod = "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0b61.slice";
    put(dir.path(), &format!("{pod}/one"), 200 << 20, "268435456");
    put(dir.path(), &format!("{pod}/two"), 100 << 20, "268435456");
    let (_other, mut top) = machine();
    top.source = live(&dir);
    top.rich = true;
    top.look();
    let rows = |top: &mut Top, width| screen(top, width, 12)[2..5].to_vec();
    assert_eq!(
        rows(&mut top, 46),
        [
            "CGROUP                        DIRTYv      USED",
            "/kubepod…pod0b61.slice/one    200MiB       78%",
            "/kubepod…pod0b61.slice/two    100MiB       39%",
        ]
        .map(|line| line.to_owned())
    );
    // Whatever the width, no displayed figure is truncated.
    for width in 0..140 {
        let lines = screen(&mut top, width, 12);
        for line in &lines[3..5] {
            let mut words = line.split_whitespace().skip(1);
            let whole = [
                "200MiB", "100MiB", "0B", "256MiB", "78%", "39%", "slowed", "free", "-",
            ];
            assert!(
                words.all(|word| whole.contains(&word) || word.contains(['▆', '▃', '█', '▄'])),
                "{width}: {line}"
            );
        }
    }
    // Scrolling sideways shows the others.
    press(&mut top, "]]]]");
    assert!(
        rows(&mut top, 46)[0].contains("WRITERS"),
        "{:?}",
        rows(&mut top, 46)
    );
    press(&mut top, "[[[[[");
    assert!(rows(&mut top, 46)[0].contains("DIRTYv"));
}

#[test]
fn what_is_idle_is_hidden() {
    let (dir, mut top) = machine();
    put(dir.path(), "idle", 0, "max");
    // New cgroups are found periodically, and at once if the kernel counts descendants.
    (0..12).for_each(|_| top.look());
    assert!(labels(&top).contains(&"/idle"), "{:?}", labels(&top));
    press(&mut top, "i");
    assert!(!labels(&top).contains(&"/idle") && labels(&top).contains(&"/a/one"));
    press(&mut top, "i");
    assert!(labels(&top).contains(&"/idle"));
}

#[test]
fn explained_at_a_key() {
    let (dir, mut top) = machine();
    put_system(&dir, 100);
    press(&mut top, "jj\n");
    let lines = screen(&mut top, 100, 30);
    assert!(
        lines
            .iter()
            .any(|line| line.contains("cgroup          /a/one")),
        "{lines:?}"
    );
    press(&mut top, "jk");
    assert!(matches!(top.mode, Mode::Explain { first: 0, .. }));
    // Any other key closes it and has no other effect.
    assert_eq!(press(&mut top, "q"), Next::Draw);
    assert_eq!(top.mode, Mode::Normal);
}

#[test]
fn devices() {
    let (dir, mut top) = machine();
    press(&mut top, "d");
    top.look();
    assert!(
        screen(&mut top, 100, 9)[2].starts_with("the kernel's figures of devices are in debugfs")
    );
    let bdi = dir.path().join("sys/kernel/debug/bdi/8:0");
    fs::create_dir_all(&bdi).unwrap();
    fs::write(
        bdi.join("stats"),
        "BdiWriteback: 2048 kB\nBdiReclaimable: 6144 kB\nBdiDirtyThresh: 102400 kB\nBdiWritten: 51200 kB\n\
         BdiWriteBandwidth: 20480 kBps\n",
    )
    .unwrap();
    top.look();
    assert_eq!(
        screen(&mut top, 100, 9)[2..4],
        [
            "DEVICE  NAME  DIRTY  WRITEBACK  BANDWIDTH  DRAINS IN   LIMIT",
            "8:0        -   6MiB       2MiB    20MiB/s       0.4s  100MiB",
        ]
    );
    press(&mut top, "d");
    assert!(screen(&mut top, 100, 9)[2].starts_with("CGROUP"));
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
    // Cycle through all columns.
    press(&mut top, "r>>>>>>>>>>>>");
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
    // In a tree, ancestors of matches stay.
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
    // A new cgroup is shown in the first sample after another was removed.
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
    // Any key closes the help and has no other effect.
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
    assert_eq!(labels(&top), ["/a", "/a/one", "/a/two", "/", "/b"]);
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
    top.source = live(&dir);
    top.look();
    let first = |top: &mut Top| screen(top, 80, 11)[3].split(' ').next().unwrap().to_owned();
    assert_eq!(first(&mut top), "/c00");
    top.view.step(20);
    assert_eq!(first(&mut top), "/c14");
    top.view.step(-3);
    assert_eq!(first(&mut top), "/c14");
    top.view.step(isize::MAX);
    assert_eq!(top.view.cursor, 100);
    assert_eq!(first(&mut top), "/c94");
    // When the screen grows, it is filled.
    assert_eq!(screen(&mut top, 80, 105)[3].split(' ').next(), Some("/c00"));
    top.view.step(isize::MIN);
    assert_eq!(first(&mut top), "/c00");
}

#[test]
fn a_recording_goes_back_and_forth() {
    let (dir, mut top) = machine();
    let mut recorder = Recorder::default();
    let Source::Live(sampler) = &mut top.source else {
        panic!("not live");
    };
    let mut text = String::new();
    for sample in 0..200u64 {
        put(dir.path(), "a/one", sample * 4096, "8388608");
        if sample == 150 {
            fs::remove_dir_all(dir.path().join("cgroup/b")).unwrap();
        }
        sampler.look();
        text += &serde_json::to_string(&recorder.frame(sampler)).unwrap();
        text.push('\n');
    }
    // A line that is still being written.
    text += "{\"version\":1,";
    let file = dir.path().join("saved");
    fs::write(&file, text).unwrap();
    let mut player = Player::open(&file).unwrap();
    let dirty = |player: &Player| {
        let rows = player.rows().iter();
        let row = rows
            .clone()
            .find(|row| row.cgroup.name() == Path::new("a/one"));
        (
            row.unwrap().usage.dirty.unwrap() / 4096,
            row.unwrap().trail.len(),
            rows.count(),
        )
    };
    player.step(1);
    assert_eq!(dirty(&player), (0, 1, 5));
    for (step, seen) in [
        (1, (1, 2, 5)),
        (98, (99, 16, 5)),
        (1000, (199, 16, 4)),
        (-1, (198, 16, 4)),
        (-90, (108, 16, 5)),
        (-1000, (0, 1, 5)),
    ] {
        player.step(step);
        assert_eq!(dirty(&player), seen, "{step}");
    }
    assert!(
        player.place().starts_with("sample 1 of 200 at 0.0s"),
        "{}",
        player.place()
    );
    top.source = Source::Replay(player);
    top.look();
    assert!(screen(&mut top, 100, 9)[0].contains("sample 2 of 200"));
    press(&mut top, "...,");
    assert!(screen(&mut top, 100, 9)[0].contains("sample 4 of 200"));
    for bad in [
        "",
        "x\n",
        "{\"version\":2,\"time_usec\":0,\"whole\":true,\"cgroups\":[]}\n",
    ] {
        fs::write(&file, bad).unwrap();
        assert!(Player::open(&file).is_err(), "{bad}");
    }
}

/// Writers are subject to their own limit, those of ancestors, and that of the system unless there
/// is a floor.
#[test]
fn what_happens_to_writers() {
    let (dir, mut top) = machine();
    put(dir.path(), "c", 4096, "1073741824");
    put(dir.path(), "c/d", 4096, "1073741824");
    put_system(&dir, 170_000);
    let state = |top: &mut Top, name: &str| {
        (0..12).for_each(|_| top.look());
        let mut rows = top.source.rows().iter();
        rows.find(|row| row.cgroup.name() == Path::new(name))
            .unwrap()
            .state
    };
    assert_eq!(state(&mut top, ""), Some(State::Slowed));
    assert_eq!(state(&mut top, "c/d"), Some(State::Slowed));
    assert_eq!(state(&mut top, "a/two"), Some(State::Stopped));
    assert_eq!(state(&mut top, "b"), None);
    // An ancestor's floor covers it; the rest is subject to the system-wide limit.
    fs::write(dir.path().join("cgroup/c/memory.dirty_min"), "8192\n").unwrap();
    assert_eq!(state(&mut top, "c/d"), Some(State::Free));
    put(dir.path(), "c", 12288, "1073741824");
    assert_eq!(state(&mut top, "c/d"), Some(State::Slowed));
}
