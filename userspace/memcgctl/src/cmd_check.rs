// SPDX-License-Identifier: GPL-2.0

//! `memcgctl check`: whether the system supports dirty limits, and how to fix what is missing, one line each.

use crate::cli::CheckArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use memcgfs::escaped;
use memcgfs::filesystems;
use memcgfs::filesystems::Attribution;
use memcgfs::filesystems::Writing;
use memcgfs::Hierarchy;
use memcgfs::Host;
use memcgfs::Patched;
use serde::Serialize;
use std::fmt::Write;

/// The state of one requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// The requirement is met.
    Ok,
    /// The requirement is not met, and limits do not work without it.
    Missing,
    /// Unknown.
    Unknown,
    /// Limits do not apply to this file system, but work on others.
    No,
}

/// A line of the output.
#[derive(Serialize)]
struct Check {
    what: &'static str,
    state: State,
    detail: String,
    /// The suggested fix.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    /// Whether the kernel lacks a feature.
    #[serde(skip)]
    kernel: bool,
}

#[derive(Serialize)]
struct Checks {
    ok: bool,
    checks: Vec<Check>,
}

pub fn run(context: &Context, args: &CheckArgs) -> anyhow::Result<Exit> {
    let patched = context.host.kernel_patched();
    let mut checks = vec![kernel(patched), module(&context.host, patched)];
    match context.mounted() {
        Ok(hierarchy) => {
            let mount = escaped(hierarchy.mount());
            checks.push(Check::ok("cgroup2", format!("mounted at {mount}")));
            for controller in ["memory", "io"] {
                checks.push(self::controller(&context.host, &hierarchy, controller)?);
            }
        }
        Err(error) => checks.push(Check::missing(
            "cgroup2",
            error.to_string(),
            "mount -t cgroup2 cgroup2 /sys/fs/cgroup",
        )),
    }
    checks.extend(filesystems::writing(&context.host)?.iter().map(file_system));

    let missing = |check: &&Check| check.state == State::Missing;
    let exit = match checks.iter().find(missing) {
        None => Exit::Done,
        Some(_) if checks.iter().filter(missing).any(|check| check.kernel) => Exit::Unsupported,
        Some(_) => Exit::Failed,
    };
    let checks = Checks {
        ok: exit == Exit::Done,
        checks,
    };
    match args.json {
        true => output::json(&checks)?,
        false => output::data(&text(&checks.checks))?,
    }
    Ok(exit)
}

impl Check {
    fn ok(what: &'static str, detail: impl Into<String>) -> Self {
        Self {
            what,
            state: State::Ok,
            detail: detail.into(),
            remedy: None,
            kernel: false,
        }
    }

    fn missing(what: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            state: State::Missing,
            remedy: Some(remedy.into()),
            ..Self::ok(what, detail)
        }
    }
}

fn kernel(patched: Patched) -> Check {
    match patched {
        Patched::Yes => Check::ok("kernel", "patched"),
        Patched::No => Check {
            kernel: true,
            ..Check::missing(
                "kernel",
                "not patched",
                "boot a kernel with the patch series of memcg-knobs",
            )
        },
        Patched::Unknown => Check {
            state: State::Unknown,
            ..Check::missing(
                "kernel",
                "cannot tell whether it is patched: its symbols cannot be read",
                "try modprobe memcg_knobs: it loads only into a patched kernel",
            )
        },
    }
}

fn module(host: &Host, patched: Patched) -> Check {
    let remedy = match patched {
        _ if host.module_loaded() => return Check::ok("module", "memcg_knobs is loaded"),
        Patched::No => "boot a patched kernel first: the module does not load into this one",
        Patched::Yes | Patched::Unknown => "modprobe memcg_knobs",
    };
    Check {
        kernel: true,
        ..Check::missing("module", "memcg_knobs is not loaded", remedy)
    }
}

fn controller(host: &Host, hierarchy: &Hierarchy, name: &'static str) -> memcgfs::Result<Check> {
    let root = hierarchy.root();
    let is_in = |list: Vec<String>| list.iter().any(|known| known == name);
    if is_in(root.subtree_control()?) {
        return Ok(Check::ok(name, "controller enabled below the root"));
    }
    if is_in(root.controllers()?) {
        let file = escaped(root.file("cgroup.subtree_control"));
        let remedy = format!("echo +{name} > {file}");
        return Ok(Check::missing(
            name,
            "controller not enabled below the root",
            remedy,
        ));
    }
    let in_v1 = host.controller_in_v1(name)?.is_some();
    Ok(match in_v1 {
        true => Check::missing(
            name,
            "controller in use by cgroup v1",
            "boot with cgroup_no_v1=all (systemd: systemd.unified_cgroup_hierarchy=1)",
        ),
        false => Check::missing(
            name,
            "controller not available in cgroup2",
            format!("boot without cgroup_disable={name}, or a kernel that has the controller"),
        ),
    })
}

fn file_system(found: &Writing) -> Check {
    let place = format!("{} ({})", escaped(&found.point), found.fs_type);
    let no = |detail: String, remedy: &str| Check {
        state: State::No,
        ..Check::missing("writeback", detail, remedy)
    };
    match found.attribution {
        Attribution::Yes => Check::ok("writeback", format!("{place} attributes it to cgroups")),
        Attribution::Below => Check::ok(
            "writeback",
            format!("{place} leaves it to the file system of its upper directory"),
        ),
        Attribution::Forbidden(option) => no(
            format!("{place} does not attribute it with {option}"),
            "mount without that option",
        ),
        Attribution::No => no(
            format!("{place} does not attribute it to cgroups"),
            "limits hold on ext2, ext4, xfs, btrfs, f2fs",
        ),
    }
}

fn text(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        let state = match check.state {
            State::Ok => "ok",
            State::Missing => "missing",
            State::Unknown => "unknown",
            State::No => "no",
        };
        // Writing to a String cannot fail.
        let _ = write!(text, "{state:7}  {:9}  {}", check.what, check.detail);
        if let Some(remedy) = &check.remedy {
            let _ = write!(text, "; remedy: {remedy}");
        }
        text.push('\n');
    }
    text
}
