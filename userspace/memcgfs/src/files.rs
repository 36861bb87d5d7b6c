// SPDX-License-Identifier: GPL-2.0

//! Reading and writing one small file, with errors that name it.

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

/// Whether the error says that there is no such thing, or not any more: a cgroup that is removed while its file is
/// open answers ENODEV, one that was removed before answers ENOENT.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::ENOENT | Errno::ENODEV | Errno::ENOTDIR))
}

/// More than the kernel has to say in any file that is read whole.
const MOST: u64 = 64 << 20;

/// The content, `None` where the file is absent. What is not UTF-8 is replaced: no file of interest has any.
pub(crate) fn read(path: &Path) -> Result<Option<String>> {
    read_in(None, path)
}

/// The same for a file that holds paths.
pub(crate) fn read_bytes(path: &Path) -> Result<Option<Vec<u8>>> {
    read_bytes_in(None, path)
}

/// The content of a file in a directory that is held open, or else by its path.
pub(crate) fn read_in(dir: Option<BorrowedFd<'_>>, path: &Path) -> Result<Option<String>> {
    Ok(read_bytes_in(dir, path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

fn read_bytes_in(dir: Option<BorrowedFd<'_>>, path: &Path) -> Result<Option<Vec<u8>>> {
    let read = || {
        let mut bytes = Vec::new();
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
        // A file that this kernel shows but does not serve offers as little as an absent one.
        Err(error) if error.raw_os_error() == Some(Errno::EOPNOTSUPP as i32) => Ok(None),
        Err(error) => Err(Error::io(Action::Read, path, error)),
    }
}

/// Write `text` and a newline by one system call, as `echo` does.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    write_in(None, path, text)
}

/// The same for a file in a directory that is held open.
///
/// `write_all` is not used because it would start again after a signal, and a trigger would run twice.
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

/// Open the file that `path` names, in `dir` if that is given: whatever has taken the place of the directory, it is
/// this one's file.
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
