// SPDX-License-Identifier: GPL-2.0

//! Reads and writes of small files, with errors that name the file.

use crate::error::Action;
use crate::error::Error;
use crate::error::Result;
use nix::errno::Errno;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::CWD;
use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Write;
use std::os::fd::BorrowedFd;
use std::path::Path;

/// Returns whether the error means that the file does not exist or no longer exists: if a cgroup is
/// removed while its file is open, accesses fail with ENODEV; if it was removed before, opening
/// fails with ENOENT.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::ENOENT | Errno::ENODEV | Errno::ENOTDIR))
}

/// As much is read at a time. Most files of a cgroup are smaller.
const AT_ONCE: usize = 4096;

/// An upper bound for the size of all files that are read whole.
const MOST: u64 = 64 << 20;

/// Returns the content; `None` if the file is absent. Invalid UTF-8 is replaced: no file of
/// interest has any.
pub(crate) fn read(path: &Path) -> Result<Option<String>> {
    read_in(None, path)
}

/// Reads a file that holds paths in the same way.
pub(crate) fn read_bytes(path: &Path) -> Result<Option<Vec<u8>>> {
    read_bytes_in(None, path)
}

/// Reads a file in a directory that is held open, or else by its path.
pub(crate) fn read_in(dir: Option<BorrowedFd<'_>>, path: &Path) -> Result<Option<String>> {
    Ok(read_bytes_in(dir, path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

fn read_bytes_in(dir: Option<BorrowedFd<'_>>, path: &Path) -> Result<Option<Vec<u8>>> {
    let read = || {
        // Without room, read_to_end() begins with 32 bytes, and needs a system call for each
        // doubling.
        let mut bytes = Vec::with_capacity(AT_ONCE);
        open(dir, path, OFlags::RDONLY)?
            .take(MOST)
            .read_to_end(&mut bytes)?;
        match bytes.len() as u64 {
            MOST => Err(io::Error::from(Errno::EFBIG)),
            _ => Ok(bytes),
        }
    };
    match read() {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if is_gone(&error) => Ok(None),
        // A file that this kernel shows but does not support is as good as absent.
        Err(error) if error.raw_os_error() == Some(Errno::EOPNOTSUPP as i32) => Ok(None),
        Err(error) => Err(Error::io(Action::Read, path, error)),
    }
}

/// Writes `text` and a newline with a single system call, as `echo` does.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    write_in(None, path, text)
}

/// Writes to a file in a directory that is held open in the same way.
///
/// This does not use `write_all`, which would start over after a signal and run a trigger twice.
pub(crate) fn write_in(dir: Option<BorrowedFd<'_>>, path: &Path, text: &str) -> Result<()> {
    let line = format!("{text}\n");
    let write = || {
        let mut file = open(dir, path, OFlags::WRONLY | OFlags::TRUNC)?;
        match file.write(line.as_bytes())? {
            n if n == line.len() => Ok(()),
            _ => Err(io::Error::from(io::ErrorKind::WriteZero)),
        }
    };
    write().map_err(|error| Error::io(Action::Write(text.to_owned()), path, error))
}

/// Opens the file that `path` names. If `dir` is given, this is the file in that directory, even if
/// another directory has taken its place.
fn open(dir: Option<BorrowedFd<'_>>, path: &Path, flags: OFlags) -> io::Result<File> {
    let (dir, name) = match (dir, path.file_name()) {
        (Some(dir), Some(name)) => (dir, Path::new(name)),
        _ => (CWD, path),
    };
    let flags = flags | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::openat(
        dir,
        name,
        flags,
        Mode::empty(),
    )?))
}
