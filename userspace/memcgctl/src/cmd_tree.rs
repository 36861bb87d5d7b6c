// SPDX-License-Identifier: GPL-2.0

//! `memcgctl tree`: a cgroup and all below it, a line each.

use crate::charging::Charging;
use crate::cli::TreeArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use crate::report::Report;
use crate::table;
use crate::table::Branches;
use memcgfs::escaped;
use memcgfs::knobs;
use memcgfs::Cgroup;
use memcgfs::ChargedMount;
use memcgfs::Error;
use memcgfs::Snapshot;
use memcgfs::VmDirty;
use serde::Serialize;

/// A cgroup and those below it.
struct Node {
    label: String,
    report: Box<Report>,
    children: Vec<Node>,
}

/// What is read of a cgroup, and the cgroups below it.
type Found = (Snapshot, Option<Charging>, Vec<Cgroup>);

/// What the tree is gathered with.
struct Gathering<'a> {
    vm: &'a VmDirty,
    /// The mounts that are charged to a cgroup, if charges are wanted.
    mounts: Option<Vec<ChargedMount>>,
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

/// The heads of the columns about dirty limits. The first and the last are text, the others are numbers.
const LIMITS: [&str; 9] = [
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

/// The same about charges.
const CHARGES: [&str; 7] = [
    "CGROUP",
    "MEMORY",
    "MAX",
    "FILE",
    "SHMEM",
    "INHERITED",
    "PAYMENTS",
];

pub fn run(context: &Context, args: &TreeArgs) -> anyhow::Result<Exit> {
    let top = context.named_or_root(args.cgroup.as_ref(), args.own)?;
    let mut gathering = Gathering {
        vm: &context.host.vm_dirty()?,
        mounts: match args.charges || args.json {
            true => Some(context.charged_mounts()?),
            false => None,
        },
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
        false if args.charges => output::data(&text(tree.as_ref(), CHARGES, Node::charges))?,
        false => output::data(&text(tree.as_ref(), LIMITS, Node::limits))?,
    }
    Ok(gathering.exit)
}

impl Gathering<'_> {
    /// The cgroup and those below it; `None` if it vanished or can not be read.
    fn visit(&mut self, cgroup: Cgroup, label: String) -> Option<Node> {
        let (report, below) = self.enter(cgroup)?;
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

    /// The report on a cgroup, which is among those above from now on, and the cgroups below it. All that takes much of
    /// the stack is in here, since `visit` calls itself once for each level.
    #[inline(never)]
    fn enter(&mut self, cgroup: Cgroup) -> Option<(Box<Report>, Vec<Cgroup>)> {
        let (snapshot, charging, below) = match self.read(cgroup) {
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
        let report = Report::new(&snapshot, &self.above, self.vm, charging);
        self.above.push(snapshot);
        Some((Box::new(report), below))
    }

    /// Read a cgroup; `None` if it vanished.
    fn read(&self, cgroup: Cgroup) -> Result<Option<Found>, Error> {
        let Some(snapshot) = Snapshot::read(cgroup)? else {
            return Ok(None);
        };
        let charging = match &self.mounts {
            Some(mounts) => Some(Charging::read(&snapshot, &self.above, mounts)?),
            None => None,
        };
        let children = snapshot.cgroup.children()?;
        Ok(Some((snapshot, charging, children)))
    }
}

impl Node {
    fn list<'a>(&'a self, into: &mut Vec<&'a Report>) {
        into.push(&self.report);
        self.children.iter().for_each(|child| child.list(into));
    }

    fn limits(&self, label: String) -> [String; LIMITS.len()] {
        let report = &self.report;
        [
            label,
            report.dirty(),
            report.writeback(),
            report.limit(),
            report.background_limit(),
            report.setting(&knobs::DIRTY_MIN),
            report.throttled(),
            report.inherited(),
            report.why(),
        ]
    }

    fn charges(&self, label: String) -> [String; CHARGES.len()] {
        let [memory, max, file, shmem, payments] = self.report.charges();
        let inherited = self.report.inherited();
        [label, memory, max, file, shmem, inherited, payments]
    }

    /// This node and those below, each with its label. `head` is drawn before its own name, `tail` before all below.
    fn labelled<'a>(
        &'a self,
        branches: &Branches,
        head: &str,
        tail: &str,
        into: &mut Vec<(String, &'a Node)>,
    ) {
        into.push((format!("{head}{}", self.label), self));
        let [child, last_child, below, below_last] = branches;
        for (index, node) in self.children.iter().enumerate() {
            let (branch, stem) = match index + 1 == self.children.len() {
                true => (last_child, below_last),
                false => (child, below),
            };
            node.labelled(
                branches,
                &format!("{tail}{branch}"),
                &format!("{tail}{stem}"),
                into,
            );
        }
    }
}

fn text<const N: usize>(
    tree: Option<&Node>,
    heads: [&str; N],
    row: fn(&Node, String) -> [String; N],
) -> String {
    let branches = table::branches(output::is_rich());
    let mut labelled = Vec::new();
    if let Some(tree) = tree {
        tree.labelled(&branches, "", "", &mut labelled);
    }
    let mut rows = vec![heads.map(str::to_owned)];
    rows.extend(labelled.into_iter().map(|(label, node)| row(node, label)));
    table::lines(&rows)
}
