// SPDX-License-Identifier: GPL-2.0

//! `memcgctl tree`: a cgroup and all below it, a line each.

use crate::cli::Target;
use crate::cli::TreeArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use crate::report::Report;
use crate::table;
use memcgfs::escaped;
use memcgfs::knobs;
use memcgfs::Cgroup;
use memcgfs::Snapshot;
use memcgfs::VmDirty;
use serde::Serialize;

/// A cgroup and those below it.
struct Node {
    label: String,
    report: Report,
    children: Vec<Node>,
}

/// What the tree is gathered with.
struct Gathering<'a> {
    vm: &'a VmDirty,
    /// The cgroups above the one at hand, the outermost first.
    above: Vec<Snapshot>,
    /// A cgroup that should have had the module's files but had not.
    lacking: Option<Cgroup>,
    exit: Exit,
}

#[derive(Serialize)]
struct Listing<'a> {
    cgroups: Vec<&'a Report>,
}

/// What the branches are drawn with: a child, the last child, and below each of them.
struct Glyphs([&'static str; 4]);

const UTF8: Glyphs = Glyphs(["├─", "└─", "│ ", "  "]);
const ASCII: Glyphs = Glyphs(["|-", "`-", "| ", "  "]);

/// The heads of the columns. The first and the last are text, the others are numbers.
const HEADS: [&str; 9] = [
    "CGROUP",
    "DIRTY",
    "WRITEBACK",
    "LIMIT",
    "BACKGROUND",
    "FLOOR",
    "THROTTLED",
    "INHERITED",
    "WHY",
];

type Row = [String; HEADS.len()];

pub fn run(context: &Context, args: &TreeArgs) -> anyhow::Result<Exit> {
    let top = match (&args.cgroup, args.own) {
        (Some(name), _) => context.cgroup(&Target::Named(name.clone()))?,
        (None, true) => context.cgroup(&Target::Own)?,
        (None, false) => context.hierarchy()?.root(),
    };
    let mut gathering = Gathering {
        vm: &context.host.vm_dirty()?,
        above: Snapshot::above(&top)?,
        lacking: None,
        exit: Exit::Done,
    };
    let label = escaped(top.path());
    let tree = gathering.visit(top, label);
    if let Some(cgroup) = &gathering.lacking {
        if !context.host.module_loaded() {
            output::note(cgroup.absence(&context.host, &knobs::DIRTY_STAT));
        }
    }
    match args.json {
        true => {
            let mut cgroups = Vec::new();
            tree.iter().for_each(|node| node.list(&mut cgroups));
            output::json(&Listing { cgroups })?;
        }
        false => output::data(&text(tree.as_ref()))?,
    }
    Ok(gathering.exit)
}

impl Gathering<'_> {
    /// The cgroup and those below it; `None` if it vanished or can not be read.
    fn visit(&mut self, cgroup: Cgroup, label: String) -> Option<Node> {
        let read = Snapshot::read(cgroup).and_then(|snapshot| match snapshot {
            Some(snapshot) => snapshot
                .cgroup
                .children()
                .map(|children| Some((snapshot, children))),
            None => Ok(None),
        });
        let (snapshot, below) = match read {
            Ok(found) => found?,
            Err(error) => {
                // One that can not be read should not hide the others.
                output::note(error);
                self.exit = Exit::Partly;
                return None;
            }
        };
        if snapshot.dirty_stat.is_none() && !snapshot.cgroup.is_root() {
            self.lacking.get_or_insert_with(|| snapshot.cgroup.clone());
        }
        let report = Report::new(&snapshot, &self.above, self.vm);
        self.above.push(snapshot);
        let mut children = Vec::new();
        for child in below {
            let label = escaped(child.name().file_name().unwrap_or_default());
            children.extend(self.visit(child, label));
        }
        self.above.pop();
        Some(Node {
            label,
            report,
            children,
        })
    }
}

impl Node {
    fn list<'a>(&'a self, into: &mut Vec<&'a Report>) {
        into.push(&self.report);
        self.children.iter().for_each(|child| child.list(into));
    }

    /// The rows of this node and those below. `head` is drawn before its own label, `tail` before all below.
    fn rows(&self, glyphs: &Glyphs, head: &str, tail: &str, into: &mut Vec<Row>) {
        let report = &self.report;
        into.push([
            format!("{head}{}", self.label),
            report.dirty(),
            report.writeback(),
            report.limit(),
            report.background_limit(),
            report.setting(&knobs::DIRTY_MIN),
            report.throttled(),
            report.inherited(),
            report.why(),
        ]);
        let [child, last_child, below, below_last] = glyphs.0;
        for (index, node) in self.children.iter().enumerate() {
            let (branch, stem) = match index + 1 == self.children.len() {
                true => (last_child, below_last),
                false => (child, below),
            };
            node.rows(
                glyphs,
                &format!("{tail}{branch}"),
                &format!("{tail}{stem}"),
                into,
            );
        }
    }
}

fn text(tree: Option<&Node>) -> String {
    let glyphs = match output::is_rich() {
        true => &UTF8,
        false => &ASCII,
    };
    let mut rows: Vec<Row> = vec![HEADS.map(str::to_owned)];
    if let Some(tree) = tree {
        tree.rows(glyphs, "", "", &mut rows);
    }
    table::lines(&rows)
}
