// SPDX-License-Identifier: GPL-2.0

//! `memcgctl apply --dump`: the settings of the machine, as a file.

use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use memcgfs::declared::Held;
use memcgfs::escaped;

pub fn run(context: &Context) -> anyhow::Result<Exit> {
    let mut exit = Exit::Done;
    let held = Held::read(&context.host, &context.hierarchy()?, |error| {
        output::note(error);
        exit = Exit::Partly;
    })?;
    let (text, unnamed) = held.text();
    for cgroup in unnamed {
        let name = escaped(cgroup.path());
        output::note(format_args!(
            "{name}: left out: TOML is UTF-8, and this name is not"
        ));
        exit = Exit::Partly;
    }
    output::data(&text)?;
    Ok(exit)
}
