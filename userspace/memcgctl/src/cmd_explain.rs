// SPDX-License-Identifier: GPL-2.0

//! `memcgctl explain`: the limit in force, its derivation from the raw figures, and what to change.

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
use memcgfs::Cgroup;
use memcgfs::Error;
use memcgfs::Hierarchy;
use memcgfs::Host;
use std::time::Duration;
use throttling::Throttling;

pub fn run(context: &Context, args: &ExplainArgs) -> anyhow::Result<Exit> {
    let cgroup = context.named_or_own(args.cgroup.as_ref())?;
    context.note_absent_figures(&cgroup);
    let explained = Explained::read(&context.host, cgroup, args.sample.0)?;
    match args.json {
        true => output::json(&explained.json())?,
        false => output::data(&explained.text())?,
    }
    Ok(Exit::Done)
}

/// The explanation of a cgroup's limit.
pub struct Explained {
    cgroup: Cgroup,
    derivation: Derivation,
    throttling: Throttling,
    advice: String,
}

impl Explained {
    /// Collects the explanation, watching for throttling for `sample`.
    pub fn read(host: &Host, cgroup: Cgroup, sample: Duration) -> anyhow::Result<Self> {
        let throttling = throttling::watch(host, &cgroup, sample)?;
        let Some(derivation) = Derivation::derive(host, &cgroup)? else {
            return Err(match cgroup.exists() {
                true => Error::Unsupported("the kernel reports no figures in /proc/vmstat"),
                false => Error::NoCgroup {
                    wanted: cgroup.path(),
                    mount: Hierarchy::find(host)?.mount().to_owned(),
                },
            }
            .into());
        };
        // The root has no such files, but its children may have.
        let has_files = match cgroup.is_root() {
            true => host.module_loaded(),
            false => cgroup.offers(&knobs::DIRTY_STAT),
        };
        let advice = advice::sentence(&derivation, &throttling, has_files);
        Ok(Self {
            cgroup,
            derivation,
            throttling,
            advice,
        })
    }

    fn json(&self) -> json::Explanation {
        let advice = self.advice.clone();
        json::explanation(&self.cgroup, &self.derivation, &self.throttling, advice)
    }

    /// Formats the explanation for humans.
    pub fn text(&self) -> String {
        text::text(
            &self.cgroup,
            &self.derivation,
            &self.throttling,
            &self.advice,
        )
    }
}
