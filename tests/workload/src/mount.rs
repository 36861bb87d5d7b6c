// SPDX-License-Identifier: GPL-2.0

//! `mount`: mounts a file system by the new mount API, option by option, and prints the name of the
//! errno on failure.
//!
//! mount(8) in a shell supports neither descriptors as options nor the kernel's error messages.
//! Whatever the kernel reports is a result, not a failure.

use crate::cgroup;
use crate::error::Context;
use crate::error::Result;
use rustix::fd::OwnedFd;
use rustix::fs::CWD;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::mount::FsMountFlags;
use rustix::mount::FsOpenFlags;
use rustix::mount::FsPickFlags;
use rustix::mount::MountAttrFlags;
use rustix::mount::MoveMountFlags;
use std::path::Path;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// Where to mount it, or the mount to change.
    pub point: PathBuf,
    /// The type of the file system.
    #[arg(long, default_value = "tmpfs")]
    pub fs: String,
    /// The device.
    #[arg(long)]
    source: Option<PathBuf>,
    /// An option of the file system, `NAME` or `NAME=VALUE` (repeatable).
    #[arg(long = "option")]
    pub options: Vec<String>,
    /// An option whose value is a descriptor of the file or directory at PATH, `NAME=PATH` (repeatable).
    #[arg(long = "descriptor")]
    pub descriptors: Vec<String>,
    /// Change the options of the existing mount there.
    #[arg(long)]
    pub remount: bool,
    /// Become this user first, after all named files were opened.
    #[arg(long)]
    uid: Option<u32>,
    /// Make the mount in a user and mount namespace of its own, of which this process is root.
    #[arg(long)]
    userns: bool,
    /// Join this cgroup first.
    #[arg(long)]
    cgroup: Option<PathBuf>,
}

impl Args {
    /// Returns the arguments to mount a file system without any options.
    pub fn of(fs: &str, point: &Path) -> Self {
        Self {
            point: point.to_owned(),
            fs: fs.to_owned(),
            source: None,
            options: Vec::new(),
            descriptors: Vec::new(),
            remount: false,
            uid: None,
            userns: false,
            cgroup: None,
        }
    }
}

fn options(args: &Args, context: &OwnedFd) -> Result<(), Errno> {
    if let Some(source) = &args.source {
        rustix::mount::fsconfig_set_string(context, "source", source.as_path())?;
    }
    for option in &args.options {
        match option.split_once('=') {
            Some((name, value)) => rustix::mount::fsconfig_set_string(context, name, value)?,
            None => rustix::mount::fsconfig_set_flag(context, option.as_str())?,
        }
    }
    for descriptor in &args.descriptors {
        let (name, path) = descriptor.split_once('=').ok_or(Errno::INVAL)?;
        let fd = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        rustix::mount::fsconfig_set_fd(context, name, &fd)?;
    }
    Ok(())
}

fn make(args: &Args, context: &OwnedFd) -> Result<(), Errno> {
    options(args, context)?;
    if args.remount {
        return rustix::mount::fsconfig_reconfigure(context);
    }
    rustix::mount::fsconfig_create(context)?;
    let mount = rustix::mount::fsmount(
        context,
        FsMountFlags::FSMOUNT_CLOEXEC,
        MountAttrFlags::empty(),
    )?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    rustix::mount::move_mount(&mount, "", CWD, &args.point, flags)
}

/// Returns the kernel's messages, oldest first.
fn messages(context: &OwnedFd) -> String {
    let mut all = String::new();
    let mut buffer = [0u8; 1024];
    while let Ok(length @ 1..) = rustix::io::read(context, &mut buffer) {
        if !all.is_empty() {
            all.push_str("; ");
        }
        all.push_str(String::from_utf8_lossy(&buffer[..length]).trim_end());
    }
    all
}

fn become_user(args: &Args) -> Result<()> {
    if let Some(uid) = args.uid {
        nix::unistd::setresuid(uid.into(), uid.into(), uid.into()).context("setresuid")?;
    }
    if args.userns {
        let flags = nix::sched::CloneFlags::CLONE_NEWUSER | nix::sched::CloneFlags::CLONE_NEWNS;
        nix::sched::unshare(flags).context("unshare")?;
    }
    Ok(())
}

fn open(args: &Args) -> Result<OwnedFd, Errno> {
    if args.remount {
        rustix::mount::fspick(CWD, &args.point, FsPickFlags::FSPICK_CLOEXEC)
    } else {
        rustix::mount::fsopen(args.fs.as_str(), FsOpenFlags::FSOPEN_CLOEXEC)
    }
}

/// Performs the mount, without messages.
pub fn attempt(args: &Args) -> nix::Result<()> {
    open(args)
        .and_then(|context| make(args, &context))
        .map_err(named)
}

pub fn run(args: &Args) -> Result<()> {
    cgroup::join_if_given(args.cgroup.as_deref())?;
    become_user(args)?;
    let (result, log) = match open(args) {
        Ok(context) => (make(args, &context), messages(&context)),
        Err(errno) => (Err(errno), String::new()),
    };
    let result = result.map_or_else(|errno| format!("{:?}", named(errno)), |()| "ok".to_owned());
    // The messages come last, since they contain spaces.
    println!("result={result} log={log}");
    Ok(())
}

/// Converts an errno to the type whose names `put` prints.
fn named(errno: Errno) -> nix::errno::Errno {
    nix::errno::Errno::from_raw(errno.raw_os_error())
}
