// SPDX-License-Identifier: GPL-2.0

//! The source of the rows: the live machine or a recording.

use super::row::Row;
use super::sampler::Sampler;
use crate::cmd_record::player::Player;
use memcgfs::derivation::State;
use memcgfs::derivation::SystemLevel;

/// The source of the rows.
pub enum Source {
    Live(Sampler),
    Replay(Player),
}

/// The figures of the whole system. All sizes are bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemFigures {
    pub dirty: u64,
    pub writeback: u64,
    pub limit: u64,
    pub state: State,
}

impl SystemFigures {
    pub fn new(level: &SystemLevel) -> Self {
        let bytes = memcgfs::page::bytes;
        Self {
            dirty: bytes(level.raw.dirty),
            writeback: bytes(level.raw.writeback),
            limit: level.bound.limit,
            state: level.state(),
        }
    }
}

impl Source {
    /// Returns the rows of the last sample.
    pub fn rows(&self) -> &[Row] {
        match self {
            Self::Live(sampler) => sampler.rows(),
            Self::Replay(player) => player.rows(),
        }
    }

    /// Returns the system's figures at the last sample.
    pub fn system(&self) -> Option<SystemFigures> {
        match self {
            Self::Live(sampler) => sampler.system().map(SystemFigures::new),
            Self::Replay(player) => player.system(),
        }
    }

    /// Returns the number of cgroups that could not be read at the last sample.
    pub fn unreadable(&self) -> usize {
        match self {
            Self::Live(sampler) => sampler.unreadable,
            Self::Replay(_) => 0,
        }
    }

    /// Takes a sample, or moves to the next recorded one.
    pub fn look(&mut self) {
        match self {
            Self::Live(sampler) => sampler.look(),
            Self::Replay(player) => player.step(1),
        }
    }

    /// Moves by this many samples in a recording.
    pub fn step(&mut self, looks: isize) {
        if let Self::Replay(player) = self {
            player.step(looks);
        }
    }

    /// Reads the inherited memory of these rows.
    pub fn read_inherited(&mut self, indices: impl IntoIterator<Item = usize>) {
        if let Self::Live(sampler) = self {
            sampler.read_inherited(indices);
        }
    }

    /// Describes the position in a recording.
    pub fn replayed(&self) -> Option<String> {
        match self {
            Self::Live(_) => None,
            Self::Replay(player) => Some(player.place()),
        }
    }
}
