// SPDX-License-Identifier: GPL-2.0

//! `memcgctl record`: writes the figures that `top` shows to a file, for `top --replay`.

pub mod frame;
pub mod player;

use crate::cli::RecordArgs;
use crate::cmd_top::sampler::Sampler;
use crate::context::Context;
use crate::exit::Exit;
use crate::stop::Stop;
use crate::stop::Woken;
use anyhow::anyhow;
use frame::Recorder;
use memcgfs::escaped;
use memcgfs::in_words;
use std::fs::File;
use std::io;
use std::io::Write;
use std::time::Instant;

pub fn run(context: &Context, args: &RecordArgs) -> anyhow::Result<Exit> {
    let top = context.top(&args.start)?;
    let failed =
        |error: io::Error| anyhow!("cannot write {}: {}", escaped(&args.file), in_words(&error));
    // Never overwrite an existing recording.
    let mut file = File::create_new(&args.file).map_err(failed)?;
    let stop = Stop::new(&context.host)?;
    let mut sampler = Sampler::new(context.host.clone(), top);
    let mut recorder = Recorder::default();
    let start = Instant::now();
    // Rates are computed between two samples.
    sampler.look();
    for look in 1u32.. {
        let next = args.interval.0.saturating_mul(look);
        let left = next.saturating_sub(start.elapsed());
        let ended = stop.wait_for_signal(left)? == Woken::Stop;
        sampler.look();
        sampler.read_inherited(0..sampler.rows().len());
        let mut line = serde_json::to_vec(&recorder.frame(&sampler))?;
        line.push(b'\n');
        // Write whole lines only, so that the recording can be replayed while it grows.
        file.write_all(&line).map_err(failed)?;
        if ended || args.count.is_some_and(|count| look >= count) {
            break;
        }
    }
    Ok(Exit::Done)
}
