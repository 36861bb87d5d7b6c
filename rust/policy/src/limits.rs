// SPDX-License-Identifier: GPL-2.0

//! The values of a cgroup's dirty limit files, and the limits in pages that follow from them.
//!
//! A [`Config`] holds what was written; [`effective`] combines it with the state of memory into
//! limits in pages. `levels.rs` computes where writers stop for a limit, `floors.rs` how floors are
//! granted.

use super::pace::Pace;
use super::ratio::Ratio;
use super::size::ParseError;
use super::units::{Bytes, Pages};

/// The smallest limit: one dirty page and one under writeback.
pub const MIN: Pages = Pages(2);

/// The greatest limit. The kernel computes dirty limits in 32 bits.
pub const MAX: Pages = Pages(u32::MAX as u64);

/// The value of `dirty_min` that stands for all memory; reads as `max`.
///
/// It is not a multiple of the page size, hence distinct from every floor written as a number.
pub const MIN_ALL: Bytes = Bytes(u64::MAX);

/// One limit as it was set: in bytes or as a ratio, never both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Setting {
    /// Not set.
    #[default]
    Max,
    /// A size: a multiple of the page size, at least [`MIN`] and at most [`MAX`].
    Bytes(Bytes),
    /// A percentage of the cgroup's dirtyable memory.
    Ratio(Ratio),
}

impl Setting {
    /// Returns the value of the bytes file; `None` is `max`.
    pub const fn bytes(self) -> Option<Bytes> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Returns the value of the ratio file; `None` is `max`.
    pub const fn ratio(self) -> Option<Ratio> {
        match self {
            Self::Ratio(ratio) => Some(ratio),
            _ => None,
        }
    }

    /// Returns the setting that results from writing `bytes` (`None` is `max`) to the bytes file.
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

    /// Returns the setting that results from writing `ratio` (`None` is `max`) to the ratio file.
    const fn with_ratio(self, ratio: Option<Ratio>) -> Self {
        match (ratio, self) {
            (None, Self::Ratio(_)) => Self::Max,
            (None, unchanged) => unchanged,
            (Some(ratio), _) => Self::Ratio(ratio),
        }
    }

    /// Returns the limit if up to `dirtyable` pages can be dirty; `None` if not set.
    fn pages(self, dirtyable: Pages, page_shift: u32) -> Option<Pages> {
        let wanted = match self {
            Self::Max => return None,
            Self::Bytes(bytes) => bytes.pages(page_shift),
            Self::Ratio(ratio) => ratio.of(dirtyable),
        };

        Some(wanted.min(dirtyable).min(MAX))
    }
}

/// The values of a cgroup's dirty page files. The default is that of a new cgroup: nothing set.
///
/// Each `with_…` method models a write to one file: it returns the resulting configuration, or an
/// error if the old one remains. Writing `max` undoes only what **that** file has set: `max` in the
/// bytes file leaves a ratio in force, since in that case the bytes file reads `max` already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The limit of the subtree.
    pub limit: Setting,
    /// The level above which the flushers run for the subtree.
    pub background: Setting,
    /// The floor: a multiple of the page size, or [`MIN_ALL`].
    pub min: Bytes,
    /// The pace of writeback.
    pub pace: Pace,
}

impl Config {
    /// Returns whether every file has its default, so that the cgroup must behave as on an
    /// unpatched kernel.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Writes `bytes` to `memory.dirty_limit_in_bytes`; `None` is `max`.
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

    /// Writes `ratio` to `memory.dirty_ratio`; `None` is `max`.
    pub const fn with_limit_ratio(self, ratio: Option<Ratio>) -> Self {
        Self {
            limit: self.limit.with_ratio(ratio),
            ..self
        }
    }

    /// Writes `bytes` to `memory.dirty_background_limit_in_bytes`; `None` is `max`.
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

    /// Writes `ratio` to `memory.dirty_background_ratio`; `None` is `max`.
    pub const fn with_background_ratio(self, ratio: Option<Ratio>) -> Self {
        Self {
            background: self.background.with_ratio(ratio),
            ..self
        }
    }

    /// Writes `bytes` to `memory.dirty_min`; `None` is `max`, which for a floor means all memory.
    ///
    /// Every floor is accepted: less than a page means no floor, and more than all memory means all
    /// memory.
    pub fn with_min(self, bytes: Option<Bytes>, page_shift: u32) -> Self {
        Self {
            min: bytes.map_or(MIN_ALL, |bytes| bytes.round_down(page_shift)),
            ..self
        }
    }

    /// Writes `pace` to `memory.dirty_pace_usec`.
    pub const fn with_pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// Returns the floor, at most [`MAX`], so that the floors of siblings add up without overflow.
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
    /// The background limit that the kernel derives from them.
    pub system_background: Pages,
    /// The page size as a power of two.
    pub page_shift: u32,
}

/// The limits that replace those derived by the kernel; `None` if the kernel's own applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effective {
    /// The limit.
    pub limit: Option<Pages>,
    /// The background limit.
    pub background: Option<Pages>,
}

impl Effective {
    /// Returns the limit that applies: the cgroup's own if set, else the kernel's.
    pub fn limit_in_force(&self, inputs: &Inputs) -> Pages {
        self.limit.unwrap_or(inputs.system_limit)
    }

    /// Returns the background limit that applies: the cgroup's own if set, else the kernel's.
    pub fn background_in_force(&self, inputs: &Inputs) -> Pages {
        self.background.unwrap_or(inputs.system_background)
    }
}

/// The limits that apply to a cgroup's writers: its own or derived ones, combined with those of its
/// ancestors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InForce {
    /// The limit.
    pub limit: Pages,
    /// The background limit.
    pub background: Pages,
}

impl InForce {
    /// Returns the limits that apply because of the cgroup itself.
    pub fn new(config: &Config, inputs: &Inputs) -> Self {
        let own = effective(config, inputs);

        Self {
            limit: own.limit_in_force(inputs),
            background: own.background_in_force(inputs),
        }
    }

    /// Adds the limits of an ancestor. One for which only a floor is set limits nothing.
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
/// A limit never exceeds the dirtyable memory, but is never below [`MIN`] either, so that writers
/// make progress however short memory is. A background limit at or above the limit is reduced to
/// half of the limit; if only a limit is set, the background limit is half of it. If only a
/// background limit is set, it is compared with the kernel's limit.
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
        // Zero would start the flushers for every single dirty page.
        background: background.map(|background| background.max(Pages(1))),
    }
}
