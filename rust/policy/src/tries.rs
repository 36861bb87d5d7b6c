// SPDX-License-Identifier: GPL-2.0

//! Retries: how often and when to retry an operation that failed, and how long to rest after one
//! that took long.

/// The maximum number of tries. The last one comes about 25 seconds after the first.
pub const TRIES: u8 = 9;

/// The delay in milliseconds before the first try, so that one try serves a burst of requests.
pub const GATHER_MS: u32 = 100;

/// Returns the delay in milliseconds when `left` of [`TRIES`] tries are left. It doubles each time.
///
/// It never exceeds half a minute, whatever `left` is.
pub fn delay_ms(left: u8) -> u32 {
    let done = u32::from(TRIES.saturating_sub(left).min(8));

    GATHER_MS.wrapping_shl(done.saturating_sub(1))
}

/// The number of tries left and the time of the next one, packed into a word for atomic updates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The number of tries left; 0 if there is nothing to do.
    pub left: u8,
    /// The time of the next try, in milliseconds of the monotonic clock.
    pub due_ms: u64,
}

impl Plan {
    /// All tries left, with the first one due immediately.
    pub const ALL: Self = Self {
        left: TRIES,
        due_ms: 0,
    };

    /// Packs the plan into a word. A time that does not fit is replaced by the latest one that
    /// does.
    pub fn to_word(self) -> u64 {
        self.due_ms.min(u64::MAX >> 8) << 8 | u64::from(self.left)
    }

    /// Unpacks the result of [`Self::to_word`].
    pub fn from_word(word: u64) -> Self {
        Self {
            left: word.to_le_bytes()[0],
            due_ms: word >> 8,
        }
    }

    /// Returns the milliseconds until the next try; `None` if no tries are left.
    pub fn wait_ms(self, now_ms: u64) -> Option<u32> {
        let wait = self.due_ms.saturating_sub(now_ms);

        (self.left > 0).then(|| u32::try_from(wait).unwrap_or(u32::MAX))
    }

    /// Returns the plan after a try that failed at `now_ms`; empty if that was the last one.
    pub fn after_try(self, now_ms: u64) -> Self {
        let left = self.left.saturating_sub(1);

        if left == 0 {
            return Self::default();
        }
        Self {
            left,
            due_ms: now_ms.saturating_add(u64::from(delay_ms(left))),
        }
    }
}

/// An atomic word with several concurrent writers.
pub trait Word {
    /// Reads the word.
    fn load(&self) -> u64;

    /// Writes the word.
    fn store(&self, word: u64);

    /// Writes `new` if the word is `old`; returns whether it was.
    fn replace(&self, old: u64, new: u64) -> bool;
}

/// The result of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// There is nothing left to do.
    Done,
    /// The operation has to be retried.
    Again,
}

/// The state of an operation that a single worker tries a number of times, and that anyone may
/// request at any time.
///
/// The tries left and the time of the next one share a word. A request that arrives during a try is
/// thus neither overwritten by the result of that try, nor delayed by its backoff.
#[derive(Debug)]
pub struct Tries<W>(pub W);

impl<W: Word> Tries<W> {
    /// Requests the operation: makes it due now, with all tries left.
    pub fn renew(&self) {
        self.0.store(Plan::ALL.to_word());
    }

    /// Cancels the operation.
    pub fn cancel(&self) {
        self.0.store(Plan::default().to_word());
    }

    /// Tries once if due; returns the milliseconds until the next call is needed, or `None` if none
    /// is.
    pub fn take(&self, now_ms: impl Fn() -> u64, attempt: impl FnOnce() -> Attempt) -> Option<u32> {
        let word = self.0.load();
        let plan = Plan::from_word(word);
        let wait = plan.wait_ms(now_ms())?;
        if wait > 0 {
            return Some(wait);
        }

        // If the word has changed after the try, a new request has arrived or it was cancelled.
        let trying = Plan { due_ms: 1, ..plan }.to_word();
        if !self.0.replace(word, trying) {
            return Some(GATHER_MS);
        }
        let next = match attempt() {
            Attempt::Done => Plan::default(),
            Attempt::Again => plan.after_try(now_ms()),
        };
        if !self.0.replace(trying, next.to_word()) {
            return Some(GATHER_MS);
        }
        next.wait_ms(now_ms())
    }
}

/// Returns the milliseconds to rest after something that took `took_ms`, so that it takes up at
/// most a fifth of the time, however often it is requested. The result is at most half a minute.
pub fn rest_ms(took_ms: u64) -> u64 {
    took_ms.saturating_mul(4).min(30_000)
}
