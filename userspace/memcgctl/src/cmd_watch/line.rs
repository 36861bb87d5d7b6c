// SPDX-License-Identifier: GPL-2.0

//! A sample as a line that fits the terminal.

use crate::output;
use crate::report::seconds;
use crate::report::size;
use memcgfs::Limit;
use memcgfs::Usage;
use std::time::Duration;

/// The longest bar, and the shortest useful one.
const LONGEST: usize = 40;
const SHORTEST: usize = 4;

/// The display that the line is for.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Whether it shows more than ASCII.
    pub rich: bool,
    /// Its width, if known.
    pub width: Option<usize>,
}

impl Look {
    /// Returns the properties of stdout as they are now: the size of a terminal may change.
    pub fn now() -> Self {
        Self {
            rich: output::is_rich(),
            width: output::width(),
        }
    }
}

/// Formats `  12.0s    24MiB of 64MiB   37% [#####++     |          ] 2 waiting, waited 0.120s`
pub fn line(
    (time, label): (Duration, &str),
    usage: &Usage,
    throttled: Option<u64>,
    look: Look,
) -> String {
    let mut line = format!(
        "{:>7.1}s {label}{:>9}",
        time.as_secs_f64(),
        size(usage.held())
    );
    let mut waits = Vec::new();
    if let Some(now) = usage.throttled_now.filter(|now| *now != 0) {
        waits.push(format!("{now} waiting"));
    }
    if let Some(usec) = throttled.filter(|usec| *usec != 0) {
        waits.push(format!("throttled {}", seconds(usec)));
    }
    let waits = match waits.is_empty() {
        true => String::new(),
        false => format!(" {}", waits.join(", ")),
    };
    match usage.limit {
        Some(Limit::At(limit)) => {
            let percent = scaled(usage.held().unwrap_or(0), 100, limit);
            line += &format!(" of {:<9} {percent:>3}%", size(Some(limit)));
            // If there is not enough room, the text takes precedence over the bar.
            let room = look.width.map_or(LONGEST, |width| {
                let taken = line.chars().count() + waits.chars().count() + " []".len();
                width.saturating_sub(taken).min(LONGEST)
            });
            if room >= SHORTEST {
                line += &format!(" [{}]", bar(usage, limit, room, look.rich));
            }
        }
        Some(Limit::Max) => line += " of max",
        None => {}
    }
    line + &waits
}

fn bar(usage: &Usage, limit: u64, width: usize, rich: bool) -> String {
    let [dirty, writeback, rest] = if rich {
        ["█", "▒", " "]
    } else {
        ["#", "+", " "]
    };
    let cells = width as u64;
    let all = scaled(usage.held().unwrap_or(0), cells, limit).min(cells);
    let full = scaled(usage.dirty.unwrap_or(0), cells, limit).min(all);
    (0..cells)
        .map(|cell| match cell {
            _ if cell < full => dirty,
            _ if cell < all => writeback,
            _ => rest,
        })
        .collect()
}

/// Scales `part` of `limit` to `whole`.
fn scaled(part: u64, whole: u64, limit: u64) -> u64 {
    let scaled = u128::from(part) * u128::from(whole) / u128::from(limit.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fits() {
        let usage = Usage {
            dirty: Some(48 << 20),
            writeback: Some(8 << 20),
            limit: Some(Limit::At(64 << 20)),
            throttled_now: Some(3),
            ..Usage::default()
        };
        let fitted = |width| {
            let look = Look { rich: false, width };
            line((Duration::from_secs(1), ""), &usage, Some(120_000), look)
        };
        assert_eq!(
            fitted(None),
            "    1.0s     56MiB of 64MiB      87% [##############################+++++     ] 3 waiting, throttled 0.120s"
        );
        for width in [64, 80, 100, 120] {
            assert!(
                fitted(Some(width)).chars().count() <= width,
                "{}",
                fitted(Some(width))
            );
        }
        assert_eq!(
            fitted(Some(72)),
            "    1.0s     56MiB of 64MiB      87% [###+ ] 3 waiting, throttled 0.120s"
        );
        // Text is not truncated.
        assert_eq!(
            fitted(Some(50)),
            "    1.0s     56MiB of 64MiB      87% 3 waiting, throttled 0.120s"
        );
        let free = Usage {
            throttled_now: Some(0),
            ..usage
        };
        let look = Look {
            rich: true,
            width: Some(50),
        };
        let line = line((Duration::ZERO, ""), &free, Some(0), look);
        assert_eq!(line, "    0.0s     56MiB of 64MiB      87% [████████▒  ]");
        assert_eq!(line.chars().count(), 50);
    }
}
