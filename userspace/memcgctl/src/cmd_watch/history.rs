// SPDX-License-Identifier: GPL-2.0

//! The samples so far. However long the watch lasts, they take no more memory than a picture can
//! show.

use std::time::Duration;

/// One sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// The time since the first sample.
    pub time: Duration,
    /// Dirty bytes.
    pub dirty: u64,
    /// Bytes under writeback.
    pub writeback: u64,
    /// The limit, if there was one.
    pub limit: Option<u64>,
    /// The background limit, if there was one.
    pub background: Option<u64>,
    /// The time that writers waited since the previous sample, in total.
    pub throttled: Duration,
    /// Whether any writers were waiting.
    pub waiting: bool,
}

/// The samples in chronological order.
#[derive(Clone, Debug, Default)]
pub struct History {
    samples: Vec<Sample>,
    /// The number of samples that each entry combines, as a power of two.
    merged: u32,
    /// The number of samples that the last entry combines.
    in_last: u32,
}

/// The number of entries at which pairs are combined.
const MOST: usize = 4096;

impl History {
    /// Adds a sample.
    pub fn push(&mut self, sample: Sample) {
        let whole = 1u32.checked_shl(self.merged).unwrap_or(u32::MAX);
        match self.samples.last_mut() {
            Some(last) if self.in_last < whole => {
                *last = last.and(&sample);
                self.in_last += 1;
            }
            _ => {
                self.samples.push(sample);
                self.in_last = 1;
            }
        }
        if self.samples.len() == MOST && self.in_last == whole {
            let pair = |pair: &[Sample]| match pair {
                [one, other] => one.and(other),
                rest => rest.first().copied().unwrap_or_default(),
            };
            self.samples = self.samples.chunks(2).map(pair).collect();
            self.merged += 1;
            self.in_last = whole.saturating_mul(2);
        }
    }

    /// Returns the samples.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }
}

impl Sample {
    /// Returns the dirty bytes and bytes under writeback.
    pub fn held(&self) -> u64 {
        self.dirty.saturating_add(self.writeback)
    }

    /// Combines two samples: the larger values, because peaks matter, at the time of the first.
    fn and(&self, other: &Self) -> Self {
        let fuller = if other.held() > self.held() {
            other
        } else {
            self
        };
        Self {
            time: self.time,
            throttled: self.throttled + other.throttled,
            waiting: self.waiting || other.waiting,
            ..*fuller
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounded_and_no_peak_lost() {
        let mut history = History::default();
        let looks = 100_000;
        for look in 0..looks {
            history.push(Sample {
                time: Duration::from_secs(look),
                dirty: if look == 77_777 { 9 } else { 1 },
                throttled: Duration::from_millis(1),
                ..Sample::default()
            });
        }
        let samples = history.samples();
        assert!(
            (MOST / 2..=MOST).contains(&samples.len()),
            "{}",
            samples.len()
        );
        assert_eq!(samples.iter().filter(|sample| sample.dirty == 9).count(), 1);
        let throttled: Duration = samples.iter().map(|sample| sample.throttled).sum();
        assert_eq!(throttled, Duration::from_millis(looks));
        assert!(samples.is_sorted_by_key(|sample| sample.time));
    }
}
