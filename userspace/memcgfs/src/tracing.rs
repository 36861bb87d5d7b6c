// SPDX-License-Identifier: GPL-2.0

//! The kernel's tracepoints for dirty limits, in a separate tracefs instance, so that other users'
//! tracing is not disturbed and nothing is left behind.

mod event;

pub use event::Event;
pub use event::Line;
pub use event::Throttle;
pub use event::What;

use crate::error::Action;
use crate::error::Error;
use crate::error::Result;
use crate::files;
use crate::host::Host;
use nix::fcntl::OFlag;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process;
use std::thread;
use std::time::Duration;

/// The events, as group and name. Each may be absent: those of memory cgroups come with the patch
/// series, and their group used to have another name.
const EVENTS: [(&[&str], &[&str]); 2] = [
    (&["writeback"], &["balance_dirty_pages", "flush_foreign"]),
    (
        &["memcg_policy", "memcg_policy"],
        &[
            "memcg_dirty_throttle",
            "memcg_dirty_paced",
            "memcg_recharge",
            "memcg_redirect",
        ],
    ),
];

/// The prefix of this tool's instances; the process ID follows.
const PREFIX: &str = "memcgctl-";

/// A tracing instance, removed on drop.
#[derive(Debug)]
pub struct Instance {
    dir: PathBuf,
    /// Closed before the directory is removed, which would fail otherwise.
    pipe: Option<File>,
}

impl Instance {
    /// Creates an instance and enables the available events.
    pub fn make(host: &Host) -> Result<Self> {
        let instances = tracefs(host)?.join("instances");
        remove_stale(host, &instances);
        let dir = instances.join(format!("{PREFIX}{}", process::id()));
        match fs::create_dir(&dir) {
            Ok(()) => {}
            // A killed process with the same PID may have left an instance, which is usable.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::io(Action::Make, &dir, error)),
        }
        let mut instance = Self { dir, pipe: None };
        instance.start()?;
        Ok(instance)
    }

    fn start(&mut self) -> Result<()> {
        // By default, a wait for events may last until half of the buffer is full.
        let percent = self.dir.join("buffer_percent");
        if percent.exists() {
            files::write(&percent, "0")?;
        }
        let mut any = false;
        for (groups, names) in EVENTS {
            for event in groups
                .iter()
                .flat_map(|group| names.iter().map(move |name| [group, name]))
            {
                let enable = self
                    .dir
                    .join("events")
                    .join(event.iter().collect::<PathBuf>())
                    .join("enable");
                if enable.exists() {
                    files::write(&enable, "1")?;
                    any = true;
                }
            }
        }
        if !any {
            return Err(Error::Unsupported(
                "this kernel has none of the tracepoints; it needs CONFIG_EVENT_TRACING",
            ));
        }
        let path = self.dir.join("trace_pipe");
        let pipe = OpenOptions::new()
            .read(true)
            .custom_flags(OFlag::O_NONBLOCK.bits())
            .open(&path);
        self.pipe = Some(pipe.map_err(|error| Error::io(Action::Read, &path, error))?);
        Ok(())
    }

    /// Returns the descriptor to poll for more events.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(File::as_fd)
    }

    /// Reads what is available without waiting; returns 0 if that is nothing.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let Some(pipe) = &mut self.pipe else {
            return Ok(0);
        };
        match pipe.read(buffer) {
            Ok(length) => Ok(length),
            Err(error) if is_for_now(&error) => Ok(0),
            Err(error) => Err(Error::io(Action::Read, &self.dir.join("trace_pipe"), error)),
        }
    }
}

fn is_for_now(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.pipe = None;
        // The instance stays busy for a moment after its last reader has gone.
        for _ in 0..50 {
            match fs::remove_dir(&self.dir) {
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                    thread::sleep(Duration::from_millis(10));
                }
                _ => break,
            }
        }
    }
}

/// Removes the instances of processes that were killed. The kernel refuses that if one is still in
/// use.
fn remove_stale(host: &Host, instances: &Path) {
    let Ok(entries) = fs::read_dir(instances) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        if pid.is_some_and(|pid| pid.parse::<u32>().is_ok() && !host.proc(pid).exists()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

/// Returns where tracefs is mounted.
fn tracefs(host: &Host) -> Result<PathBuf> {
    let usual = ["kernel/tracing", "kernel/debug/tracing"].map(|path| host.sys(path));
    let mounts = host.mounts()?.into_iter();
    let others = mounts
        .filter(|mount| mount.fs_type == "tracefs")
        .map(|mount| mount.point);
    for path in usual.into_iter().chain(others) {
        let instances = path.join("instances");
        match fs::metadata(&instances) {
            Ok(metadata) if metadata.is_dir() => return Ok(path),
            // It exists, but this user lacks permission.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(Error::io(Action::List, &instances, error));
            }
            _ => {}
        }
    }
    Err(Error::Unsupported(
        "no tracefs is mounted; as root: mount -t tracefs tracefs /sys/kernel/tracing",
    ))
}
