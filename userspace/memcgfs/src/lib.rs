// SPDX-License-Identifier: GPL-2.0

//! Typed access to the files of memory cgroups, those of memcg-knobs first.
//!
//! A figure whose file is absent is `None`: the same code serves a kernel with the module, a patched one without it
//! and a stock one. An error carries the file, the value that was written and the errno. This crate reads and writes
//! files and derives what follows from them; it prints nothing and knows no command line.

// Sizes, ratios and limits are parsed and checked by the very files that the kernel module is built of, so that the
// two can not disagree.
#[path = "../../../rust/floors.rs"]
pub mod floors;
#[path = "../../../rust/levels.rs"]
pub mod levels;
#[path = "../../../rust/limits.rs"]
pub mod limits;
#[path = "../../../rust/ratio.rs"]
pub mod ratio;
#[path = "../../../rust/share.rs"]
pub mod share;
#[path = "../../../rust/size.rs"]
pub mod size;
#[path = "../../../rust/switches.rs"]
pub mod switch_values;

mod assignment;
mod cgroup;
mod charges;
pub mod derivation;
mod error;
mod escape;
mod files;
pub mod filesystems;
mod hierarchy;
mod host;
pub mod knobs;
pub mod mount;
pub mod mounting;
mod origin;
pub mod page;
pub mod plan;
pub mod settings;
mod snapshot;
mod span;
mod stat;
pub mod switches;
pub mod system;
pub mod tracing;
mod usage;
mod value;
pub mod waiting;
mod walk;

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
pub use snapshot::Snapshot;
pub use span::Span;
pub use stat::DirtyStat;
pub use stat::MemoryStat;
pub use stat::RechargeStat;
pub use usage::Usage;
pub use value::Kinds;
pub use value::Limit;
pub use value::Value;
pub use walk::Walk;
