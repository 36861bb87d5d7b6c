// SPDX-License-Identifier: GPL-2.0

//! Man pages.

mod page;

use super::rst;
use super::rst::Block;
use crate::cli::help;
use clap::Command;
use page::bold;
use page::italic;
use page::roff;
use page::Page;

const REFERENCE: &str = include_str!("../../../../Documentation/memcgctl.rst");

/// Files that commands use, and their purpose.
const FILES: [(&str, &[&str], &str); 6] = [
    (
        "/sys/fs/cgroup/*/memory.dirty_*",
        &[
            "show", "tree", "explain", "top", "watch", "record", "set", "flush", "metrics", "apply",
        ],
        "limits and figures of a cgroup; see memcg-knobs(7)",
    ),
    (
        "/sys/fs/cgroup/*/memory.recharge*",
        &["show", "tree", "recharge", "metrics"],
        "what was inherited from removed cgroups; see memcg-knobs(7)",
    ),
    (
        "/sys/kernel/mm/memcg_knobs/",
        &["show", "set", "apply", "metrics"],
        "switches of the whole machine",
    ),
    (
        "/etc/memcg-knobs.toml",
        &["set", "apply"],
        "what memcg-knobs.service applies at boot; see memcg-knobs.toml(5)",
    ),
    (
        "/sys/kernel/debug/bdi/",
        &["suggest", "top"],
        "the kernel's figures of devices",
    ),
    (
        "/sys/kernel/tracing/",
        &["trace"],
        "tracepoints; each run makes an instance of its own and removes it",
    ),
];

/// Returns the page of the program.
pub fn program(root: &Command, names: &[&str]) -> String {
    let mut page = Page::new("memcgctl", "1", &about(root));
    page.section("SYNOPSIS");
    page.line(&format!(
        "{} {} [{}]...",
        bold("memcgctl"),
        italic("COMMAND"),
        italic("ARGUMENT")
    ));
    page.section("DESCRIPTION");
    let sections = rst::parse(REFERENCE);
    let intro = sections
        .first()
        .map_or(&[][..], |title| title.blocks.as_slice());
    page.blocks(intro, |_| true);
    page.section("COMMANDS");
    for name in names {
        if let Some(command) = root.find_subcommand(name) {
            page.term(
                &format!("{}(1)", bold(&format!("memcgctl-{name}"))),
                &[about(command)],
            );
        }
    }
    page.end(&sections, true);
    page.see_also(names.iter().map(|name| format!("memcgctl-{name}(1)")));
    page.text
}

/// Returns the page of a command.
pub fn command(command: &Command, names: &[&str]) -> String {
    let name = command.get_name();
    let sections = rst::parse(REFERENCE);
    let own = sections
        .iter()
        .find(|section| section.level == 1 && section.title == name);
    let own = own.map_or(&[][..], |section| section.blocks.as_slice());
    let mut page = Page::new(&format!("memcgctl-{name}"), "1", &about(command));
    page.section("SYNOPSIS");
    for (index, usage) in usages(command).iter().enumerate() {
        if index != 0 {
            page.line(".br");
        }
        page.line(&roff(usage));
    }
    page.section("DESCRIPTION");
    // Examples have their own section.
    let is_example = |block: &Block| matches!(block, Block::Literal(lines) if lines.first().is_some_and(|line| line.contains("memcgctl ")));
    let mut description = own.to_vec();
    // The text before an example then ends as a sentence.
    let examples = own
        .iter()
        .enumerate()
        .filter(|(_, block)| is_example(block));
    for (index, _) in examples {
        if let Some(Block::Text(before)) = index
            .checked_sub(1)
            .and_then(|index| description.get_mut(index))
        {
            *before = before.trim_end_matches(':').to_owned() + ".";
        }
    }
    page.blocks(&description, |block| !is_example(block));
    page.arguments(command);
    let after = command.get_after_help().map(ToString::to_string);
    for part in after.unwrap_or_default().split("\n\n") {
        page.table(part);
    }
    let json = sections.iter().find(|section| section.title == "JSON");
    let json = json.map_or(&[][..], |section| section.blocks.as_slice());
    let mut keys = json.iter().filter_map(|block| match block {
        Block::Definition(term, meanings) if term.split([',', ' ']).any(|word| word == name) => {
            Some(meanings)
        }
        _ => None,
    });
    if let Some(meanings) = keys.next() {
        page.section("JSON");
        meanings.iter().for_each(|text| page.paragraph(text));
    }
    if name == "metrics" {
        page.section("METRICS");
        let metrics = sections.iter().find(|section| section.title == "Metrics");
        page.blocks(
            metrics.map_or(&[][..], |section| section.blocks.as_slice()),
            |_| true,
        );
    }
    if own.iter().any(is_example) {
        page.section("EXAMPLES");
        page.blocks(own, is_example);
    }
    let files = FILES.iter().filter(|(_, users, _)| users.contains(&name));
    let files: Vec<_> = files.collect();
    if !files.is_empty() {
        page.section("FILES");
        for (file, _, what) in files {
            page.term(&italic(file), &[(*what).to_owned()]);
        }
    }
    page.end(&sections, help::is_about_cgroups(command));
    let others = names.iter().filter(|other| **other != name);
    let others = others.map(|other| format!("memcgctl-{other}(1)"));
    page.see_also(["memcgctl(1)".to_owned()].into_iter().chain(others));
    page.text
}

/// Returns a page that is written as a whole.
pub fn page(name: &str, section: &str, text: &str) -> String {
    let sections = rst::parse(text);
    let title = sections.first().map_or("", |title| title.title.as_str());
    let about = title.split_once(" - ").map_or(title, |(_, about)| about);
    let mut page = Page::new(name, section, about);
    for section in sections.iter().skip(1) {
        page.section(&section.title.to_uppercase());
        page.blocks(&section.blocks, |_| true);
    }
    let pages = ["memcgctl(1)", "memcg-knobs(7)", "memcg-knobs.toml(5)"];
    let others = pages
        .into_iter()
        .filter(|page| *page != format!("{name}({section})"));
    page.see_also(others.map(str::to_owned));
    page.text
}

/// Returns the ways to call a command.
fn usages(command: &Command) -> Vec<String> {
    let name = command.get_name();
    let mut command = command.clone().bin_name(format!("memcgctl {name}"));
    let usage = command.render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage);
    usage.lines().map(|line| line.trim().to_owned()).collect()
}

fn about(command: &Command) -> String {
    let about = command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    about.trim_end_matches('.').to_owned()
}
