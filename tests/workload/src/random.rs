// SPDX-License-Identifier: GPL-2.0

//! Random numbers that can be reproduced from a printed seed: SplitMix64.

/// A random number generator. Each process has its own.
pub struct Random(u64);

impl Random {
    #[cfg(test)]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Creates the generator of one of several parties that share a seed.
    pub fn of(seed: u64, party: &str) -> Self {
        // FNV-1a, which maps similar names to different hashes.
        let hash = party.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(seed ^ hash)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number below `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// Returns true once in `n` times on average.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// Returns a random element; there must be one.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }

    /// Returns a generator for a child process, independent of this one.
    pub fn split(&mut self) -> Self {
        Self(self.next())
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn a_seed_gives_the_same_again() {
        let list = |mut random: Random| [(); 4].map(|()| random.next());
        assert_eq!(list(Random::new(1)), list(Random::new(1)));
        assert_ne!(list(Random::new(1)), list(Random::new(2)));
        assert_ne!(list(Random::of(1, "a")), list(Random::of(1, "b")));
    }

    #[test]
    fn nothing_is_out_of_reach() {
        let mut random = Random::new(7);
        let mut seen = [false; 5];
        for _ in 0..100 {
            seen[random.below(5) as usize] = true;
        }
        assert_eq!(seen, [true; 5]);
        assert_eq!(random.below(0), 0);
    }
}
