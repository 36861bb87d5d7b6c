// SPDX-License-Identifier: GPL-2.0

//! What one cgroup's dirty limit files hold, and which limits in pages follow from it now.
//!
//! A [`Config`] is what was written; [`effective`] turns it and the state of memory into page
//! counts. How writers are kept below a limit is told in `levels.rs`, how a parent's limit is
//! shared in `share.rs`, how floors are granted in `floors.rs`.

use super::ratio::Ratio;
use super::size::ParseError;

/// The smallest limit, in pages: one page that is dirty and one that is being written.
pub const MIN_PAGES: u64 = 2;

/// The greatest limit, in pages. The kernel's dirty limits are computed in 32 bits.
pub const MAX_PAGES: u64 = u32::MAX as u64;

/// The `dirty_min` that stands for all memory, in bytes; read back as `max`.
///
/// It is no multiple of a page, hence distinct from every floor that was written as a number.
pub const MIN_ALL: u64 = u64::MAX;

/// One limit as it was set. Bytes and ratio exclude each other by being variants of one value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limit {
    /// Not set.
    #[default]
    Max,
    /// Bytes, a multiple of the page size, at least [`MIN_PAGES`] and at most [`MAX_PAGES`] of
    /// them.
    Bytes(u64),
    /// A percentage of the cgroup's dirtyable memory.
    Ratio(Ratio),
}

impl Limit {
    /// What the bytes file reads: bytes, or `None` for `max`.
    pub const fn bytes(self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// What the ratio file reads: the percentage, or `None` for `max`.
    pub const fn ratio(self) -> Option<Ratio> {
        match self {
            Self::Ratio(ratio) => Some(ratio),
            _ => None,
        }
    }

    /// This limit after `bytes` (`None` for `max`) went into the bytes file.
    fn with_bytes(self, bytes: Option<u64>, page_shift: u32) -> Result<Self, ParseError> {
        match (bytes, self) {
            (None, Self::Bytes(_)) => Ok(Self::Max),
            (None, unchanged) => Ok(unchanged),
            (Some(bytes), _) => match pages(bytes, page_shift) {
                0..MIN_PAGES => Err(ParseError::TooSmall),
                MIN_PAGES..=MAX_PAGES => Ok(Self::Bytes(round_down(bytes, page_shift))),
                _ => Err(ParseError::Overflow),
            },
        }
    }

    /// This limit after `ratio` (`None` for `max`) went into the ratio file.
    const fn with_ratio(self, ratio: Option<Ratio>) -> Self {
        match (ratio, self) {
            (None, Self::Ratio(_)) => Self::Max,
            (None, unchanged) => unchanged,
            (Some(ratio), _) => Self::Ratio(ratio),
        }
    }

    /// The limit in pages when `dirtyable` pages could be dirty; `None` if not set.
    fn pages(self, dirtyable: u64, page_shift: u32) -> Option<u64> {
        let wanted = match self {
            Self::Max => return None,
            Self::Bytes(bytes) => pages(bytes, page_shift),
            Self::Ratio(ratio) => ratio.of(dirtyable),
        };

        Some(wanted.min(dirtyable).min(MAX_PAGES))
    }
}

/// What the limit files of one cgroup hold. The default is what a new cgroup has: nothing set.
///
/// Each `with_…` is the write of one file: it gives the configuration that results, or an error
/// when the old one is to stay. Writing `max` takes back what **that** file had set and nothing
/// else: `max` in the bytes file leaves a ratio in force, as the bytes file reads `max` already
/// then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The limit of the subtree.
    pub limit: Limit,
    /// The level from which the flusher works for the subtree.
    pub background: Limit,
    /// The floor: bytes, a multiple of the page size, or [`MIN_ALL`].
    pub min: u64,
}

impl Config {
    /// Whether every file holds its default, so that the cgroup must behave as on a stock kernel.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// `bytes` into `memory.dirty_limit_in_bytes`; `None` is `max`.
    pub fn with_limit_bytes(self, bytes: Option<u64>, page_shift: u32) -> Result<Self, ParseError> {
        Ok(Self {
            limit: self.limit.with_bytes(bytes, page_shift)?,
            ..self
        })
    }

