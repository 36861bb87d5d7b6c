// SPDX-License-Identifier: GPL-2.0

//! `memcgctl apply --diff`: the differences between a file and the settings of the machine, in the
//! format of diff(1).

use memcgfs::declared::switch_text;
use memcgfs::declared::value_text;
use memcgfs::escaped;
use memcgfs::plan::Change;
use memcgfs::plan::Plan;
use std::fmt::Write;

/// Returns the differences, if any: `-` for the machine's settings, `+` for those that the file
/// declares.
pub fn text(plan: &Plan, file: &str) -> String {
    let mut text = String::new();
    let mut table = String::new();
    for (head, change) in sorted(plan) {
        if text.is_empty() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "--- what is set\n+++ {file}");
        }
        if table != head {
            let _ = writeln!(text, " [{head}]");
            table = head;
        }
        let (key, from, to, declared) = match change {
            Change::Switch {
                switch,
                from,
                to,
                declared,
            } => (switch.name, switch_text(*from), switch_text(*to), declared),
            Change::Knob {
                assignment,
                from,
                declared,
                ..
            } => (
                assignment.knob().short_name(),
                value_text(*from),
                value_text(assignment.read_back()),
                declared,
            ),
        };
        let _ = writeln!(text, "-{key} = {from}");
        if *declared {
            let _ = writeln!(text, "+{key} = {to}");
        }
    }
    for name in &plan.skipped {
        let _ = writeln!(text, " {}: no such cgroup", escaped(name));
    }
    text
}

/// Returns the changes, grouped by table, with the table's name.
fn sorted(plan: &Plan) -> Vec<(String, &Change)> {
    let mut changes: Vec<_> = plan
        .changes
        .iter()
        .map(|change| match change {
            Change::Switch { .. } => ("sysfs".to_owned(), change),
            Change::Knob { cgroup, .. } => {
                (format!("cgroup.\"{}\"", escaped(cgroup.path())), change)
            }
        })
        .collect();
    changes.sort_by(|(one, _), (other, _)| (one != "sysfs", one).cmp(&(other != "sysfs", other)));
    changes
}
