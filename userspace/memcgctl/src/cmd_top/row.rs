// SPDX-License-Identifier: GPL-2.0

//! A row of the table, and the rates between two samples of a cgroup.

use memcgfs::derivation;
use memcgfs::derivation::grants;
use memcgfs::derivation::Bound;
use memcgfs::derivation::State;
use memcgfs::knobs;
use memcgfs::Cgroup;
use memcgfs::Limit;
use memcgfs::Usage;
use memcgfs::Value;
use std::collections::VecDeque;
use std::time::Duration;
use std::time::Instant;

/// The number of samples in a row's trail.
pub const TRAIL: usize = 16;

/// The row of a cgroup.
#[derive(Clone, Debug)]
pub struct Row {
    /// The cgroup.
    pub cgroup: Cgroup,
    /// Its depth below the top.
    pub depth: usize,
    /// Its current figures.
    pub usage: Usage,
    /// The time that its writers waited, in microseconds per second, summed over all of them.
    pub wait: Option<u64>,
    /// The number of waits, in thousandths per second.
    pub waits: Option<u64>,
    /// The time that its writeback was held back, in microseconds per second.
    pub paced: Option<u64>,
    /// The bytes inherited from removed cgroups, if requested.
    pub inherited: Option<u64>,
    /// The state of its writers, given its own limit and those of its ancestors.
    pub state: Option<State>,
    /// Its dirty pages in the last samples.
    pub trail: VecDeque<u64>,
    /// The settings, which are not read with every sample.
    pub settings: Settings,
    /// The time of the last sample.
    at: Option<Instant>,
}

/// The settings of a cgroup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether a limit or a background limit is set.
    pub limited: bool,
    /// The requested floor, in pages.
    pub asked: u64,
    /// The granted floor, in bytes.
    pub granted: u64,
    /// The limit in force when the settings were read.
    seen: Option<u64>,
}

impl Row {
    pub fn new(cgroup: Cgroup, depth: usize) -> Self {
        Self {
            cgroup,
            depth,
            usage: Usage::default(),
            wait: None,
            waits: None,
            paced: None,
            inherited: None,
            state: None,
            trail: VecDeque::with_capacity(TRAIL),
            settings: Settings::default(),
            at: None,
        }
    }

    /// Returns how full the limit is, in thousandths.
    pub fn used(&self) -> Option<u64> {
        let limit = self.usage.limit.and_then(Limit::at)?;
        let used = u128::from(self.usage.held()?) * 1000 / u128::from(limit.max(1));
        u64::try_from(used).ok()
    }

    /// Returns whether it is idle.
    pub fn is_idle(&self) -> bool {
        let none = |figure: Option<u64>| figure.unwrap_or(0) == 0;
        none(self.usage.held())
            && none(self.usage.throttled_now)
            && none(self.wait)
            && none(self.inherited)
    }

    /// Updates the figures.
    pub fn renew(&mut self, usage: Usage) {
        let now = Instant::now();
        let since = self.at.map(|at| now.duration_since(at));
        let more = |field: fn(&Usage) -> Option<u64>, unit| {
            rate(field(&self.usage), field(&usage), unit, since?)
        };
        self.wait = more(|usage| usage.throttled_usec, 1);
        self.waits = more(|usage| usage.throttled_count, 1000);
        self.paced = more(|usage| usage.paced_usec, 1);
        self.usage = usage;
        self.at = Some(now);
        self.remember();
    }

    /// Adds its dirty pages to its history.
    pub fn remember(&mut self) {
        if self.trail.len() == TRAIL {
            self.trail.pop_front();
        }
        self.trail.push_back(self.usage.held().unwrap_or(0));
    }

    /// Returns whether the settings may have changed: whether the limit in force has changed by
    /// more than free memory does between samples.
    pub fn is_outdated(&self) -> bool {
        let drift = self.settings.seen.map_or(0, derivation::drift);
        match (self.limit(), self.settings.seen) {
            (Some(now), Some(seen)) => now.abs_diff(seen) > drift,
            (now, seen) => now != seen,
        }
    }

    /// Reads the settings. One that cannot be read counts as not set.
    pub fn read_settings(&mut self) {
        let value = |knob| self.cgroup.value(knob).ok().flatten();
        let is_set = |knob| value(knob).is_some_and(|value: Value| !value.is_max());
        let limits = [
            &knobs::DIRTY_LIMIT,
            &knobs::DIRTY_RATIO,
            &knobs::DIRTY_BACKGROUND_LIMIT,
            &knobs::DIRTY_BACKGROUND_RATIO,
        ];
        self.settings = Settings {
            limited: limits.into_iter().any(is_set),
            asked: value(&knobs::DIRTY_MIN).map_or(0, grants::asked),
            granted: self.settings.granted,
            seen: self.limit(),
        };
    }

    /// Returns the state of its writers, given the limit in force alone.
    pub fn own_state(&self) -> Option<State> {
        let limit = self.limit()?;
        let background = self.usage.background_limit.and_then(Limit::at);
        let background = background.unwrap_or(limit / 2);
        let bound = Bound::in_force(limit, background, self.settings.limited);
        Some(bound.state(self.usage.held()?))
    }

    /// Returns whether it is within its floor, so that the system-wide limit does not apply to it.
    pub fn is_below_floor(&self) -> bool {
        let held = self.usage.held().unwrap_or(0);
        self.settings.granted != 0 && self.settings.asked != 0 && held <= self.settings.granted
    }

    fn limit(&self) -> Option<u64> {
        self.usage.limit.and_then(Limit::at)
    }
}

/// Returns the rate of a counter per second, in units of 1/`unit`.
fn rate(before: Option<u64>, after: Option<u64>, unit: u32, time: Duration) -> Option<u64> {
    let more = u128::from(after?.saturating_sub(before?)) * u128::from(unit) * 1_000_000;
    u64::try_from(more / time.as_micros().max(1)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        let second = Duration::from_secs(1);
        assert_eq!(rate(Some(5), Some(7), 1000, second * 4), Some(500));
        assert_eq!(rate(Some(7), Some(5), 1000, second), Some(0));
        assert_eq!(rate(None, Some(5), 1, second), None);
        assert_eq!(rate(Some(0), Some(u64::MAX), 1, Duration::ZERO), None);
    }
}
