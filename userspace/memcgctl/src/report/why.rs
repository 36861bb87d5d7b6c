// SPDX-License-Identifier: GPL-2.0

//! The origins of the limits in force, in JSON and in words.

use crate::json::Name;
use memcgfs::escaped;
use memcgfs::knobs;
use memcgfs::units::Bytes;
use memcgfs::BackgroundOrigin;
use memcgfs::HalfOf;
use memcgfs::Origin;
use memcgfs::VmDirty;
use serde::Serialize;

/// The origin of the limit in force.
#[derive(Serialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Why {
    Own {
        knob: &'static str,
        /// Whether the kernel caps it below the setting.
        capped: bool,
    },
    Ancestor {
        #[serde(flatten)]
        name: Name,
        limit: u64,
    },
    System {
        #[serde(skip_serializing_if = "Option::is_none")]
        knob: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        value: Option<u64>,
    },
}

impl Why {
    pub fn new(origin: Origin, vm: &VmDirty) -> Self {
        match origin {
            Origin::OwnBytes { capped } => Self::Own {
                knob: knobs::DIRTY_LIMIT.name,
                capped,
            },
            Origin::OwnRatio => Self::Own {
                knob: knobs::DIRTY_RATIO.name,
                capped: false,
            },
            Origin::Ancestor { cgroup, limit } => Self::Ancestor {
                name: Name::new(&cgroup),
                limit,
            },
            Origin::System => {
                let (knob, value) = vm.limit_setting().unzip();
                Self::System { knob, value }
            }
        }
    }

    pub fn words(&self) -> String {
        match self {
            Self::Own {
                knob,
                capped: false,
            } => format!("own {knob}"),
            Self::Own { knob, capped: true } => {
                format!("own {knob}, but no more than can be dirty")
            }
            Self::Ancestor { name, limit } => {
                format!("ancestor {} with {}", escaped(&name.path), Bytes(*limit))
            }
            Self::System { knob, value } => system(knob.zip(*value)),
        }
    }
}

pub fn why_background(origin: BackgroundOrigin, vm: &VmDirty) -> String {
    match origin {
        BackgroundOrigin::Own(knob) => format!("own {}", knob.name),
        BackgroundOrigin::Half(HalfOf::Own) => "half of the limit".to_owned(),
        BackgroundOrigin::Half(HalfOf::Ancestor(cgroup)) => {
            format!("half of the limit of ancestor {}", escaped(cgroup))
        }
        BackgroundOrigin::Half(HalfOf::System) => "half of the system's limit".to_owned(),
        BackgroundOrigin::Ancestor { cgroup, background } => {
            format!("ancestor {} with {}", escaped(cgroup), Bytes(background))
        }
        BackgroundOrigin::System => system(vm.background_setting()),
    }
}

fn system(setting: Option<(&'static str, u64)>) -> String {
    match setting {
        Some(setting) => format!("system, {}", vm_setting(setting)),
        None => "system".to_owned(),
    }
}

/// Formats a setting of `vm.dirty_*`, which is a size if its name ends in `bytes`, else a
/// percentage.
pub fn vm_setting((knob, value): (&'static str, u64)) -> String {
    match knob.ends_with("bytes") {
        true => format!("{knob} = {}", Bytes(value)),
        false => format!("{knob} = {value}%"),
    }
}
