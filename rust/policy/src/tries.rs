// SPDX-License-Identifier: GPL-2.0

//! How often what could not be done at once is tried again, and when; and how long who has done
//! something that takes long rests afterwards.

/// How often it is tried at most. The last try comes about 25 seconds after the first.
pub const TRIES: u8 = 9;

/// Milliseconds from the reason for the first try to it, so that many reasons make one try.
pub const GATHER_MS: u32 = 100;

/// Milliseconds to wait when `left` of [`TRIES`] tries are left: twice as long each time.
///
/// Never more than half a minute, whatever `left` is.
pub fn delay_ms(left: u8) -> u32 {
    let done = u32::from(TRIES.saturating_sub(left).min(8));

    GATHER_MS.wrapping_shl(done.saturating_sub(1))
}

/// Tries that are left, and when the next one is due, in a word that can be exchanged at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Tries left, 0 if there is nothing to do.
    pub left: u8,
    /// When the next is due, in milliseconds of the monotonic clock.
    pub due_ms: u64,
}

impl Plan {
    /// All tries, at once.
    pub const ALL: Self = Self {
        left: TRIES,
        due_ms: 0,
    };

    /// As a word. A time that is too late for it is the latest one.
    pub fn to_word(self) -> u64 {
        self.due_ms.min(u64::MAX >> 8) << 8 | u64::from(self.left)
    }

    /// What [`Self::to_word`] has made.
    pub fn from_word(word: u64) -> Self {
        Self {
            left: word.to_le_bytes()[0],
            due_ms: word >> 8,
        }
    }

    /// Milliseconds until the next try, `None` if there is none.
    pub fn wait_ms(self, now_ms: u64) -> Option<u32> {
        let wait = self.due_ms.saturating_sub(now_ms);

        (self.left > 0).then(|| u32::try_from(wait).unwrap_or(u32::MAX))
    }

    /// What is left after a try that ended at `now_ms` and was of no avail; nothing in the end.
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

/// A word that several write at once; an atomic variable.
pub trait Word {
    /// Reads it.
    fn load(&self) -> u64;

    /// Writes it.
    fn store(&self, word: u64);

    /// Writes `new` if it is `old`, and says whether it was.
    fn replace(&self, old: u64, new: u64) -> bool;
}

/// Whether something has to be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// There is nothing more to do.
    Done,
    /// There is.
    Again,
}

/// Something that is tried a number of times, by one who tries, for reasons that anybody may have
/// at any time.
///
/// Both are in one word, so that a reason that comes during a try is not lost in what is written
/// after it, and does not wait as long as the try before it would have to.
#[derive(Debug)]
pub struct Tries<W>(pub W);

impl<W: Word> Tries<W> {
    /// There is a new reason: it is due, and all its tries are left.
    pub fn renew(&self) {
        self.0.store(Plan::ALL.to_word());
    }

    /// There is no reason any more.
    pub fn cancel(&self) {
        self.0.store(Plan::default().to_word());
    }

    /// Tries once, if it is due; returns in how many milliseconds to come again, if at all.
    pub fn take(&self, now_ms: impl Fn() -> u64, attempt: impl FnOnce() -> Attempt) -> Option<u32> {
        let word = self.0.load();
        let plan = Plan::from_word(word);
        let wait = plan.wait_ms(now_ms())?;
        if wait > 0 {
            return Some(wait);
        }

        // What is not like that any more afterwards has been renewed.
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

/// Milliseconds to rest after something that took `took_ms`, so that it never takes more than a
/// fifth of the time, however often there is a reason for it. At most half a minute.
pub fn rest_ms(took_ms: u64) -> u64 {
    took_ms.saturating_mul(4).min(30_000)
}
