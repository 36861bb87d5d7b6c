// SPDX-License-Identifier: GPL-2.0

//! `memcgctl tree`: prints a cgroup and its descendants, a line each.

mod node;

use crate::charging::Charging;
use crate::cli::TreeArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::output;
use crate::report::Report;
use crate::table;
use memcgfs::derivation::Listing;
use memcgfs::escaped;
use memcgfs::knobs;
use memcgfs::Cgroup;
use memcgfs::ChargedMount;
use memcgfs::Error;
use memcgfs::Snapshot;
use memcgfs::VmDirty;
use node::Node;
use node::CHARGES;
use node::LIMITS;
use serde::Serialize;

/// The figures of a cgroup, and its children.
type Found = (Snapshot, Box<Report>, Vec<Cgroup>);

/// The state while the tree is built.
struct Gathering<'a> {
    args: &'a TreeArgs,
    /// The text that paths must contain, in lower case.
    filter: String,
    vm: &'a VmDirty,
    listing: Listing,
    /// The mounts that are charged to a cgroup, if charges are shown.
    mounts: Option<Vec<ChargedMount>>,
    /// The ancestors of the current cgroup, topmost first.
    above: Vec<Snapshot>,
    /// A cgroup that should have the module's files but has not.
    lacking: Option<Cgroup>,
    exit: Exit,
}

#[derive(Serialize)]
struct Cgroups<'a> {
    cgroups: Vec<&'a Report>,
}

pub fn run(context: &Context, args: &TreeArgs) -> anyhow::Result<Exit> {
    let top = context.top(&args.start)?;
    let mut gathering = Gathering {
        args,
        filter: args.filter.text.to_lowercase(),
        vm: &context.host.vm_dirty()?,
        listing: Listing::new(&context.host, &top)?,
        mounts: match args.charges || args.json {
            true => Some(context.charged_mounts()?),
            false => None,
        },
        above: Snapshot::above(&top)?,
        lacking: None,
        exit: Exit::Done,
    };
    let label = escaped(top.path());
    let tree = gathering.visit(top, label, 0);
    if let Some(cgroup) = &gathering.lacking {
        if !context.host.module_loaded() {
            output::note(cgroup.absence(&context.host, &knobs::DIRTY_STAT));
        }
    }
    match args.json {
        true => {
            let mut cgroups = Vec::new();
            tree.iter().for_each(|node| node.list(&mut cgroups));
            output::json(&Cgroups { cgroups })?;
        }
        false if args.charges => output::data(&text(tree.as_ref(), CHARGES, Node::charges))?,
        false => output::data(&text(tree.as_ref(), LIMITS, Node::limits))?,
    }
    Ok(gathering.exit)
}

impl Gathering<'_> {
    /// Returns the cgroup and its descendants; `None` if it vanished, cannot be read or is filtered
    /// out.
    fn visit(&mut self, cgroup: Cgroup, label: String, depth: usize) -> Option<Node> {
        let wanted = self.is_wanted(&cgroup);
        let (report, below) = self.enter(cgroup, depth)?;
        let mut children = Vec::new();
        for child in below {
            let label = escaped(child.name().file_name().unwrap_or_default());
            children.extend(self.visit(child, label, depth + 1));
        }
        self.above.pop();
        // Ancestors of matches stay.
        (wanted || !children.is_empty()).then(|| {
            node::sort(&mut children, self.args.sort);
            Node {
                label,
                report,
                children,
            }
        })
    }

    fn is_wanted(&self, cgroup: &Cgroup) -> bool {
        self.filter.is_empty() || escaped(cgroup.path()).to_lowercase().contains(&self.filter)
    }

    /// Returns the report on a cgroup, which is added to the ancestors, and its children.
    /// Everything that needs much stack is in here, because `visit` is recursive.
    #[inline(never)]
    fn enter(&mut self, cgroup: Cgroup, depth: usize) -> Option<(Box<Report>, Vec<Cgroup>)> {
        match self.read(cgroup, depth) {
            Ok(None) => None,
            Ok(Some((snapshot, report, below))) => {
                if snapshot.dirty_stat.is_none() && !snapshot.cgroup.is_root() {
                    self.lacking.get_or_insert_with(|| snapshot.cgroup.clone());
                }
                self.above.push(snapshot);
                Some((report, below))
            }
            Err(error) => {
                // A cgroup that cannot be read must not hide the others.
                output::note(error);
                self.exit = Exit::Partly;
                None
            }
        }
    }

    /// Reads a cgroup; `None` if it vanished.
    fn read(&mut self, cgroup: Cgroup, depth: usize) -> Result<Option<Found>, Error> {
        let Some(snapshot) = Snapshot::read(cgroup)? else {
            return Ok(None);
        };
        let charging = match &self.mounts {
            Some(mounts) => Some(Charging::read(&snapshot, &self.above, mounts)?),
            None => None,
        };
        let in_force = self.listing.limits(&snapshot, depth)?;
        let report = Report::new(&snapshot, &self.above, in_force, self.vm, charging);
        let children = match self.args.depth.is_some_and(|deepest| depth >= deepest) {
            true => Vec::new(),
            false => snapshot.cgroup.children()?,
        };
        Ok(Some((snapshot, Box::new(report), children)))
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
