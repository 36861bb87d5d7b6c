// SPDX-License-Identifier: GPL-2.0

//! The statistics needed for the reports.

/// Returns Jain's fairness index: 1 if all got the same, 1/n if one got everything.
pub fn jain(values: &[u64]) -> f64 {
    let sum: f64 = values.iter().map(|&v| v as f64).sum();
    let squares: f64 = values.iter().map(|&v| v as f64 * v as f64).sum();
    if squares == 0.0 {
        // Nobody got anything, so nobody was preferred.
        return 1.0;
    }
    sum * sum / (values.len() as f64 * squares)
}

/// Returns the nearest-rank percentile: the smallest value that at least `percent` of the sorted
/// values do not exceed; 0 without any values.
pub fn percentile(sorted: &[u64], percent: u64) -> u64 {
    let rank = (sorted.len() as u64 * percent).div_ceil(100).max(1);
    sorted.get(rank as usize - 1).copied().unwrap_or(0)
}

/// Returns the arithmetic mean; 0 without any values.
pub fn mean(values: &[u64]) -> u64 {
    let sum: u128 = values.iter().map(|&v| u128::from(v)).sum();
    (sum / values.len().max(1) as u128) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jain_is_one_when_equal_and_one_nth_when_one_has_all() {
        assert_eq!(jain(&[5, 5, 5, 5]), 1.0);
        assert_eq!(jain(&[8, 0, 0, 0]), 0.25);
        assert_eq!(jain(&[0, 0]), 1.0);
    }

    #[test]
    fn percentile_is_the_nearest_rank() {
        let values: Vec<u64> = (1..=200).collect();
        for (percent, expected) in [(0, 1), (1, 2), (50, 100), (99, 198), (100, 200)] {
            assert_eq!(percentile(&values, percent), expected, "p{percent}");
        }
        assert_eq!(percentile(&[], 99), 0);
        assert_eq!(percentile(&[7], 99), 7);
    }

    #[test]
    fn mean_neither_overflows_nor_divides_by_zero() {
        assert_eq!(mean(&[u64::MAX, u64::MAX]), u64::MAX);
        assert_eq!(mean(&[]), 0);
    }
}
