// SPDX-License-Identifier: GPL-2.0

//! A grammar that generates valid and almost valid values for the module's files.

use crate::random::Random;
use nix::errno::Errno;

/// The kind of value that a file accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes or `max`.
    Limit,
    /// A percentage or `max`.
    Ratio,
    /// Bytes.
    Floor,
    /// Microseconds, `max` or `default`.
    Pace,
    /// An amount for an operation, or `max`.
    Trigger,
    /// Words out of `file` and `shmem`.
    Payments,
    /// `0` or `1`.
    Switch,
    /// `subtree` or `any`.
    Scope,
    /// Microseconds or 0.
    MachinePace,
}

/// The writable files of a cgroup.
pub const GROUP_FILES: [(&str, Kind); 9] = [
    ("memory.dirty_limit_in_bytes", Kind::Limit),
    ("memory.dirty_background_limit_in_bytes", Kind::Limit),
    ("memory.dirty_ratio", Kind::Ratio),
    ("memory.dirty_background_ratio", Kind::Ratio),
    ("memory.dirty_min", Kind::Floor),
    ("memory.dirty_pace_usec", Kind::Pace),
    ("memory.dirty_writeback", Kind::Trigger),
    ("memory.recharge", Kind::Trigger),
    ("memory.persistent", Kind::Payments),
];

/// The read-only files of a cgroup.
pub const GROUP_STATS: [&str; 2] = ["memory.dirty_stat", "memory.recharge_stat"];

/// The system-wide files, in `SWITCHES`.
pub const MACHINE_FILES: [(&str, Kind); 5] = [
    ("recharge_mapped", Kind::Switch),
    ("recharge_access", Kind::Switch),
    ("recharge_adopt", Kind::Switch),
    ("recharge_scope", Kind::Scope),
    ("writeback_pace_usec", Kind::MachinePace),
];

pub const SWITCHES: &str = "/sys/kernel/mm/memcg_knobs";

/// Generates a value that the file accepts and that has an effect on a small machine.
pub fn good(random: &mut Random, kind: Kind) -> String {
    let size = |random: &mut Random| match random.below(6) {
        0 => format!("{}", 8192 << random.below(6)),
        1 => format!("{}k", 64 << random.below(7)),
        2 => format!("{}M", 1 + random.below(32)),
        _ => "max".to_owned(),
    };
    match kind {
        Kind::Limit => size(random),
        Kind::Ratio if random.one_in(3) => "max".to_owned(),
        Kind::Ratio => format!("{}.{:02}", random.below(30), 1 + random.below(99)),
        Kind::Floor if random.one_in(2) => "0".to_owned(),
        Kind::Floor => format!("{}k", random.below(32 << 10)),
        Kind::Pace => match random.below(3) {
            0 => "max".to_owned(),
            1 => "default".to_owned(),
            _ => format!("{}", 1000 << random.below(10)),
        },
        Kind::Trigger => match random.below(2) {
            0 => "max".to_owned(),
            _ => format!("{}k", 4 << random.below(12)),
        },
        Kind::Payments => (*random.pick(&["\n", "file", "shmem", "file shmem"])).to_owned(),
        Kind::Switch => format!("{}", random.below(2)),
        Kind::Scope => (*random.pick(&["subtree", "any"])).to_owned(),
        Kind::MachinePace if random.one_in(3) => "0".to_owned(),
        Kind::MachinePace => format!("{}", 1000 + random.below(100_000)),
    }
}

const SPACES: [&str; 8] = ["", "", "", "\n", " ", "\t", " \n", "\n\n"];
const WORDS: [&str; 14] = [
    "max",
    "MAX",
    "default",
    "file",
    "shmem",
    "file,shmem",
    "subtree",
    "any",
    "none",
    "nan",
    "inf",
    "0x10",
    "\0",
    "é",
];
const SUFFIXES: [&str; 12] = ["", "", "k", "K", "M", "g", "T", "P", "E", "Z", "kk", "B"];

/// Generates a number close to some boundary.
fn number(random: &mut Random) -> String {
    let edge = 1u128 << random.below(70);
    let number = match random.below(4) {
        0 => u128::from(random.below(100)),
        1 => edge,
        2 => edge - 1,
        _ => edge + 1,
    };
    match random.below(8) {
        0 => format!("-{number}"),
        1 => format!("+{number}"),
        2 => format!(
            "{number}.{:0width$}",
            random.below(1000),
            width = random.below(4) as usize
        ),
        3 => format!("{:0>width$}", number, width = random.below(300) as usize),
        _ => number.to_string(),
    }
}

/// Generates any value: valid, almost valid, or invalid.
pub fn any(random: &mut Random, kind: Kind) -> Vec<u8> {
    let mut text = match random.below(8) {
        0..=2 => good(random, kind),
        3 | 4 => number(random) + *random.pick::<&str>(&SUFFIXES),
        5 => (*random.pick(&WORDS)).to_owned(),
        6 => format!("{} {}", good(random, kind), random.pick(&WORDS)),
        _ => (0..random.below(6))
            .map(|_| number(random) + *random.pick::<&str>(&WORDS))
            .collect(),
    }
    .into_bytes();
    text.splice(..0, random.pick(&SPACES).bytes());
    text.extend(random.pick(&SPACES).bytes());
    // Some values are mutated further.
    while !text.is_empty() && random.one_in(6) {
        let at = random.below(text.len() as u64) as usize;
        match random.below(3) {
            0 => text[at] ^= 1 << random.below(8),
            1 => drop(text.remove(at)),
            _ => text.insert(at, random.next() as u8),
        }
    }
    if random.one_in(200) {
        text = text.repeat(1 + random.below(2000) as usize);
    }
    // An empty write never reaches the file.
    if text.is_empty() {
        text.push(b'\n');
    }
    text
}

