// SPDX-License-Identifier: GPL-2.0

//! Which cgroup pays for those below it.

use kernel::{
    memcg,
    prelude::*, //
};

use crate::{
    cgroup::NonRoot,
    policy::payments::Payments, //
};

/// What the cgroup pays for in place of those below it.
pub(crate) fn of(cgroup: NonRoot<'_>) -> Payments {
    let memcg::payments::Payments { file, shmem } = cgroup.pays_for();

    Payments { file, shmem }
}

/// Lets the cgroup pay for `payments` from now on.
pub(crate) fn set(cgroup: NonRoot<'_>, payments: Payments) -> Result {
    let gone = cgroup.data().get_ref().gone.lock();
    if *gone {
        return Err(ENODEV);
    }
    pay_for(cgroup, payments);
    Ok(())
}

/// Nothing is paid for any more. `gone` is held.
pub(crate) fn clear(cgroup: NonRoot<'_>) {
    pay_for(cgroup, Payments::default());
}

fn pay_for(cgroup: NonRoot<'_>, Payments { file, shmem }: Payments) {
    cgroup.pay_for(memcg::payments::Payments { file, shmem });
}
