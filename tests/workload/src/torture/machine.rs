// SPDX-License-Identifier: GPL-2.0

//! Actors that change the memory management of the whole machine.

use super::world::Actor;
use super::world::Outcome;
use super::world::put;
use crate::error::Context;
use crate::error::Result;
use nix::errno::Errno;
use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Files and the values to write.
const VM: [(&str, &[&str]); 21] = [
    (
        "/sys/kernel/mm/transparent_hugepage/enabled",
        &["always", "madvise", "never"],
    ),
    (
        "/sys/kernel/mm/transparent_hugepage/shmem_enabled",
        &["always", "within_size", "advise", "never"],
    ),
    (
        "/sys/kernel/mm/transparent_hugepage/defrag",
        &["always", "defer", "madvise", "never"],
    ),
    (
        "/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs",
        &["10", "100", "10000"],
    ),
    (
        "/sys/kernel/mm/transparent_hugepage/khugepaged/alloc_sleep_millisecs",
        &["10", "60000"],
    ),
    (
        "/sys/kernel/mm/transparent_hugepage/khugepaged/max_ptes_none",
        &["0", "511"],
    ),
    (
        "/sys/kernel/mm/lru_gen/enabled",
        &["n", "y", "1", "3", "5", "7"],
    ),
    ("/sys/kernel/mm/lru_gen/min_ttl_ms", &["0", "1000"]),
    ("/sys/module/zswap/parameters/enabled", &["Y", "N"]),
    ("/sys/module/zswap/parameters/shrinker_enabled", &["Y", "N"]),
    (
        "/sys/module/zswap/parameters/max_pool_percent",
        &["1", "20"],
    ),
    ("/sys/kernel/debug/split_huge_pages", &["1"]),
    ("/proc/sys/vm/compact_memory", &["1"]),
    ("/proc/sys/vm/compaction_proactiveness", &["0", "20", "100"]),
    ("/proc/sys/vm/drop_caches", &["1", "2", "3"]),
    ("/proc/sys/vm/swappiness", &["0", "1", "60", "200"]),
    ("/proc/sys/vm/dirty_ratio", &["1", "20", "60"]),
    ("/proc/sys/vm/dirty_background_ratio", &["0", "10"]),
    (
        "/proc/sys/vm/dirty_writeback_centisecs",
        &["0", "10", "500"],
    ),
    ("/proc/sys/vm/dirty_expire_centisecs", &["1", "100", "3000"]),
    ("/proc/sys/kernel/numa_balancing", &["0", "1", "2"]),
];

pub fn vm(actor: &mut Actor<'_>) -> Result<Outcome> {
    let (file, values) = *actor.random.pick(&VM);
    let value = *actor.random.pick(values);
    actor.say(format_args!("{file} {value}"));
    actor.child(None, 30, |_| {
        put(Path::new(file), value.as_bytes()).map_err(|errno| errno.to_string())
    })
}

pub fn sync(actor: &mut Actor<'_>) -> Result<Outcome> {
    let dir = actor.random.pick(&actor.world.dirs).clone();
    let all = actor.random.one_in(4);
    actor.pause(1000);
    actor.child(None, 60, |_| {
        if all {
            nix::unistd::sync();
            return Ok(());
        }
        let dir = fs::File::open(dir).context("open")?;
        nix::unistd::syncfs(&dir).context("syncfs")
    })
}

/// Enables the tracepoints, reads them, and disables them.
pub fn trace(actor: &mut Actor<'_>) -> Result<Outcome> {
    let dir = Path::new("/sys/kernel/tracing");
    let file = dir.join("events/memcg_policy/enable");
    let outcome = Outcome::of(put(&file, b"1"));
    actor.pause(1000);
    // The content does not matter.
    actor.child(None, 5, |_| {
        fs::read(dir.join("trace")).context("trace").map(drop)
    })?;
    let _ = put(&file, b"0");
    let _ = put(&dir.join("trace"), b"");
    Ok(outcome)
}

pub fn swap(actor: &mut Actor<'_>) -> Result<Outcome> {
    if actor.world.swaps.is_empty() {
        return Ok(Outcome::Refused);
    }
    let device = actor.random.pick(&actor.world.swaps).clone();
    let name = CString::new(device.as_os_str().as_bytes()).context("device")?;
    let on = !actor.random.one_in(3);
    actor.say(format_args!("{} {on}", device.display()));
    actor.pause(1000);
    actor.child(None, 20, |_| {
        // SAFETY: Both calls only read the name.
        let result = unsafe {
            if on {
                libc::swapon(name.as_ptr(), 0)
            } else {
                libc::swapoff(name.as_ptr())
            }
        };
        Errno::result(result).context("swap").map(drop)
    })
}

/// Takes a processor offline and online again. The first one cannot be taken offline.
pub fn processor(actor: &mut Actor<'_>) -> Result<Outcome> {
    let file = Path::new("/sys/devices/system/cpu/cpu1/online");
    actor.say("off");
    let outcome = Outcome::of(put(file, b"0"));
    actor.pause(1000);
    let _ = put(file, b"1");
    actor.pause(3000);
    Ok(outcome)
}
