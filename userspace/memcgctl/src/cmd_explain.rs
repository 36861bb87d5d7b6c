// SPDX-License-Identifier: GPL-2.0

//! `memcgctl explain`: the limit in force, from the raw figures on, and what to do about it.

mod advice;
mod json;
mod text;
mod throttling;

use crate::cli::ExplainArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use memcgfs::derivation::Derivation;
use memcgfs::knobs;
use memcgfs::Error;

pub fn run(context: &Context, args: &ExplainArgs) -> anyhow::Result<Exit> {
    let cgroup = context.named_or_own(args.cgroup.as_ref())?;
    context.note_absent_figures(&cgroup);
    let throttling = throttling::watch(context, &cgroup, args.sample.0)?;
    let Some(derivation) = Derivation::derive(&context.host, &cgroup)? else {
        return Err(match cgroup.exists() {
            true => Error::Unsupported("the kernel tells no figures in /proc/vmstat"),
            false => Error::NoCgroup {
                wanted: cgroup.path(),
                mount: context.hierarchy()?.mount().to_owned(),
            },
        }
        .into());
    };
    // The root never has them, but those below it may.
    let has_files = match cgroup.is_root() {
        true => context.host.module_loaded(),
        false => cgroup.offers(&knobs::DIRTY_STAT),
    };
    let advice = advice::sentence(&derivation, &throttling, has_files);
    match args.json {
        true => output::json(&json::explanation(
            &cgroup,
            &derivation,
            &throttling,
            advice,
        ))?,
        false => output::data(&text::text(&cgroup, &derivation, &throttling, &advice))?,
    }
    Ok(Exit::Done)
}
