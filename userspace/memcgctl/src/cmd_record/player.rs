// SPDX-License-Identifier: GPL-2.0

//! Playback of a recording, sample by sample. Only the offsets of its lines are kept in memory.

use super::frame::Figures;
use super::frame::Frame;
use crate::cmd_top::row::Row;
use crate::cmd_top::row::TRAIL;
use crate::cmd_top::source::SystemFigures;
use anyhow::anyhow;
use anyhow::bail;
use memcgfs::escaped;
use memcgfs::in_words;
use memcgfs::Hierarchy;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Seek;
use std::io::SeekFrom;
use std::path::Path;
use std::time::Duration;

/// A recording and the current position in it.
pub struct Player {
    file: BufReader<File>,
    /// The start of each frame, and whether it is complete.
    frames: Vec<(u64, bool)>,
    /// The frame that is shown; `None` before the first.
    at: Option<usize>,
    first_usec: u64,
    time_usec: u64,
    system: Option<SystemFigures>,
    /// The cgroups, keyed by the components of their paths, so that parents come first.
    cgroups: BTreeMap<Vec<String>, Row>,
    rows: Vec<Row>,
}

impl Player {
    /// Opens a recording, positioned before its first sample.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let failed =
            |error: io::Error| anyhow!("cannot read {}: {}", escaped(path), in_words(&error));
        let mut file = BufReader::new(File::open(path).map_err(failed)?);
        let mut frames = Vec::new();
        let (mut line, mut start, mut first_usec) = (Vec::new(), 0, 0);
        loop {
            line.clear();
            let length = file.read_until(b'\n', &mut line).map_err(failed)?;
            // A line that is still being written has no newline yet.
            if !line.ends_with(b"\n") {
                break;
            }
            let frame: Frame = serde_json::from_slice(&line).map_err(|error| {
                let number = frames.len() + 1;
                anyhow!(
                    "{}:{number}: no recording of memcgctl: {error}",
                    escaped(path)
                )
            })?;
            if frame.version != 1 {
                bail!("{}: a recording of a newer memcgctl", escaped(path));
            }
            if frames.is_empty() {
                first_usec = frame.time_usec;
            }
            frames.push((start, frame.whole));
            start += length as u64;
        }
        if !frames.first().is_some_and(|(_, whole)| *whole) {
            bail!("{}: the recording is empty", escaped(path));
        }
        Ok(Self {
            file,
            frames,
            at: None,
            first_usec,
            time_usec: first_usec,
            system: None,
            cgroups: BTreeMap::new(),
            rows: Vec::new(),
        })
    }

    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub fn system(&self) -> Option<SystemFigures> {
        self.system
    }

    /// Describes the position in the recording.
    pub fn place(&self) -> String {
        let at = self.at.map_or(0, |at| at + 1);
        let since = Duration::from_micros(self.time_usec.saturating_sub(self.first_usec));
        format!(
            "sample {at} of {} at {:.1}s (, earlier . later)",
            self.frames.len(),
            since.as_secs_f64()
        )
    }

    /// Moves forward or back by this many samples, within the recording.
    pub fn step(&mut self, looks: isize) {
        let last = self.frames.len().saturating_sub(1);
        let target = match self.at {
            None => 0,
            Some(at) => at.saturating_add_signed(looks).min(last),
        };
        let next = self.at.map_or(0, |at| at + 1);
        let start = match target >= next && target - next < TRAIL {
            true => next,
            false => {
                // Start at a complete sample that is early enough to fill the history.
                let early = target.saturating_sub(TRAIL);
                let mut frames = self.frames.iter().take(early + 1);
                let whole = frames.rposition(|(_, whole)| *whole);
                self.cgroups.clear();
                whole.unwrap_or(0)
            }
        };
        for index in start..=target {
            // A sample that can no longer be read changes nothing.
            if let Ok(frame) = self.read(index) {
                self.show(&frame);
            }
        }
        self.at = Some(target);
        self.rows = self.cgroups.values().cloned().collect();
    }

    fn read(&mut self, index: usize) -> anyhow::Result<Frame> {
        let (start, _) = self.frames.get(index).ok_or(anyhow!("no such sample"))?;
        self.file.seek(SeekFrom::Start(*start))?;
        let mut line = Vec::new();
        self.file.read_until(b'\n', &mut line)?;
        Ok(serde_json::from_slice(&line)?)
    }

    fn show(&mut self, frame: &Frame) {
        self.time_usec = frame.time_usec;
        self.system = frame.system.map(SystemFigures::from);
        if frame.whole {
            let there: Vec<_> = frame
                .cgroups
                .iter()
                .map(|figures| key(&figures.cgroup))
                .collect();
            self.cgroups.retain(|known, _| there.contains(known));
        }
        for name in &frame.gone {
            self.cgroups.remove(&key(name));
        }
        for figures in &frame.cgroups {
            self.fill(figures);
        }
        let top = self.cgroups.keys().map(Vec::len).min().unwrap_or(0);
        for (key, row) in &mut self.cgroups {
            row.depth = key.len() - top;
            row.remember();
        }
    }

    fn fill(&mut self, figures: &Figures) {
        let key = key(&figures.cgroup);
        let path = Path::new("/").join(key.join("/"));
        // The path is only parsed, not accessed.
        let Some(cgroup) = Hierarchy::at("/").shown(&path) else {
            return;
        };
        let row = self
            .cgroups
            .entry(key)
            .or_insert_with(|| Row::new(cgroup, 0));
        figures.fill(row);
    }
}

/// Splits a path into its components.
fn key(path: &str) -> Vec<String> {
    path.split('/')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}
