// SPDX-License-Identifier: GPL-2.0

//! The files that users see: what is read from each, and what a write to each does.

use kernel::{
    fmt,
    memcg::{
        self,
        File,
        Recharged,
        LEVEL_MAX, //
    },
    prelude::*,
    seq_file::{
        seq_print,
        SeqFile, //
    },
    str::Formatter, //
};

use crate::{
    group::{
        Group,
        PAGE, //
    },
    limits::{
        Config,
        MIN_ALL, //
    },
    params,
    payments::Payments,
    ratio::Ratio,
    recharge,
    size::{
        parse_bytes,
        ParseError, //
    },
};

/// A cgroup with its state.
pub(crate) type Node<'a> = memcg::Node<'a, Knobs>;

/// What a file of this module is.
#[derive(Clone, Copy)]
enum Knob {
    LimitBytes,
    BackgroundBytes,
    LimitRatio,
    BackgroundRatio,
    Min,
    Writeback,
    Stat,
    Recharge,
    RechargeStat,
    Persistent,
}

/// The list of knobs; the index of a file is its place in here.
const KNOBS: [(Knob, File); 10] = [
    (Knob::LimitBytes, File::read_write(c"dirty_limit_in_bytes")),
    (
        Knob::BackgroundBytes,
        File::read_write(c"dirty_background_limit_in_bytes"),
    ),
    (Knob::LimitRatio, File::read_write(c"dirty_ratio")),
    (
        Knob::BackgroundRatio,
        File::read_write(c"dirty_background_ratio"),
    ),
    (Knob::Min, File::read_write(c"dirty_min")),
    (Knob::Writeback, File::trigger(c"dirty_writeback")),
    (Knob::Stat, File::read_only(c"dirty_stat")),
    (Knob::Recharge, File::trigger(c"recharge")),
    (Knob::RechargeStat, File::read_only(c"recharge_stat").slow()),
    (Knob::Persistent, File::read_write(c"persistent")),
];

/// The extension of the memory controller that this module is.
pub(crate) struct Knobs;

impl memcg::Operations for Knobs {
    type Data = Group;

    const FILES: &'static [File] = &{
        let [a, b, c, d, e, f, g, h, i, j] = KNOBS;
        [a.1, b.1, c.1, d.1, e.1, f.1, g.1, h.1, i.1, j.1]
    };

    const NAME: &'static CStr = params::NAME;

    const PARAMS: &'static [File] = params::FILES;

    fn online(_parent: Option<Node<'_>>) -> Result<impl PinInit<Group, Error>> {
        recharge::coming();
        Ok(Group::new())
    }

    fn offline(node: Node<'_>) {
        Group::offline(node);
        recharge::removed(node);
    }

    fn reset(node: Node<'_>) {
        Group::reset(node);
    }

    fn update(node: Node<'_>) {
        Group::update(node);
    }

    fn show(node: Node<'_>, file: usize, m: &SeqFile) -> Result {
        let config = node.data().config();

        match knob(file)? {
            Knob::LimitBytes => show_bytes(m, config.limit.bytes()),
            Knob::BackgroundBytes => show_bytes(m, config.background.bytes()),
            Knob::LimitRatio => show_ratio(m, config.limit.ratio()),
            Knob::BackgroundRatio => show_ratio(m, config.background.ratio()),
            Knob::Min => show_bytes(m, (config.min != MIN_ALL).then_some(config.min)),
            Knob::Stat => show_stat(m, node),
            Knob::RechargeStat => show_recharge_stat(m, node)?,
            Knob::Persistent => seq_print!(m, "{}\n", node.data().payments()),
            Knob::Writeback | Knob::Recharge => return Err(EINVAL),
        }
        Ok(())
    }

    fn write(node: Node<'_>, file: usize, input: &[u8]) -> Result {
        match knob(file)? {
            Knob::LimitBytes => {
                let bytes = parse(parse_bytes(input))?;
                Group::configure(node, |old| parse(old.with_limit_bytes(bytes, PAGE)))
            }
            Knob::BackgroundBytes => {
                let bytes = parse(parse_bytes(input))?;
                Group::configure(node, |old| parse(old.with_background_bytes(bytes, PAGE)))
            }
            Knob::LimitRatio => {
                let ratio = parse(Ratio::parse(input))?;
                Group::configure(node, |old| Ok(old.with_limit_ratio(ratio)))
            }
            Knob::BackgroundRatio => {
                let ratio = parse(Ratio::parse(input))?;
                Group::configure(node, |old| Ok(old.with_background_ratio(ratio)))
            }
            Knob::Min => {
                let bytes = parse(parse_bytes(input))?;
                Group::configure(node, |old: Config| Ok(old.with_min(bytes, PAGE)))
            }
            Knob::Writeback => writeback(node, parse(parse_bytes(input))?),
            Knob::Recharge => recharge::on_demand(node, parse(parse_bytes(input))?),
            Knob::Persistent => Group::pay_for(node, parse(Payments::parse(input))?),
            Knob::Stat | Knob::RechargeStat => Err(EINVAL),
        }
    }

    fn work(root: Node<'_>, now_ms: u64) {
        recharge::work(root, now_ms);
    }

    fn recharged(from: Node<'_>, to: Option<Node<'_>>, what: Recharged) {
        recharge::moved(from, to, what);
    }

    fn show_param(param: usize, f: &mut Formatter<'_>) -> Result {
        params::show(param, f)
    }

    fn write_param(param: usize, input: &[u8]) -> Result {
        params::write(param, input)
    }
}

