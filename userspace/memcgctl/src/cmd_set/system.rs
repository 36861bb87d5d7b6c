// SPDX-License-Identifier: GPL-2.0

//! `memcgctl set --system` and `show --system`: the system-wide switches.

use super::persist;
use crate::cli::SetArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use memcgfs::switches::Switch;
use memcgfs::switches::SwitchValue;
use memcgfs::Error;
use std::fmt::Write;

pub fn run(
    context: &Context,
    wanted: &[(&'static Switch, SwitchValue)],
    args: &SetArgs,
) -> anyhow::Result<Exit> {
    let host = &context.host;
    // Nothing is written unless all of the switches exist.
    let mut before = Vec::new();
    for (switch, _) in wanted {
        match switch.value(host)? {
            Some(value) => before.push((*switch, value)),
            None => return Err(switch.absent(host).into()),
        }
    }
    let persist = args.persist.as_deref();
    let persist = persist
        .map(|file| persist::of_switches(file, wanted))
        .transpose()?;
    let mut text = String::new();
    let mut failed: Option<Error> = None;
    let mut undo = String::new();
    for ((switch, value), (_, was)) in wanted.iter().zip(before) {
        if let Err(error) = switch.set(host, *value) {
            failed = Some(error);
            break;
        }
        let now = switch.value(host)?.unwrap_or(*value);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}: {now}", switch.name);
        if now != was {
            let _ = write!(undo, " {}={was}", switch.name);
        }
    }
    if !undo.is_empty() {
        let _ = writeln!(text, "undo: memcgctl set --system{undo}");
    }
    output::data(&text)?;
    match failed {
        Some(error) if text.is_empty() => Err(error.into()),
        Some(error) => {
            output::note(error);
            Ok(Exit::Partly)
        }
        None => {
            if let Some(persist) = persist {
                persist.write()?;
            }
            Ok(Exit::Done)
        }
    }
}
