// SPDX-License-Identifier: GPL-2.0

//! Iteration over a cgroup and its descendants, parents first.

use crate::cgroup::Cgroup;
use crate::error::Result;

/// An iterator over a cgroup and its descendants, with the depth of each. Cgroups that vanish
/// meanwhile are left out; for a cgroup whose children cannot be listed, an error is returned in
/// addition to the cgroup itself.
pub struct Walk {
    /// The cgroups that are yet to be visited, the next one last.
    stack: Vec<(Cgroup, usize)>,
    deepest: usize,
    failed: Option<crate::error::Error>,
}

impl Walk {
    /// Creates an iterator that starts at `top` and descends at most `deepest` levels.
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