/// Returns whether a file may report this errno; the cgroup and the files may vanish at any time.
pub fn may_answer(kind: Kind, errno: Errno) -> bool {
    match errno {
        Errno::EINVAL | Errno::ERANGE | Errno::ENODEV | Errno::ENOENT => true,
        // More than a page.
        Errno::E2BIG => true,
        Errno::EAGAIN | Errno::EINTR => kind == Kind::Trigger,
        _ => false,
    }
}

/// Returns what the file reads after `input` was written to it, or `None` if it rejects that. This
/// follows the documentation and does not use the module's parser.
pub fn reads_back(kind: Kind, input: &[u8]) -> Option<String> {
    // No file of a cgroup accepts more than a page.
    if input.len() > 4096 {
        return None;
    }
    let text = std::str::from_utf8(input).ok()?;
    let space = |c: char| c.is_ascii_whitespace();
    let word = text.trim_matches(space);
    match kind {
        Kind::Payments => {
            let words: Vec<&str> = text.split(space).filter(|word| !word.is_empty()).collect();
            let known = ["file", "shmem"];
            if !words.iter().all(|word| known.contains(word)) {
                return None;
            }
            let set: Vec<&str> = known
                .into_iter()
                .filter(|word| words.contains(word))
                .collect();
            Some(set.join(" "))
        }
        Kind::Switch => matches!(word, "0" | "1").then(|| word.to_owned()),
        Kind::Scope => matches!(word, "subtree" | "any").then(|| word.to_owned()),
        Kind::Limit | Kind::Floor | Kind::Trigger if word == "max" => Some("max".to_owned()),
        Kind::Ratio if word == "max" => Some("max".to_owned()),
        Kind::Pace if matches!(word, "max" | "default") => Some(word.to_owned()),
        Kind::Limit | Kind::Floor | Kind::Trigger => {
            let bytes = size(word)?;
            let pages = bytes / 4096 * 4096;
            // At least two pages; the kernel computes such limits in 32 bits.
            let range = 8192..=u128::from(u32::MAX) * 4096;
            (kind != Kind::Limit || range.contains(&pages)).then(|| pages.to_string())
        }
        Kind::Ratio => {
            let (whole, part) = match word.split_once('.') {
                Some((whole, part)) if (1..=2).contains(&part.len()) => {
                    (whole, format!("{part:0<2}"))
                }
                Some(_) => return None,
                None => (word, "00".to_owned()),
            };
            let hundredths = digits(whole)?.checked_mul(100)? + digits(&part)?;
            (1..=10_000)
                .contains(&hundredths)
                .then(|| format!("{}.{:02}", hundredths / 100, hundredths % 100))
        }
        Kind::Pace | Kind::MachinePace => {
            let usec = digits(word)?;
            let off = kind == Kind::MachinePace && usec == 0;
            (off || (1000..=10_000_000).contains(&usec)).then(|| usec.to_string())
        }
    }
}

fn digits(word: &str) -> Option<u128> {
    if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    word.parse().ok()
}

/// Parses a size that fits in 64 bits.
fn size(word: &str) -> Option<u128> {
    const POWERS: &str = "KMGTPE";
    let (number, shift) = match word.char_indices().last()? {
        (at, suffix) if suffix.is_ascii_alphabetic() => {
            let power = POWERS.find(suffix.to_ascii_uppercase())?;
            (&word[..at], 10 * (1 + power as u32))
        }
        _ => (word, 0),
    };
    let bytes = digits(number)?.checked_mul(1 << shift)?;
    (bytes <= u128::from(u64::MAX)).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_good_is_taken() {
        let mut random = Random::new(1);
        let kinds = GROUP_FILES.iter().chain(&MACHINE_FILES).map(|file| file.1);
        for kind in kinds.cycle().take(2000) {
            let value = good(&mut random, kind);
            assert!(
                reads_back(kind, value.as_bytes()).is_some(),
                "{kind:?} {value:?}"
            );
        }
    }

    #[test]
    fn anything_is_some_of_both() {
        let mut random = Random::new(1);
        for (_, kind) in GROUP_FILES.iter().chain(&MACHINE_FILES) {
            let taken = (0..1000)
                .filter(|_| reads_back(*kind, &any(&mut random, *kind)).is_some())
                .count();
            assert!((100..900).contains(&taken), "{kind:?} {taken}");
        }
    }

    #[test]
    fn known_values() {
        for (kind, input, expected) in [
            (Kind::Limit, "64M\n", Some("67108864")),
            (Kind::Limit, "8191", None),
            (Kind::Limit, "16E", None),
            (Kind::Limit, "16T", None),
            (Kind::Floor, "15E", Some("17293822569102704640")),
            (Kind::Limit, "1 2", None),
            (Kind::Ratio, "5.5", Some("5.50")),
            (Kind::Ratio, "100.01", None),
            (Kind::Ratio, "5.", None),
            (Kind::Pace, "999", None),
            (Kind::MachinePace, "0", Some("0")),
            (Kind::Payments, " shmem\tfile ", Some("file shmem")),
            (Kind::Payments, "", Some("")),
            (Kind::Switch, "2", None),
        ] {
            assert_eq!(
                reads_back(kind, input.as_bytes()).as_deref(),
                expected,
                "{input:?}"
            );
        }
    }
}
