// SPDX-License-Identifier: GPL-2.0

//! Patterns of cgroup paths, as in shells: `*`, `?`, `[a-z]`, `[!a-z]`, and `**` for any number of
//! levels.

use std::os::unix::ffi::OsStrExt;
use std::path::Component;
use std::path::Path;

/// A pattern, split into levels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    levels: Vec<Vec<u8>>,
}

/// Matches any number of levels.
const ANY: &[u8] = b"**";

impl Pattern {
    /// Returns whether a name is a pattern.
    pub fn is_pattern(text: &[u8]) -> bool {
        text.iter().any(|byte| b"*?[".contains(byte))
    }

    /// Parses a pattern of a path below the mount, with or without a leading slash. A pattern
    /// without any slash matches the last component of a path, as with unit names.
    pub fn new(text: &[u8]) -> Self {
        let mut levels: Vec<_> = text
            .split(|&byte| byte == b'/')
            .filter(|level| !matches!(*level, b"" | b"."))
            .map(<[u8]>::to_vec)
            .collect();
        if !text.contains(&b'/') {
            levels.insert(0, ANY.to_vec());
        }
        Self { levels }
    }

    /// Returns whether a path relative to the mount matches.
    pub fn matches(&self, path: &Path) -> bool {
        let names: Vec<&[u8]> = path
            .components()
            .filter_map(|component| match component {
                Component::Normal(name) => Some(name.as_bytes()),
                _ => None,
            })
            .collect();
        // The levels that are reachable after the names so far. This takes at most levels times
        // names steps.
        let mut reached = self.closed(vec![0]);
        for name in names {
            let mut next = Vec::new();
            for &level in &reached {
                match self.levels.get(level) {
                    Some(pattern) if pattern == ANY => next.push(level),
                    Some(pattern) if name_matches(pattern, name) => next.push(level + 1),
                    _ => {}
                }
            }
            reached = self.closed(next);
        }
        reached.contains(&self.levels.len())
    }

    /// Adds the levels that are reachable without consuming a name.
    fn closed(&self, mut levels: Vec<usize>) -> Vec<usize> {
        let mut index = 0;
        while let Some(&level) = levels.get(index) {
            if self.levels.get(level).is_some_and(|pattern| pattern == ANY) {
                levels.push(level + 1);
            }
            index += 1;
        }
        levels.sort_unstable();
        levels.dedup();
        levels
    }
}

/// Returns whether a name matches. After a mismatch the last star takes one more byte, so the
/// number of steps is at most the product of the lengths.
fn name_matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut place) = (0, 0);
    let mut star = None;
    while let Some(&byte) = name.get(place) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, place));
                at += 1;
                continue;
            }
            Some(_) => {
                if let Some(length) = takes(pattern.get(at..).unwrap_or_default(), byte) {
                    at += length;
                    place += 1;
                    continue;
                }
            }
            None => {}
        }
        let Some((behind, from)) = star else {
            return false;
        };
        star = Some((behind, from + 1));
        (at, place) = (behind, from + 1);
    }
    pattern
        .get(at..)
        .unwrap_or_default()
        .iter()
        .all(|&byte| byte == b'*')
}

/// Returns the length of the pattern's first element, if it matches this byte.
fn takes(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'[', set @ ..] => {
            // A bracket at the start of a set belongs to the set. A set without an end is a literal
            // bracket.
            let negated = matches!(set, [b'!' | b'^', ..]);
            let start = usize::from(negated);
            let end = set.iter().skip(start + 1).position(|&byte| byte == b']');
            let Some(end) = end.map(|end| end + start + 1) else {
                return (byte == b'[').then_some(1);
            };
            let mut members = set.get(start..end).unwrap_or_default();
            let mut inside = false;
            while let [first, rest @ ..] = members {
                match rest {
                    [b'-', last, tail @ ..] => {
                        inside |= (*first..=*last).contains(&byte);
                        members = tail;
                    }
                    _ => {
                        inside |= *first == byte;
                        members = rest;
                    }
                }
            }
            (inside != negated).then_some(end + 2)
        }
        [plain, ..] => (*plain == byte).then_some(1),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let table = [
            ("a", "a", true),
            ("a", "x/a", true),
            ("/a", "x/a", false),
            ("/a", "a", true),
            ("./a/./*", "a/b", true),
            ("*.service", "system.slice/db.service", true),
            ("/*.service", "system.slice/db.service", false),
            ("system.slice/*", "system.slice/db.service", true),
            ("system.slice/*", "system.slice", false),
            ("system.slice/*", "system.slice/a/b", false),
            ("system.slice/**", "system.slice/a/b", true),
            ("system.slice/**", "system.slice", true),
            ("/**/b", "b", true),
            ("/**/b", "a/x/b", true),
            ("/**/b", "a/x/c", false),
            ("docker-?[0-9a-c]*.scope", "docker-xbz.scope", true),
            ("docker-?[!0-9a-c]*.scope", "docker-xbz.scope", false),
            ("[]x]", "]", true),
            ("[", "[", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("*", "", false),
            ("/", "", true),
            ("**", "", true),
        ];
        for (pattern, path, expected) in table {
            let found = Pattern::new(pattern.as_bytes()).matches(Path::new(path));
            assert_eq!(found, expected, "{pattern} {path}");
        }
        for text in ["a*", "a?", "[a]"] {
            assert!(Pattern::is_pattern(text.as_bytes()));
        }
        assert!(!Pattern::is_pattern(b"system.slice/a-b\\x2d.service"));
    }

    #[test]
    fn many_stars_take_no_ages() {
        let pattern = "a*".repeat(200) + "b";
        let name = "a".repeat(4000);
        assert!(!Pattern::new(pattern.as_bytes()).matches(Path::new(&name)));
        let pattern = "**/a/".repeat(200) + "b";
        let path = "a/".repeat(2000);
        assert!(!Pattern::new(pattern.as_bytes()).matches(Path::new(&path)));
    }
}
