// SPDX-License-Identifier: GPL-2.0

//! The limit of open files: each cgroup that a command is about is held open.

use nix::sys::resource::getrlimit;
use nix::sys::resource::setrlimit;
use nix::sys::resource::Resource;

/// Raises the limit as far as this process may.
pub fn allow_many() {
    // If that fails, fewer files may be open, and a command that needs more reports an error.
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        if soft < hard {
            let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
        }
    }
}
