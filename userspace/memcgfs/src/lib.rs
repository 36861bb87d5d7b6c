// SPDX-License-Identifier: GPL-2.0

//! Typed access to the files of memory cgroups, primarily those of memcg-knobs.
//!
//! A figure whose file is absent is `None`: the same code supports kernels with the module, patched
//! kernels without it, and unpatched ones. An error includes the file, the value that was written
//! and the errno. This crate reads and writes files and derives further values from them; it
//! neither prints anything nor knows about command lines.

mod assignment;
mod cgroup;
mod charges;
pub mod declared;
pub mod derivation;
pub mod devices;
mod error;
mod escape;
mod files;
pub mod filesystems;
mod given;
mod hierarchy;
mod host;
pub mod knobs;
pub mod lookup;
pub mod mount;
pub mod mounting;
mod origin;
pub mod page;
pub mod pattern;
pub mod plan;
pub mod refusal;
pub mod settings;
mod snapshot;
mod span;
mod stat;
pub mod switches;
pub mod system;
pub mod tracing;
mod usage;
pub mod usec;
mod value;
pub mod waiting;
mod walk;

// Sizes, ratios and limits are parsed and checked by the code of the kernel module, so the two
// always agree.
pub use policy::floors;
pub use policy::levels;
pub use policy::limits;
pub use policy::pace;
pub use policy::payments;
pub use policy::ratio;
pub use policy::size;
pub use policy::switches as switch_values;
pub use policy::units;

pub use assignment::Amount;
pub use assignment::Assignment;
pub use assignment::BadAssignment;
pub use cgroup::Cgroup;
pub use charges::ChargedMount;
pub use charges::Charges;
pub use charges::Payers;
pub use error::errno_name;
pub use error::in_words;
pub use error::Absence;
pub use error::Action;
pub use error::Error;
pub use error::Result;
pub use escape::escaped;
pub use hierarchy::Hierarchy;
pub use host::Host;
pub use host::Patched;
pub use host::VmDirty;
pub use mount::Mount;
pub use origin::BackgroundOrigin;
pub use origin::HalfOf;
pub use origin::Origin;
pub use policy::payments::Payments;
pub use snapshot::Snapshot;
pub use span::Span;
pub use stat::DirtyStat;
pub use stat::MemoryStat;
pub use stat::RechargeStat;
pub use usage::Usage;
pub use value::Limit;
pub use value::Value;
pub use walk::Walk;
