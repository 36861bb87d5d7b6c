// SPDX-License-Identifier: GPL-2.0

//! The commands, the warnings, and the text output.

use super::Command;
use super::Suggestion;
use crate::report::seconds;
use crate::shell;
use memcgfs::derivation::Derivation;
use memcgfs::derivation::Place;
use memcgfs::devices::Device;
use memcgfs::escaped;
use memcgfs::knobs;
use memcgfs::page;
use memcgfs::system::Domain;
use memcgfs::system::System;
use memcgfs::units::Bytes;
use memcgfs::usec::Usec;
use memcgfs::Cgroup;
use memcgfs::Host;
use std::fmt::Write;

/// The size of the example cgroup for the effect of vm.dirty_bytes on derived limits.
const EXAMPLE: u64 = 256 << 20;

/// A derived limit below this stalls any writer.
const TINY: u64 = 4 << 20;

impl Suggestion {
    /// Suggests commands for the module's files.
    pub(super) fn set(&mut self, cgroup: Option<&Cgroup>, host: &Host) {
        let name = cgroup.map_or_else(
            || "CGROUP".to_owned(),
            |cgroup| shell::quoted(cgroup.path()),
        );
        let limit = kernel_size(self.limit);
        // Older modules do not have a pace.
        let has_pace = match cgroup {
            Some(cgroup) => cgroup.offers(&knobs::DIRTY_PACE),
            None => memcgfs::switches::find("writeback_pace_usec")
                .is_some_and(|switch| switch.path(host).exists()),
        };
        let pace = match has_pace {
            true => format!(" dirty_pace_usec={}", Usec(self.pace_usec)),
            false => String::new(),
        };
        let drain = seconds(self.drain_usec);
        self.add(
            format!("memcgctl set {name} dirty_limit_in_bytes={limit}{pace}"),
            format!("what it holds is written within {drain}"),
        );
    }

    /// Warns that a lower limit of an ancestor prevails.
    pub(super) fn warn_of_ancestor(&mut self, derivation: &Derivation) {
        let Place::Level(index @ 1..) = derivation.tightest else {
            return;
        };
        let above = derivation.levels.get(index);
        if let Some(above) = above.filter(|_| derivation.limit < self.limit) {
            self.warnings.push(format!(
                "the limit of {}, {}, is lower and applies to everything below it",
                escaped(above.cgroup.path()),
                Bytes(derivation.limit)
            ));
        }
    }

    /// Suggests commands for files of unpatched kernels.
    pub(super) fn without_limits(
        &mut self,
        cgroup: Option<&Cgroup>,
        derivation: Option<&Derivation>,
        device: &Device,
    ) -> memcgfs::Result<()> {
        let limit = Bytes(self.limit);
        if let (Some(cgroup), Some(derivation)) = (cgroup, derivation) {
            if let Some((high, derived)) = self.high(cgroup, derivation)? {
                let file = shell::quoted(cgroup.file("memory.high"));
                self.add(
                    format!("echo {} > {file}", kernel_size(high)),
                    format!(
                        "with this memory.high, its derived limit is about {}; its page cache is also reclaimed earlier",
                        Bytes(derived)
                    ),
                );
            }
            let half = device.bandwidth / 2;
            let file = shell::quoted(cgroup.file("io.max"));
            self.add(
                format!("echo '{} wbps={half}' > {file}", escaped(&device.number)),
                format!(
                    "leaves half of the device to others; just as much stays dirty, and takes {} to write",
                    seconds(self.drain_usec.saturating_mul(2))
                ),
            );
        }
        let bdi = format!("/sys/class/bdi/{}", escaped(&device.number));
        self.add(
            format!(
                "echo {} > {bdi}/max_bytes && echo 1 > {bdi}/strict_limit",
                self.limit
            ),
            format!("no more than {limit} dirty for this device, of all cgroups together"),
        );
        self.warnings.push(
            "this kernel has no dirty limits for cgroups; they need the patch series and the module memcg_knobs (memcgctl \
             check)"
                .to_owned(),
        );
        Ok(())
    }

