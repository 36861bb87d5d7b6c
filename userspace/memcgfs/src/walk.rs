// SPDX-License-Identifier: GPL-2.0

//! A cgroup and all below it, each before those below it.

use crate::cgroup::Cgroup;
use crate::error::Result;

/// An iterator over a cgroup and those below it, with how far below each is. What vanishes meanwhile is left out; a
/// cgroup that cannot be listed is an error beside the cgroup itself.
pub struct Walk {
    /// What is still to be visited, the next one at the end.
    stack: Vec<(Cgroup, usize)>,
    deepest: usize,
    failed: Option<crate::error::Error>,
}

impl Walk {
    /// All cgroups from this one on that are no more than `deepest` levels below it.
    pub fn new(top: Cgroup, deepest: Option<usize>) -> Self {
        Self {
            stack: vec![(top, 0)],
            deepest: deepest.unwrap_or(usize::MAX),
            failed: None,
        }
    }
}

impl Iterator for Walk {
    type Item = Result<(Cgroup, usize)>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            return Some(Err(error));
        }
        let (cgroup, depth) = self.stack.pop()?;
        if depth < self.deepest {
            match cgroup.children() {
                Ok(children) => {
                    let below = children.into_iter().rev();
                    self.stack.extend(below.map(|child| (child, depth + 1)));
                }
                Err(error) => self.failed = Some(error),
            }
        }
        Some(Ok((cgroup, depth)))
    }
}
