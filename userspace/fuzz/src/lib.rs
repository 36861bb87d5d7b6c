// SPDX-License-Identifier: GPL-2.0

//! Properties of the parsers of `memcgfs` that hold for any input. They are used by the fuzz
//! targets and by the property tests of the library.

use memcgfs::declared::with_key;
use memcgfs::mounting::Options;
use memcgfs::pattern::Pattern;
use memcgfs::settings::Settings;
use memcgfs::tracing::Line;
use memcgfs::waiting::Pressure;
use memcgfs::Amount;
use memcgfs::Assignment;
use memcgfs::DirtyStat;
use memcgfs::MemoryStat;
use memcgfs::RechargeStat;
use memcgfs::Span;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// `KNOB=VALUE`: the value that the kernel would read back parses to the same value.
pub fn assignment(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let _ = Amount::parse(text);
    match Assignment::parse(text) {
        Ok(assignment) => {
            let read = assignment.read_back();
            let again = Assignment::new(assignment.knob().name, &read.text());
            // A value of less than a page may be rounded down to zero, which is only valid for a
            // floor.
            if let Ok(again) = again {
                assert_eq!(again.read_back(), read);
            }
            if let (Some(asked), Some(read)) = (assignment.value().bytes(), read.bytes()) {
                assert!(read <= asked);
            }
            assert!(!assignment.conflicts_with(&assignment));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A span is greater than zero and at most a week.
pub fn span(data: &[u8]) {
    if let Ok(Span(span)) = Span::parse(&String::from_utf8_lossy(data)) {
        assert!(!span.is_zero() && span.as_secs() <= 7 * 24 * 3600);
    }
}

/// A settings file: errors name existing lines, and each is a single line.
pub fn settings(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Err(mistakes) = Settings::parse(&text) else {
        return;
    };
    assert!(!mistakes.is_empty());
    for mistake in mistakes {
        assert!(
            (1..=text.split('\n').count()).contains(&mistake.line),
            "{mistake}"
        );
        assert!(!mistake.text.chars().any(char::is_control), "{mistake:?}");
    }
}

/// A setting that is added to a file is declared by it exactly once.
pub fn declared(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(before) = Settings::parse(&text) else {
        return;
    };
    let name = before
        .cgroups
        .first()
        .map_or("a b", |cgroup| cgroup.name.what.as_str());
    let Some(new) = with_key(&text, ("cgroup", Some(name)), "dirty_min", "4096") else {
        return;
    };
    let after = Settings::parse(&new);
    assert!(after.is_ok(), "{new}");
    let after = after.unwrap_or_default();
    let mut cgroups = after
        .cgroups
        .iter()
        .filter(|cgroup| cgroup.name.what == name);
    let assignments = cgroups.next().map_or(&[][..], |cgroup| &cgroup.assignments);
    let texts = assignments
        .iter()
        .map(|known| (known.what.knob().short_name(), known.what.text()));
    assert!(
        texts.clone().any(|found| found == ("dirty_min", "4096")),
        "{new}"
    );
    assert_eq!(
        with_key(&new, ("cgroup", Some(name)), "dirty_min", "4096").as_ref(),
        Some(&new)
    );
}

/// A pattern and a path, in two lines: text without wildcards matches itself.
pub fn pattern(data: &[u8]) {
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let (pattern, path) = (
        lines.next().unwrap_or_default(),
        lines.next().unwrap_or_default(),
    );
    let path = Path::new(OsStr::from_bytes(path));
    let _ = Pattern::new(pattern).matches(path);
    let plain = path
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    let bytes = path.as_os_str().as_bytes();
    if plain && !Pattern::is_pattern(bytes) {
        assert!(
            Pattern::new(&[b"/", bytes].concat()).matches(path),
            "{path:?}"
        );
    }
}

/// A line of a trace.
pub fn trace(data: &[u8]) {
    if let Some(Line::Event(event)) = Line::parse(data) {
        assert!(!event.name.is_empty());
    }
}

/// A table of mounts: no more mounts than lines.
pub fn mounts(data: &[u8]) {
    let lines = data.split(|byte| *byte == b'\n').count();
    assert!(memcgfs::mount::parse(data).len() <= lines);
}

/// Mount options never name a cgroup.
pub fn options(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(options) = Options::parse(&text) {
        assert!(!options.names().any(|name| name == "memcg"));
    }
}

/// The kernel's flat keyed files.
pub fn statistics(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let path = Path::new("file");
    let _ = DirtyStat::parse(path, &text);
    let _ = MemoryStat::parse(path, &text);
    let _ = RechargeStat::parse(path, &text);
    let _ = memcgfs::system::reserve(&text);
    if let Some(pressure) = Pressure::parse(&text) {
        let _ = pressure.since();
    }
}

/// An escaped name never contains newlines or terminal control sequences.
pub fn name(data: &[u8]) {
    let shown = memcgfs::escaped(OsStr::from_bytes(data));
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
}

/// A displayed size never exceeds the exact value.
pub fn size(data: &[u8]) {
    if let Ok(Some(bytes)) = memcgfs::size::parse_bytes(data) {
        assert!(bytes.to_string().ends_with('B'));
    }
}