    /// Returns the memory.high from which the kernel derives the limit, and that limit; `None` if
    /// there is none.
    fn high(
        &self,
        cgroup: &Cgroup,
        derivation: &Derivation,
    ) -> memcgfs::Result<Option<(u64, u64)>> {
        let Some(level) = derivation.levels.first() else {
            return Ok(None);
        };
        let system = &derivation.system.raw;
        let derive = |dirtyable: u64| {
            let domain = Domain {
                file: page::pages(level.file),
                dirty: page::pages(level.held),
                headroom: Some(page::pages(dirtyable.saturating_sub(level.file))),
            };
            page::bytes(system.derive_for(&domain).limit)
        };
        // The derived limit grows with memory, so use bisection.
        let (mut low, mut high) = (level.file, derivation.system.dirtyable);
        if derive(high) < self.limit {
            return Ok(None);
        }
        while high - low > page::bytes(1) {
            let middle = low + (high - low) / 2;
            match derive(middle) < self.limit {
                true => low = middle,
                false => high = middle,
            }
        }
        let used = cgroup.size("memory.current")?.and_then(memcgfs::Limit::at);
        let other = used.unwrap_or(0).saturating_sub(level.file);
        let memory = high.saturating_add(other);
        let memory = memory.checked_next_multiple_of(1 << 20).unwrap_or(memory);
        Ok(Some((memory, derive(memory.saturating_sub(other)))))
    }

    /// Adds general warnings.
    pub(super) fn warn(&mut self, system: &System) {
        let Some(bytes) = system.vm.bytes.filter(|bytes| *bytes != 0) else {
            return;
        };
        let derived = system.derive_for(&Domain {
            file: page::pages(EXAMPLE),
            dirty: 0,
            headroom: Some(0),
        });
        let derived = page::bytes(derived.limit);
        if derived < TINY {
            self.warnings.push(format!(
                "vm.dirty_bytes = {} makes derived limits tiny: a cgroup with {} of page cache may hold {} dirty; \
                 vm.dirty_ratio does not, nor does a limit of its own",
                Bytes(bytes),
                Bytes(EXAMPLE),
                Bytes(derived)
            ));
        }
    }

    fn add(&mut self, command: String, why: String) {
        self.commands.push(Command { command, why });
    }

    /// Formats the suggestion for humans.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let mut line = |name: &str, value: String| {
            let _ = writeln!(text, "{name:11} {value}");
        };
        if let Some(name) = &self.name {
            line("cgroup", escaped(&name.path));
        }
        let device = self.device.as_deref().map_or_else(String::new, escaped);
        let device_name = self.device_name.as_deref();
        line(
            "device",
            match device_name {
                Some(name) => format!("{device} ({})", escaped(name)),
                None => device,
            },
        );
        let how = match self.measured {
            true => "measured",
            false => "by the kernel's estimate",
        };
        line("bandwidth", format!("{}/s, {how}", Bytes(self.bandwidth)));
        let drain = seconds(self.drain_usec);
        line(
            "limit",
            format!("{}, which drains in {drain}", Bytes(self.limit)),
        );
        if let Some(now) = self.limit_now {
            let millis = u128::from(now) * 1000 / u128::from(self.bandwidth.max(1));
            let millis = u64::try_from(millis).unwrap_or(u64::MAX);
            let drains = seconds(millis.saturating_mul(1000));
            line(
                "in force",
                format!("{}, which drains in {drains}", Bytes(now)),
            );
        }
        if self.supported {
            let pace = u128::from(self.bandwidth) * u128::from(self.pace_usec) / 1_000_000;
            let pace = Bytes(u64::try_from(pace).unwrap_or(u64::MAX));
            line(
                "pace",
                format!(
                    "{}, in which the device writes {pace}",
                    Usec(self.pace_usec)
                ),
            );
        }
        for command in &self.commands {
            line("to set it", command.command.clone());
            line("", format!("({})", command.why));
        }
        for warning in &self.warnings {
            line("warning", warning.clone());
        }
        text
    }
}

/// Formats a size for a kernel file, in whole mebibytes if possible.
fn kernel_size(bytes: u64) -> String {
    match bytes % (1 << 20) {
        0 => format!("{}M", bytes >> 20),
        _ => bytes.to_string(),
    }
}
