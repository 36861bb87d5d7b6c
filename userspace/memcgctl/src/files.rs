// SPDX-License-Identifier: GPL-2.0

//! How many files may be open: each cgroup that a command is about is held open.

use nix::sys::resource::getrlimit;
use nix::sys::resource::setrlimit;
use nix::sys::resource::Resource;

/// Allow as many as this process may have.
pub fn allow_many() {
    // Where that fails there are fewer, and a command that needs more says so.
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        if soft < hard {
            let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
        }
    }
}