    /// `ratio` into `memory.dirty_ratio`; `None` is `max`.
    pub const fn with_limit_ratio(self, ratio: Option<Ratio>) -> Self {
        Self {
            limit: self.limit.with_ratio(ratio),
            ..self
        }
    }

    /// `bytes` into `memory.dirty_background_limit_in_bytes`; `None` is `max`.
    pub fn with_background_bytes(
        self,
        bytes: Option<u64>,
        page_shift: u32,
    ) -> Result<Self, ParseError> {
        Ok(Self {
            background: self.background.with_bytes(bytes, page_shift)?,
            ..self
        })
    }

    /// `ratio` into `memory.dirty_background_ratio`; `None` is `max`.
    pub const fn with_background_ratio(self, ratio: Option<Ratio>) -> Self {
        Self {
            background: self.background.with_ratio(ratio),
            ..self
        }
    }

    /// `bytes` into `memory.dirty_min`; `None` is `max`, which for a floor is all memory.
    ///
    /// No floor is refused: less than a page is none, and more than there is claims all there is.
    pub fn with_min(self, bytes: Option<u64>, page_shift: u32) -> Self {
        Self {
            min: bytes.map_or(MIN_ALL, |bytes| round_down(bytes, page_shift)),
            ..self
        }
    }

    /// The floor in pages, at most [`MAX_PAGES`], so that floors of siblings add up without
    /// overflow.
    pub fn min_pages(&self, page_shift: u32) -> u64 {
        pages(self.min, page_shift).min(MAX_PAGES)
    }
}

/// The state of memory that limits depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// The cgroup's dirtyable memory, in pages.
    pub dirtyable: u64,
    /// The limit that the kernel derives from `vm.dirty_*` for this cgroup, in pages.
    pub system_limit: u64,
    /// The background limit that the kernel derives likewise, in pages.
    pub system_background: u64,
    /// The page size as a power of two.
    pub page_shift: u32,
}

/// The limits that replace what the kernel derived; `None` where the kernel's own stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effective {
    /// The limit, in pages.
    pub limit: Option<u64>,
    /// The background limit, in pages.
    pub background: Option<u64>,
}

impl Effective {
    /// The limit that holds now, the cgroup's own or else the kernel's, in pages.
    pub fn limit_in_force(&self, inputs: &Inputs) -> u64 {
        self.limit.unwrap_or(inputs.system_limit)
    }

    /// The background limit that holds now, the cgroup's own or else the kernel's, in pages.
    pub fn background_in_force(&self, inputs: &Inputs) -> u64 {
        self.background.unwrap_or(inputs.system_background)
    }
}

/// Computes the limits that `config` puts in place of the kernel's own.
///
/// A limit never exceeds the dirtyable memory, but is [`MIN_PAGES`] even if that is smaller: a
/// writer must get on, however short memory is. A background limit at or above the limit counts as
/// half of it, and none implies half. The limit it is compared with is the one that holds: without
/// a limit of its own, the cgroup's background limit works against the kernel's.
pub fn effective(config: &Config, inputs: &Inputs) -> Effective {
    let limit = config
        .limit
        .pages(inputs.dirtyable, inputs.page_shift)
        .map(|limit| limit.max(MIN_PAGES));

    let background = config.background.pages(inputs.dirtyable, inputs.page_shift);
    let background = match (background, limit) {
        (None, None) => None,
        (None, Some(limit)) => Some(limit / 2),
        (Some(background), limit) => {
            let limit = limit.unwrap_or(inputs.system_limit);
            Some(if background < limit {
                background
            } else {
                limit / 2
            })
        }
    };

    Effective {
        limit,
        // Zero would be above the background limit with nothing dirty.
        background: background.map(|background| background.max(1)),
    }
}

/// The whole pages in `bytes`.
fn pages(bytes: u64, page_shift: u32) -> u64 {
    bytes.checked_shr(page_shift).unwrap_or(0)
}

/// `bytes` rounded down to whole pages, in bytes.
fn round_down(bytes: u64, page_shift: u32) -> u64 {
    pages(bytes, page_shift)
        .checked_shl(page_shift)
        .unwrap_or(0)
}
