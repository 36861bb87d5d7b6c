// SPDX-License-Identifier: GPL-2.0

//! The library on a made-up cgroup directory.

#![allow(
    clippy::unwrap_used,
    reason = "a test says what went wrong by panicking"
)]

mod agreement;
mod cgroup;
mod charges;
mod derivation;
mod hierarchy;
mod host;
mod origin;
mod plan;
mod properties;
mod settings;

use std::fs;
use std::path::Path;

/// Write a file, and the directories above it.
fn put(dir: &Path, file: impl AsRef<Path>, content: impl AsRef<[u8]>) {
    let path = dir.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}
