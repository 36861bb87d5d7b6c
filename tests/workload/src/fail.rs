// SPDX-License-Identifier: GPL-2.0

//! `fail`: makes a system call fail for lack of memory at each of its allocations in turn.
//!
//! The kernel's fault injection counts the allocations of one task and makes the n-th fail
//! (`fail-nth`). The call is repeated with n = 1, 2, ... until it has fewer allocations. Each time
//! it either succeeds all the same, and is undone, or it must fail without having changed anything.
//! Other consequences are for the kernel's own checks to detect.

use crate::cgroup;
use crate::control;
use crate::error::Context;
use crate::error::Result;
use crate::keep;
use crate::mount;
use nix::errno::Errno;
use nix::kmod::DeleteModuleFlags;
use nix::kmod::ModuleInitFlags;
use nix::kmod::delete_module;
use nix::kmod::finit_module;
use nix::mount::MsFlags;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

/// More than the allocations of any call.
const NONE: u32 = 1 << 24;

#[derive(clap::Args)]
pub struct Args {
    /// Inject failures only into the last N allocations.
    #[arg(long)]
    last: Option<u32>,
    #[command(subcommand)]
    call: Call,
}

#[derive(clap::Subcommand)]
enum Call {
    /// Make a directory.
    Mkdir {
        /// The directory, which must not exist.
        path: PathBuf,
    },
    /// Write a value to a file that has another value.
    Put {
        file: PathBuf,
        value: String,
        /// The value to write to restore it.
        back: String,
    },
    /// Mount a file system, or mount one again.
    Mount(mount::Args),
    /// Mount a file system by `mount(2)`.
    MountOld {
        point: PathBuf,
        options: String,
        /// The type of the file system.
        #[arg(long, default_value = "tmpfs")]
        fs: String,
    },
    /// Unmount a file system.
    Umount(mount::Args),
    /// Load a module.
    Insmod {
        file: PathBuf,
        /// The name of the module.
        name: String,
    },
    /// Remove a module that is loaded.
    Rmmod {
        file: PathBuf,
        /// The name of the module.
        name: String,
    },
    /// Remove a directory.
    Rmdir {
        /// The directory, which must exist.
        path: PathBuf,
    },
    /// Read a file.
    Read { file: PathBuf },
    /// Write some pages to a file that is empty at first.
    Write {
        file: PathBuf,
        #[arg(long, default_value_t = 32)]
        pages: usize,
    },
    /// Store to some pages of a file through a shared mapping.
    Touch {
        file: PathBuf,
        #[arg(long, default_value_t = 32)]
        pages: usize,
    },
    /// Move this process to another cgroup.
    Join {
        group: PathBuf,
        /// The cgroup that it is in before.
        back: PathBuf,
    },
    /// Charge memory that a removed cgroup left to the cgroup of this process, which maps it.
    Recharge {
        /// The cgroup that inherits.
        parent: PathBuf,
        /// The file that was left behind.
        file: PathBuf,
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

/// Converts the module's name for system calls.
fn c_name(name: &str) -> Result<CString> {
    CString::new(name).context(name)
}

fn load(file: &Path) -> nix::Result<()> {
    let file = File::open(file).map_err(|error| errno(&error))?;
    finit_module(&file, c"", ModuleInitFlags::empty())
}

/// Removes a module, which is busy until objects that are freed with a delay are gone.
fn unload(name: &CString) -> nix::Result<()> {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        match delete_module(name, DeleteModuleFlags::O_NONBLOCK) {
            Err(Errno::EAGAIN | Errno::EBUSY) if Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(10));
            }
            result => return result,
        }
    }
}

const PAGE: usize = 4096;

