// SPDX-License-Identifier: GPL-2.0

//! What one cgroup's dirty limit files hold, and which limits in pages follow from it now.
//!
//! A [`Config`] is what was written; [`effective`] turns it and the state of memory into pages.
//! Where writers stop for a limit is in `levels.rs`, how floors are granted in `floors.rs`.

use super::pace::Pace;
use super::ratio::Ratio;
use super::size::ParseError;
use super::units::{Bytes, Pages};

/// The smallest limit: one page that is dirty and one that is being written.
pub const MIN: Pages = Pages(2);

/// The greatest limit. The kernel's dirty limits are computed in 32 bits.
pub const MAX: Pages = Pages(u32::MAX as u64);

/// The `dirty_min` that stands for all memory; read back as `max`.
///
/// It is no multiple of a page, hence distinct from every floor that was written as a number.
pub const MIN_ALL: Bytes = Bytes(u64::MAX);

/// One limit as it was set. Bytes and ratio exclude each other by being variants of one value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Setting {
    /// Not set.
    #[default]
    Max,
    /// A size, a multiple of the page size, at least [`MIN`] and at most [`MAX`].
    Bytes(Bytes),
    /// A percentage of the cgroup's dirtyable memory.
    Ratio(Ratio),
}

impl Setting {
    /// What the bytes file reads: bytes, or `None` for `max`.
    pub const fn bytes(self) -> Option<Bytes> {
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
    fn with_bytes(self, bytes: Option<Bytes>, page_shift: u32) -> Result<Self, ParseError> {
        match (bytes, self) {
            (None, Self::Bytes(_)) => Ok(Self::Max),
            (None, unchanged) => Ok(unchanged),
            (Some(bytes), _) => match bytes.pages(page_shift) {
                pages if pages < MIN => Err(ParseError::TooSmall),
                pages if pages > MAX => Err(ParseError::Overflow),
                _ => Ok(Self::Bytes(bytes.round_down(page_shift))),
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

    /// The limit when as much as `dirtyable` could be dirty; `None` if not set.
    fn pages(self, dirtyable: Pages, page_shift: u32) -> Option<Pages> {
        let wanted = match self {
            Self::Max => return None,
            Self::Bytes(bytes) => bytes.pages(page_shift),
            Self::Ratio(ratio) => ratio.of(dirtyable),
        };

        Some(wanted.min(dirtyable).min(MAX))
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
    pub limit: Setting,
    /// The level from which the flusher works for the subtree.
    pub background: Setting,
    /// The floor: a multiple of the page size, or [`MIN_ALL`].
    pub min: Bytes,
    /// The pace of writeback.
    pub pace: Pace,
}

impl Config {
    /// Whether every file holds its default, so that the cgroup must behave as on a stock kernel.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// `bytes` into `memory.dirty_limit_in_bytes`; `None` is `max`.
    pub fn with_limit_bytes(
        self,
        bytes: Option<Bytes>,
        page_shift: u32,
    ) -> Result<Self, ParseError> {
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
        bytes: Option<Bytes>,
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
    pub fn with_min(self, bytes: Option<Bytes>, page_shift: u32) -> Self {
        Self {
            min: bytes.map_or(MIN_ALL, |bytes| bytes.round_down(page_shift)),
            ..self
        }
    }

    /// `pace` into `memory.dirty_pace_usec`.
    pub const fn with_pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// The floor, at most [`MAX`], so that floors of siblings add up without overflow.
    pub fn min_pages(&self, page_shift: u32) -> Pages {
        self.min.pages(page_shift).min(MAX)
    }
}

/// The state of memory that limits depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// The cgroup's dirtyable memory.
    pub dirtyable: Pages,
    /// The limit that the kernel derives from `vm.dirty_*` for this cgroup.
    pub system_limit: Pages,
    /// The background limit that the kernel derives likewise.
    pub system_background: Pages,
    /// The page size as a power of two.
    pub page_shift: u32,
}

/// The limits that replace what the kernel derived; `None` where the kernel's own stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effective {
    /// The limit.
    pub limit: Option<Pages>,
    /// The background limit.
    pub background: Option<Pages>,
}

impl Effective {
    /// The limit that holds now, the cgroup's own or else the kernel's.
    pub fn limit_in_force(&self, inputs: &Inputs) -> Pages {
        self.limit.unwrap_or(inputs.system_limit)
    }

    /// The background limit that holds now, the cgroup's own or else the kernel's.
    pub fn background_in_force(&self, inputs: &Inputs) -> Pages {
        self.background.unwrap_or(inputs.system_background)
    }
}

/// The limits that hold for a cgroup's writers: its own or derived ones, and those of the cgroups
/// above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InForce {
    /// The limit.
    pub limit: Pages,
    /// The background limit.
    pub background: Pages,
}

impl InForce {
    /// What holds because of the cgroup itself.
    pub fn new(config: &Config, inputs: &Inputs) -> Self {
        let own = effective(config, inputs);

        Self {
            limit: own.limit_in_force(inputs),
            background: own.background_in_force(inputs),
        }
    }

    /// The same with a cgroup above it. One that has nothing but a floor limits nobody.
    pub fn below(self, config: &Config, inputs: &Inputs) -> Self {
        if effective(config, inputs) == Effective::default() {
            return self;
        }
        let above = Self::new(config, inputs);

        Self {
            limit: self.limit.min(above.limit),
            background: self.background.min(above.background),
        }
    }
}

/// Computes the limits that `config` puts in place of the kernel's own.
///
/// A limit never exceeds the dirtyable memory, but is [`MIN`] even if that is smaller: a
/// writer must get on, however short memory is. A background limit at or above the limit counts as
/// half of it, and none implies half. The limit it is compared with is the one that holds: without
/// a limit of its own, the cgroup's background limit works against the kernel's.
pub fn effective(config: &Config, inputs: &Inputs) -> Effective {
    let limit = config
        .limit
        .pages(inputs.dirtyable, inputs.page_shift)
        .map(|limit| limit.max(MIN));

    let background = config.background.pages(inputs.dirtyable, inputs.page_shift);
    let background = match (background, limit) {
        (None, None) => None,
        (None, Some(limit)) => Some(limit.half()),
        (Some(background), limit) => {
            let limit = limit.unwrap_or(inputs.system_limit);
            Some(if background < limit {
                background
            } else {
                limit.half()
            })
        }
    };

    Effective {
        limit,
        // Zero would be above the background limit with nothing dirty.
        background: background.map(|background| background.max(Pages(1))),
    }
}
