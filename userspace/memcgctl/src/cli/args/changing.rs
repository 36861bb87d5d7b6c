// SPDX-License-Identifier: GPL-2.0

//! The arguments of commands that change something.

use clap::Args;
use clap::ValueHint;
use memcgfs::mounting::Options;
use memcgfs::Amount;
use std::ffi::OsString;
use std::path::PathBuf;

/// The file that is applied at boot.
pub const SETTINGS: &str = "/etc/memcg-knobs.toml";

#[derive(Args, Debug)]
pub struct SetArgs {
    /// Cgroups, or patterns of their paths or unit names, and settings; "memory." may be omitted from a file's name.
    #[arg(value_name = "CGROUP|KNOB=VALUE", value_hint = ValueHint::DirPath)]
    pub(in crate::cli) words: Vec<OsString>,
    /// Use the caller's own cgroup.
    #[arg(long = "self")]
    pub(in crate::cli) own: bool,
    /// Set switches of the whole machine.
    #[arg(long, conflicts_with_all = ["own", "json"])]
    pub(in crate::cli) system: bool,
    /// Also write the settings to FILE, so that they are applied at boot [default: /etc/memcg-knobs.toml].
    #[arg(
        long,
        value_name = "FILE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = SETTINGS,
        value_hint = ValueHint::FilePath
    )]
    pub persist: Option<PathBuf>,
    /// Print the resulting settings and limits as JSON, one document per cgroup.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct TriggerArgs {
    /// The cgroup.
    #[arg(value_hint = ValueHint::DirPath)]
    pub(in crate::cli) cgroup: Option<OsString>,
    /// The number of bytes [default: max].
    #[arg(value_name = "SIZE|max", value_parser = super::super::amount)]
    pub(in crate::cli) amount: Option<Amount>,
    /// Use the caller's own cgroup.
    #[arg(long = "self")]
    pub(in crate::cli) own: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct ApplyArgs {
    /// The TOML file; - for stdin.
    #[arg(required_unless_present = "dump", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// Print what would change and change nothing.
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Reset all settings that the file does not contain to their defaults.
    #[arg(long)]
    pub exact: bool,
    /// Print how the file differs from the settings of the machine, and change nothing.
    #[arg(long, conflicts_with_all = ["dry_run", "exact", "json"])]
    pub diff: bool,
    /// Print the settings of the machine as such a file; applying it with --exact restores them.
    #[arg(long, conflicts_with_all = ["file", "diff", "dry_run", "exact", "json"])]
    pub dump: bool,
    /// Print the changes as JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct MountArgs {
    /// The cgroup that all pages of the file system are charged to.
    #[arg(
        long,
        value_name = "CGROUP",
        value_hint = ValueHint::DirPath,
        required_unless_present = "own",
        conflicts_with = "own"
    )]
    pub memcg: Option<OsString>,
    /// Use the caller's own cgroup.
    #[arg(long = "self")]
    pub own: bool,
    /// The type of the file system.
    #[arg(
        short = 't',
        long = "type",
        value_name = "TYPE",
        default_value = "tmpfs"
    )]
    pub fs_type: String,
    /// Options as mount(8) takes them: size=1G,mode=0700,nosuid.
    #[arg(short, long, value_name = "OPTS", default_value = "", hide_default_value = true, value_parser = Options::parse)]
    pub options: Options,
    /// The device, for a file system that needs one.
    #[arg(short, long, value_name = "DEVICE", value_hint = ValueHint::FilePath)]
    pub source: Option<OsString>,
    /// The directory to mount it on.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub point: PathBuf,
}
