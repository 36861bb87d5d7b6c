// SPDX-License-Identifier: GPL-2.0

//! memcg-knobs: per-cgroup control of dirty memory and of which cgroup is charged for memory.
//!
//! This is a policy for the memory controller's extension point (`mm/memcg_policy.c`). This file
//! registers it and dispatches the kernel's calls. A module imports only from those further down
//! this list:
//!
//! - `files.rs`: the files that users see in a cgroup; `sysfs.rs`: those in `/sys/kernel/mm`.
//! - `dirty.rs`: the levels that follow from a cgroup's files; `recharge.rs`: when the memory of
//!   removed cgroups is recharged, and to which cgroup; `payments.rs`: which cgroup pays for
//!   others.
//! - `cgroup.rs`: the state of a cgroup; `switches.rs`: the system-wide state. Data only.
//! - `text.rs`: conversions between the errors, values and units of `policy/` and the kernel's.
//! - `policy/`: arithmetic and parsing that do not depend on the kernel; the host's tests and the
//!   command line tool use them as well.

use kernel::{
    memcg::{
        self,
        dirty::Counted,
        recharge::Recharged,
        Attribute,
        File,
        Operations,
        Policy,
        Registered,
        Registration,
        Work, //
    },
    prelude::*, //
};

use crate::{
    cgroup::{
        Cgroup,
        NonRoot,
        State, //
    },
    policy::tries::GATHER_MS,
    switches::Knobs, //
};

mod cgroup;
mod dirty;
mod files;
#[cfg(CONFIG_KUNIT = "y")]
mod kunit;
mod payments;
#[path = "policy/src/lib.rs"]
pub mod policy;
mod recharge;
mod switches;
mod sysfs;
mod text;

module! {
    type: MemcgKnobs,
    name: "memcg_knobs",
    authors: ["The memcg-knobs authors"],
    description: "Dirty limits, recharging and payments per memory cgroup",
    license: "GPL v2",
}

/// The module. The policy is in force for as long as this lives.
#[pin_data]
struct MemcgKnobs {
    #[pin]
    registration: Registration<Knobs>,
}

impl kernel::InPlaceModule for MemcgKnobs {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            registration <- Registration::new(Knobs::new()),
            // Memory that was inherited before the module was loaded must be counted.
            _: {
                registration.registered().schedule(GATHER_MS);
            },
        })
    }
}

#[vtable]
impl Policy for Knobs {
    type Cgroup = State;

    const NAME: &'static CStr = c"memcg_knobs";
    const FILES: &'static [File<Self>] = files::FILES;
    const ATTRIBUTES: &'static [Attribute<Self>] = sysfs::ATTRIBUTES;
    const OPERATIONS: Operations<Self> = Operations::new().with_dirty().with_recharge();

    fn online(knobs: Registered<'_, Self>) -> impl PinInit<State, Error> {
        recharge::coming(knobs);
        State::new(knobs.adopt.load())
    }

    fn offline(cgroup: NonRoot<'_>) {
        files::close(cgroup);
        recharge::removed(*cgroup);
    }

    fn reset(cgroup: NonRoot<'_>) {
        files::reset(cgroup);
    }

    fn work(work: Work<'_, Self>) {
        dirty::work(&work);
        recharge::work(&work);
    }
}

impl memcg::dirty::Policy for Knobs {
    fn update(cgroup: Counted<'_, Self>) {
        dirty::update(cgroup);
    }
}

impl memcg::recharge::Policy for Knobs {
    fn recharged(from: Cgroup<'_>, to: Option<Cgroup<'_>>, what: Recharged) {
        recharge::moved(from, to, what);
    }

    fn resized(cgroup: Cgroup<'_>) {
        recharge::resized(cgroup);
    }
}
