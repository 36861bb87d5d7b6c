// SPDX-License-Identifier: GPL-2.0

//! `memcgctl suggest`: a limit that drains in the requested time, a pace that fits the device, and
//! the command that sets them; on a kernel without dirty limits, the closest alternatives.

mod measure;
mod text;

use crate::cli::SuggestArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::json::Name;
use crate::output;
use anyhow::bail;
use anyhow::Context as _;
use memcgfs::derivation::Derivation;
use memcgfs::devices;
use memcgfs::devices::Device;
use memcgfs::escaped;
use memcgfs::knobs;
use memcgfs::system::System;
use memcgfs::Cgroup;
use serde::Serialize;
use std::path::Path;
use std::time::Duration;

/// A pace that other writers hardly notice: the module's default.
const PACE: Duration = Duration::from_micros(memcgfs::pace::DEFAULT.0 as u64);

/// The minimum amount that a pace must allow to use the device well.
const CHUNK: u64 = 1 << 20;

/// A lower limit would cost throughput on any device.
const LEAST: u64 = 1 << 20;

/// The suggestion and its basis.
#[derive(Serialize)]
struct Suggestion {
    #[serde(flatten)]
    name: Option<Name>,
    /// The device's number, and its name if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_name: Option<String>,
    /// Bytes per second, and whether that was measured now or is the kernel's estimate.
    bandwidth: u64,
    measured: bool,
    drain_usec: u64,
    limit: u64,
    pace_usec: u64,
    /// The limit in force now.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_now: Option<u64>,
    /// Whether the kernel has limits that can be set.
    supported: bool,
    /// The command that sets the limit, or comes close to it.
    commands: Vec<Command>,
    warnings: Vec<String>,
}

/// A command and its effect.
#[derive(Serialize)]
struct Command {
    command: String,
    why: String,
}

pub fn run(context: &Context, args: &SuggestArgs) -> anyhow::Result<Exit> {
    let cgroup = match (&args.cgroup, args.own) {
        (None, false) => None,
        (name, _) => Some(context.named_or_own(name.as_ref())?),
    };
    let (device, measured) = device(context, args)?;
    if device.bandwidth == 0 {
        bail!(
            "the bandwidth of {} is not known; --measure DIR measures it",
            escaped(&device.number)
        );
    }
    let suggestion = suggest(context, args.drain.0, cgroup.as_ref(), &device, measured)?;
    match args.json {
        true => output::json(&suggestion)?,
        false => output::data(&suggestion.text())?,
    }
    Ok(Exit::Done)
}

/// Returns the device with its bandwidth, and whether that was measured.
fn device(context: &Context, args: &SuggestArgs) -> anyhow::Result<(Device, bool)> {
    let host = &context.host;
    let wanted = match (&args.device, &args.measure) {
        (Some(device), _) => Some(devices::number(host, Path::new(device))?),
        (None, Some(dir)) => measure::device_of(host, dir)?,
        (None, None) => None,
    };
    if let Some(dir) = &args.measure {
        let bandwidth = measure::bandwidth(dir)?;
        let number = wanted.unwrap_or_else(|| escaped(dir));
        // The name is known if the kernel has figures for the device.
        let known = devices::read(host).unwrap_or_default();
        let known = known.into_iter().find(|device| device.number == number);
        let device = known.unwrap_or(Device {
            number,
            ..Device::default()
        });
        return Ok((
            Device {
                bandwidth,
                ..device
            },
            true,
        ));
    }
    let mut devices = devices::read(host)
        .context("the bandwidth is not known (--measure DIR measures it)")?
        .into_iter();
    let found = match &wanted {
        Some(number) => devices.find(|device| device.number == *number),
        None => devices.next(),
    };
    match (found, wanted) {
        (Some(device), _) => Ok((device, false)),
        (None, Some(number)) => bail!(
            "nothing was written to {} yet, so the kernel has no estimate; --measure DIR measures it",
            escaped(&number)
        ),
        (None, None) => bail!("nothing was written to any device yet; --measure DIR measures one"),
    }
}

fn suggest(
    context: &Context,
    drain: Duration,
    cgroup: Option<&Cgroup>,
    device: &Device,
    measured: bool,
) -> anyhow::Result<Suggestion> {
    let host = &context.host;
    let millis = u64::try_from(drain.as_millis()).unwrap_or(u64::MAX);
    let limit = u128::from(device.bandwidth) * u128::from(millis) / 1000;
    let limit = plain(u64::try_from(limit).unwrap_or(u64::MAX)).max(LEAST);
    let chunk = Duration::from_micros(CHUNK.saturating_mul(1_000_000) / device.bandwidth.max(1));
    let pace = PACE.max(chunk).min(Duration::from_secs(10));
    let pace_usec = u64::try_from(pace.as_micros())
        .unwrap_or(u64::MAX)
        .next_multiple_of(1000);
    let derivation = cgroup
        .filter(|cgroup| !cgroup.is_root())
        .map(|cgroup| Derivation::derive(host, cgroup))
        .transpose()?
        .flatten();
    let supported = match cgroup {
        Some(cgroup) if !cgroup.is_root() => cgroup.offers(&knobs::DIRTY_LIMIT),
        _ => host.module_loaded(),
    };
    let mut suggestion = Suggestion {
        name: cgroup.map(|cgroup| Name::new(&cgroup.path())),
        device: Some(device.number.clone()),
        device_name: device.name.clone(),
        bandwidth: device.bandwidth,
        measured,
        drain_usec: millis.saturating_mul(1000),
        limit,
        pace_usec: pace_usec.min(memcgfs::pace::MAX.0.into()),
        limit_now: derivation.as_ref().map(|derivation| derivation.limit),
        supported,
        commands: Vec::new(),
        warnings: Vec::new(),
    };
    match supported {
        true => suggestion.set(cgroup, host),
        false => suggestion.without_limits(cgroup, derivation.as_ref(), device)?,
    }
    if let Some(derivation) = &derivation {
        suggestion.warn_of_ancestor(derivation);
    }
    if let Some(system) = System::read(host)? {
        suggestion.warn(&system);
    }
    Ok(suggestion)
}

/// Rounds down to a size that humans would choose: two significant digits of whole mebibytes.
fn plain(bytes: u64) -> u64 {
    let mebibytes = bytes >> 20;
    let unit = 10u64.pow(mebibytes.checked_ilog10().unwrap_or(0).saturating_sub(1));
    (mebibytes / unit * unit) << 20
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_people_choose() {
        for (bytes, size) in [
            (0, 0),
            (5 << 20, 5),
            (19_999_999, 19),
            (123 << 20, 120),
            (1999 << 20, 1900),
        ] {
            assert_eq!(plain(bytes), size << 20);
        }
    }
}
