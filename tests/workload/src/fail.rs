// SPDX-License-Identifier: GPL-2.0

//! `fail`: a call for which the kernel runs out of memory, at each place where it asks for some.
//!
//! The kernel's fault injection counts the allocations of one task and refuses the n-th (`fail-nth`). So the call is
//! made with n = 1, 2, ... until there are not so many. Each time it either succeeds all the same, and is undone, or it
//! fails and has changed nothing; what else may go wrong is for the kernel's own checks to find.

use crate::error::Context;
use crate::error::Result;
use crate::mount;
use nix::errno::Errno;
use nix::kmod::DeleteModuleFlags;
use nix::kmod::ModuleInitFlags;
use nix::kmod::delete_module;
use nix::kmod::finit_module;
use std::collections::BTreeMap;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::path::PathBuf;

/// More than any call needs.
const NONE: u32 = 1 << 24;

#[derive(clap::Args)]
pub struct Args {
    /// Only the last so many allocations.
    #[arg(long)]
    last: Option<u32>,
    #[command(subcommand)]
    call: Call,
}

#[derive(clap::Subcommand)]
enum Call {
    /// Make a directory.
    Mkdir {
        /// It must not exist.
        path: PathBuf,
    },
    /// Write a value to a file that reads back otherwise.
    Put {
        file: PathBuf,
        value: String,
        /// What to write to have it as it was.
        back: String,
    },
    /// Mount a file system.
    Mount(mount::Args),
    /// Load a module.
    Insmod {
        file: PathBuf,
        /// Its name.
        name: String,
    },
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

fn write(file: &Path, value: &str) -> nix::Result<()> {
    let file = OpenOptions::new().write(true).open(file);
    let file = file.map_err(|error| errno(&error))?;
    nix::unistd::write(&file, value.as_bytes()).map(drop)
}

impl Call {
    fn make(&self) -> nix::Result<()> {
        match self {
            Self::Mkdir { path } => fs::create_dir(path).map_err(|error| errno(&error)),
            Self::Put { file, value, .. } => write(file, value),
            Self::Mount(args) => mount::attempt(args),
            Self::Insmod { file, .. } => {
                let file = File::open(file).map_err(|error| errno(&error))?;
                finit_module(&file, c"", ModuleInitFlags::empty())
            }
        }
    }

    fn undo(&self) -> Result<()> {
        match self {
            Self::Mkdir { path } => fs::remove_dir(path).context("rmdir"),
            Self::Put { file, back, .. } => write(file, back).context("put back"),
            Self::Mount(args) => nix::mount::umount(&args.point).context("umount"),
            Self::Insmod { name, .. } => {
                let name = std::ffi::CString::new(name.as_str()).context(name)?;
                delete_module(&name, DeleteModuleFlags::O_NONBLOCK).context("rmmod")
            }
        }
    }

    /// What shows whether it has happened.
    fn state(&self) -> Result<String> {
        match self {
            Self::Mkdir { path } => Ok(path.exists().to_string()),
            Self::Put { file, .. } => fs::read_to_string(file).context(file.display()),
            Self::Mount(_) => fs::read_to_string("/proc/self/mounts").context("mounts"),
            Self::Insmod { name, .. } => {
                Ok(Path::new("/sys/module").join(name).exists().to_string())
            }
        }
    }
}

/// The countdown of this task.
struct Countdown(File);

impl Countdown {
    fn open() -> Result<Self> {
        let path = "/proc/thread-self/fail-nth";
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        options.open(path).map(Self).context(path)
    }

    /// Makes the call with its `nth` allocation failing; also how many it came short of that.
    fn run(&self, nth: u32, call: &Call) -> Result<(nix::Result<()>, u32)> {
        let set = |n: u32| self.0.write_all_at(n.to_string().as_bytes(), 0);
        set(nth).context("fail-nth")?;
        let result = call.make();
        let mut buffer = [0; 16];
        let length = self.0.read_at(&mut buffer, 0);
        set(0).context("fail-nth")?;
        let text = String::from_utf8_lossy(&buffer[..length.context("fail-nth")?]);
        let left = text.trim_end_matches('\0').trim();
        Ok((result, left.parse().context("fail-nth")?))
    }
}

pub fn run(args: &Args) -> Result<()> {
    let call = &args.call;
    let countdown = Countdown::open()?;
    let before = call.state()?;
    // What is only allocated the first time is there then.
    let mut needed = 0;
    for _ in 0..2 {
        let (result, left) = countdown.run(NONE, call)?;
        result.context("without a failure")?;
        if call.state()? == before {
            return Err("the call changes nothing".to_owned());
        }
        call.undo()?;
        needed = NONE - left;
    }

    let (mut calls, mut failed, mut changed) = (0, 0, 0);
    let mut errnos = BTreeMap::new();
    for nth in needed.saturating_sub(args.last.unwrap_or(needed)) + 1.. {
        let (result, left) = countdown.run(nth, call)?;
        calls += 1;
        match result {
            Ok(()) => call.undo()?,
            Err(errno) => {
                failed += 1;
                *errnos.entry(format!("{errno:?}")).or_insert(0) += 1;
                // Some of it may be undone a little later.
                if call.state()? != before {
                    changed += 1;
                    eprintln!("{errno:?} from the allocation {nth}, but it has taken effect");
                    call.undo()?;
                }
            }
        }
        if left != 0 {
            break;
        }
    }
    let errnos: Vec<_> = errnos
        .iter()
        .map(|(name, count)| format!("{name}:{count}"))
        .collect();
    println!(
        "needed={needed} calls={calls} failed={failed} changed={changed} errnos={}",
        errnos.join(",")
    );
    Ok(())
}
