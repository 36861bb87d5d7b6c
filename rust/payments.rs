// SPDX-License-Identifier: GPL-2.0

//! Which cgroup pays for its descendants.

use kernel::{
    memcg,
    prelude::*, //
};

use crate::{
    cgroup::NonRoot,
    policy::payments::Payments, //
};

/// Returns what the cgroup pays for in place of its descendants.
pub(crate) fn of(cgroup: NonRoot<'_>) -> Payments {
    let memcg::payments::Payments { file, shmem } = cgroup.pays_for();

    Payments { file, shmem }
}

/// Makes the cgroup pay for `payments`, and nothing else, from now on.
pub(crate) fn set(cgroup: NonRoot<'_>, payments: Payments) -> Result {
    let gone = cgroup.data().get_ref().gone.lock();
    if *gone {
        return Err(ENODEV);
    }
    pay_for(cgroup, payments);
    Ok(())
}

/// Makes the cgroup pay for nothing. The caller holds `gone`.
pub(crate) fn clear(cgroup: NonRoot<'_>) {
    pay_for(cgroup, Payments::default());
}

fn pay_for(cgroup: NonRoot<'_>, Payments { file, shmem }: Payments) {
    cgroup.pay_for(memcg::payments::Payments { file, shmem });
}
