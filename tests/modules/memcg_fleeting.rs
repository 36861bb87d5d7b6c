// SPDX-License-Identifier: GPL-2.0

//! A policy that ends before its module does: when a cgroup is removed. For tests of what is to
//! outlive it, such as mounts with `memcg=`.

use kernel::{
    memcg::{
        NonRoot,
        Policy,
        Registered,
        Registration, //
    },
    prelude::*,
    sync::{
        Arc,
        Completion, //
    },
    workqueue, //
};

module! {
    type: Fleeting,
    name: "memcg_fleeting",
    authors: ["The memcg-knobs authors"],
    description: "A memcg policy that ends before its module does",
    license: "GPL v2",
    params: {
        fail: bool {
            default: false,
            description: "End the policy while the module is initialized, which then fails",
        },
    },
}

/// The policy, which does nothing.
struct Nothing {
    removed: Arc<Completion>,
}

#[vtable]
impl Policy for Nothing {
    type Cgroup = ();

    const NAME: &'static CStr = c"memcg_fleeting";

    fn online(_policy: Registered<'_, Self>) -> impl PinInit<(), Error> {
        Ok(())
    }

    fn offline(cgroup: NonRoot<'_, Self>) {
        cgroup.policy().removed.complete_all();
    }
}

struct Fleeting;

impl kernel::Module for Fleeting {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let removed = Arc::pin_init(Completion::new(), GFP_KERNEL)?;
        let policy = Nothing {
            removed: removed.clone(),
        };
        let registration = KBox::pin_init(Registration::new(policy), GFP_KERNEL)?;
        let end = move || {
            removed.wait_for_completion();
            drop(registration);
        };

        if module_parameters::fail.value() {
            end();
            return Err(ECANCELED);
        }
        workqueue::system().try_spawn(GFP_KERNEL, end)?;
        Ok(Self)
    }
}