fn knob(file: usize) -> Result<Knob> {
    KNOBS.get(file).map(|(knob, _)| *knob).ok_or(EINVAL)
}

/// The errno of what could not be parsed.
pub(crate) fn errno(err: ParseError) -> Error {
    match err {
        ParseError::Overflow => ERANGE,
        _ => EINVAL,
    }
}

fn parse<V>(parsed: core::result::Result<V, ParseError>) -> Result<V> {
    parsed.map_err(errno)
}

fn show_bytes(m: &SeqFile, bytes: Option<u64>) {
    match bytes {
        Some(bytes) => seq_print!(m, "{}\n", bytes),
        None => seq_print!(m, "max\n"),
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The kernel has a trait of its own, which `ratio.rs` does not know of.
        core::fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Payments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        core::fmt::Display::fmt(self, f)
    }
}

fn show_ratio(m: &SeqFile, ratio: Option<Ratio>) {
    match ratio {
        Some(ratio) => seq_print!(m, "{}\n", ratio),
        None => seq_print!(m, "max\n"),
    }
}

fn show_stat(m: &SeqFile, node: Node<'_>) {
    let figures = node.figures();
    let events = node.events();
    let in_force = Group::in_force(node, &figures);

    for (key, value) in [
        ("dirty", bytes(figures.dirty as u64)),
        ("writeback", bytes(figures.writeback as u64)),
        ("limit", bytes(in_force.limit)),
        ("background_limit", bytes(in_force.background)),
        ("throttled_usec", events.throttled_usec),
        ("throttled_count", events.throttled_count),
        ("writeback_started", events.writeback_started),
    ] {
        seq_print!(m, "{} {}\n", key, value);
    }
}

fn show_recharge_stat(m: &SeqFile, node: Node<'_>) -> Result {
    let stat = recharge::stat(&node)?;

    for (key, pages) in [
        ("inherited", stat.inherited),
        ("recharged_in", stat.taken),
        ("recharged_out", stat.given),
        ("recharge_failed", stat.failed),
    ] {
        seq_print!(m, "{} {}\n", key, bytes(pages));
    }
    Ok(())
}

fn bytes(pages: u64) -> u64 {
    pages << PAGE
}

/// As many pages as a trigger is asked for. What fits no page count is more than there is.
pub(crate) fn pages(bytes: u64) -> usize {
    usize::try_from(bytes >> PAGE).map_or(LEVEL_MAX, |pages| pages.min(LEVEL_MAX))
}

/// Cleans `bytes` of the cgroup's dirty pages, or all of them.
fn writeback(node: Node<'_>, bytes: Option<u64>) -> Result {
    let wanted = bytes.map_or(LEVEL_MAX, pages);
    if wanted == 0 {
        return Ok(());
    }

    let written = node.writeback(wanted)?;
    let enough = match bytes {
        Some(_) => written.cleaned >= wanted,
        // What is not dirty any more, since its file was removed, is not to be written either.
        None => written.cleaned >= written.goal || node.figures().dirty == 0,
    };
    if enough {
        Ok(())
    } else {
        Err(EAGAIN)
    }
}