impl Call {
    /// Sets up the state that each call needs.
    fn prepare(&self) -> Result<()> {
        // Extend the file in advance, as that is a call of its own.
        if let Self::Touch { file, pages } = self {
            let file = File::create(file).context(file.display())?;
            return file.set_len((pages * PAGE) as u64).context("set_len");
        }
        let Self::Recharge { parent, file } = self else {
            return Ok(());
        };
        let group = parent.join("left");
        fs::create_dir(&group).context(group.display())?;
        control::spawn(|| {
            cgroup::join(&group)?;
            fs::write(file, [1; 16 * PAGE]).context(file.display())
        })?;
        nix::sys::wait::wait().context("wait")?;
        let length = NonZeroUsize::new(16 * PAGE).ok_or("none")?;
        keep::map_file(file, length)?.touch(PAGE, false);
        // The process has exited, but may still be listed there.
        let end = Instant::now() + Duration::from_secs(60);
        while let Err(error) = fs::remove_dir(&group) {
            if Instant::now() >= end {
                return Err(error).context(group.display());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn make(&self) -> nix::Result<()> {
        match self {
            Self::Mkdir { path } => fs::create_dir(path).map_err(|error| errno(&error)),
            Self::Put { file, value, .. } => write(file, value),
            Self::Mount(args) => mount::attempt(args),
            Self::MountOld { point, options, fs } => {
                let (none, fs): (_, Option<&str>) = (MsFlags::empty(), Some(fs));
                nix::mount::mount(fs, point, fs, none, Some(options.as_str()))
            }
            Self::Umount(args) => nix::mount::umount(&args.point),
            Self::Insmod { file, .. } => load(file),
            Self::Rmmod { name, .. } => {
                let name = CString::new(name.as_str()).map_err(|_| Errno::EINVAL)?;
                delete_module(&name, DeleteModuleFlags::O_NONBLOCK)
            }
            Self::Rmdir { path } => fs::remove_dir(path).map_err(|error| errno(&error)),
            Self::Read { file } => fs::read(file).map(drop).map_err(|error| errno(&error)),
            Self::Write { file, pages } => {
                let file = OpenOptions::new().write(true).open(file);
                let file = file.map_err(|error| errno(&error))?;
                nix::unistd::write(&file, &vec![1; pages * PAGE]).map(drop)
            }
            Self::Touch { file, pages } => {
                let length = NonZeroUsize::new(pages * PAGE).ok_or(Errno::EINVAL)?;
                // The error is only a text, and its details do not matter.
                let memory = keep::map_file(file, length).map_err(|_| Errno::ENOMEM)?;
                memory.touch(PAGE, true);
                memory.unmap();
                Ok(())
            }
            Self::Join { group, .. } => write(&group.join("cgroup.procs"), "0"),
            Self::Recharge { parent, .. } => write(&parent.join("memory.recharge"), "max"),
        }
    }

    fn undo(&self) -> Result<()> {
        match self {
            Self::Mkdir { path } => fs::remove_dir(path).context("rmdir"),
            Self::Put { file, back, .. } => write(file, back).context("put back"),
            Self::Mount(args) if args.remount => Ok(()),
            Self::Mount(mount::Args { point, .. }) | Self::MountOld { point, .. } => {
                nix::mount::umount(point).context("umount")
            }
            Self::Umount(args) => mount::attempt(args).context("mount"),
            Self::Insmod { name, .. } => unload(&c_name(name)?).context("rmmod"),
            Self::Rmmod { file, .. } => load(file).context("insmod"),
            Self::Rmdir { path } => fs::create_dir(path).context("mkdir"),
            Self::Read { .. } => Ok(()),
            Self::Write { file, .. } | Self::Touch { file, .. } => {
                File::create(file).map(drop).context("truncate")
            }
            Self::Join { back, .. } => cgroup::join(back),
            Self::Recharge { file, .. } => fs::remove_file(file).context("unlink"),
        }
    }

    /// Returns the state that shows whether the call took effect, if there is any.
    fn state(&self) -> Result<Option<String>> {
        Ok(Some(match self {
            Self::Mount(args) if args.remount => return Ok(None),
            Self::Mkdir { path } | Self::Rmdir { path } => path.exists().to_string(),
            Self::Put { file, .. } => fs::read_to_string(file).context(file.display())?,
            Self::Mount(_) | Self::MountOld { .. } | Self::Umount(_) => {
                fs::read_to_string("/proc/self/mounts").context("mounts")?
            }
            Self::Insmod { name, .. } | Self::Rmmod { name, .. } => {
                Path::new("/sys/module").join(name).exists().to_string()
            }
            Self::Write { file, .. } => {
                let length = fs::metadata(file).context(file.display())?.len();
                (length > 0).to_string()
            }
            Self::Join { .. } => fs::read_to_string("/proc/self/cgroup").context("cgroup")?,
            Self::Read { .. } | Self::Recharge { .. } | Self::Touch { .. } => return Ok(None),
        }))
    }

    /// Returns whether the call consists of parts, so that it may fail after some of them took
    /// effect.
    fn is_in_parts(&self) -> bool {
        matches!(self, Self::Touch { .. } | Self::Recharge { .. })
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

    /// Makes the call with its `nth` possible failure injected; also returns by how much the call
    /// fell short of that number.
    ///
    /// Copies from and to user space can be made to fail as well, including those of the countdown
    /// itself.
    fn run(&self, nth: u32, call: &Call) -> Result<(nix::Result<()>, u32)> {
        let set = |n: u32| self.0.write_all_at(n.to_string().as_bytes(), 0);
        let is_own = |result: &io::Result<()>| matches!(result, Err(error) if error.raw_os_error() == Some(libc::EFAULT));
        set(nth).context("fail-nth")?;
        let result = call.make();
        let mut buffer = [0; 16];
        let length = self.0.read_at(&mut buffer, 0);
        let mut ended = set(0);
        if is_own(&ended) {
            ended = set(0);
        }
        ended.context("fail-nth")?;
        let length = match length {
            // Reading the countdown failed, so the call fell short of it.
            Err(error) if error.raw_os_error() == Some(libc::EFAULT) => return Ok((result, 1)),
            length => length.context("fail-nth")?,
        };
        let text = String::from_utf8_lossy(&buffer[..length]);
        let left = text.trim_end_matches('\0').trim();
        Ok((result, left.parse().context("fail-nth")?))
    }
}

pub fn run(args: &Args) -> Result<()> {
    let call = &args.call;
    let countdown = Countdown::open()?;
    let before = call.state()?;
    // Make the allocations that only happen the first time.
    let mut needed = 0;
    for _ in 0..2 {
        call.prepare()?;
        let (result, left) = countdown.run(NONE, call)?;
        result.context("without a failure")?;
        if before.is_some() && call.state()? == before {
            return Err("the call changes nothing".to_owned());
        }
        call.undo()?;
        needed = NONE - left;
    }

    let (mut calls, mut failed, mut changed) = (0, 0, 0);
    let mut errnos = BTreeMap::new();
    for nth in needed.saturating_sub(args.last.unwrap_or(needed)) + 1.. {
        call.prepare()?;
        let (result, left) = countdown.run(nth, call)?;
        calls += 1;
        match result {
            Ok(()) => call.undo()?,
            Err(errno) => {
                failed += 1;
                *errnos.entry(format!("{errno:?}")).or_insert(0) += 1;
                // Parts of it may be undone a little later.
                if call.is_in_parts() {
                    call.undo()?;
                } else if call.state()? != before {
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
