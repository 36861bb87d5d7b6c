// SPDX-License-Identifier: GPL-2.0

//! A man page in roff, section by section.

use crate::cli::help;
use crate::cmd_generate::rst::Block;
use crate::cmd_generate::rst::Section;
use clap::Arg;
use clap::Command;
use std::fmt::Write;

/// A page under construction.
pub struct Page {
    pub text: String,
}

impl Page {
    pub fn new(name: &str, section: &str, about: &str) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let text = format!(
            ".TH {name} {section} \"\" \"memcg-knobs {version}\" \"memcg-knobs\"\n.SH NAME\n{} \\- {}\n",
            roff(name),
            roff(about)
        );
        Self { text }
    }

    pub fn line(&mut self, line: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{line}");
    }

    pub fn section(&mut self, title: &str) {
        self.line(&format!(".SH \"{title}\""));
    }

    pub fn paragraph(&mut self, text: &str) {
        self.line(".PP");
        self.line(&roff(text));
    }

    pub fn term(&mut self, term: &str, meanings: &[String]) {
        self.line(".TP");
        self.line(term);
        for (index, meaning) in meanings.iter().enumerate() {
            if index != 0 {
                self.line(".IP");
            }
            self.line(&roff(meaning));
        }
    }

    pub fn literal(&mut self, lines: &[String]) {
        self.line(".PP\n.RS 4\n.nf");
        for line in lines {
            self.line(&roff(line));
        }
        self.line(".fi\n.RE");
    }

    pub fn blocks(&mut self, blocks: &[Block], wanted: impl Fn(&Block) -> bool) {
        for block in blocks.iter().filter(|block| wanted(block)) {
            match block {
                Block::Text(text) => self.paragraph(text),
                Block::Definition(term, meanings) => self.term(&bold(term), meanings),
                Block::Literal(lines) => self.literal(lines),
            }
        }
    }

    /// Adds the arguments of a command.
    pub fn arguments(&mut self, command: &Command) {
        let visible = |arg: &&Arg| !arg.is_hide_set();
        let arguments: Vec<_> = command.get_positionals().filter(visible).collect();
        if !arguments.is_empty() {
            self.section("ARGUMENTS");
        }
        for arg in arguments {
            let name = value_name(arg);
            self.term(&italic(&name), &[meaning(arg)]);
        }
        self.section("OPTIONS");
        for arg in command.get_arguments().filter(visible) {
            let Some(long) = arg.get_long() else {
                continue;
            };
            let mut names = vec![bold(&format!("--{long}"))];
            if let Some(short) = arg.get_short() {
                names.insert(0, bold(&format!("-{short}")));
            }
            let mut term = names.join(", ");
            if arg.get_action().takes_values() {
                let value = italic(&value_name(arg));
                term += &match arg.is_require_equals_set() {
                    true => format!("[={value}]"),
                    false => format!(" {value}"),
                };
            }
            self.term(&term, &[meaning(arg)]);
        }
        self.term(
            &format!("{}, {}", bold("-h"), bold("--help")),
            &["Print help.".to_owned()],
        );
    }

    /// Adds a part of a help: a heading, and lines that are kept as they are.
    pub fn table(&mut self, part: &str) {
        let mut lines = part.lines();
        let Some(head) = lines.next().and_then(|head| head.strip_suffix(':')) else {
            return;
        };
        let lines: Vec<_> = lines
            .map(|line| line.strip_prefix("  ").unwrap_or(line).to_owned())
            .collect();
        if !lines.is_empty() {
            self.section(&head.to_uppercase());
            self.literal(&lines);
        }
    }

    /// Adds the end that all pages have.
    pub fn end(&mut self, sections: &[Section], cgroups: bool) {
        if cgroups {
            self.section("CGROUPS");
            self.line(&roff(help::CGROUP));
        }
        self.section("EXIT STATUS");
        let exits = sections
            .iter()
            .find(|section| section.title == "Exit Codes");
        self.blocks(
            exits.map_or(&[][..], |section| section.blocks.as_slice()),
            |_| true,
        );
    }

    pub fn see_also(&mut self, pages: impl Iterator<Item = String>) {
        self.section("SEE ALSO");
        let mut pages: Vec<_> = pages.collect();
        if !self.text.starts_with(".TH memcg-knobs") {
            pages.extend([
                "memcg-knobs.toml(5)".to_owned(),
                "memcg-knobs(7)".to_owned(),
            ]);
        }
        let pages = pages.iter().map(|page| match page.split_once('(') {
            Some((name, section)) => format!("{}({section}", bold(name)),
            None => bold(page),
        });
        self.line(&pages.collect::<Vec<_>>().join(",\n"));
    }
}

fn value_name(arg: &Arg) -> String {
    let names = arg
        .get_value_names()
        .map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>());
    names.map_or_else(
        || arg.get_id().to_string().to_uppercase(),
        |names| names.join(" "),
    )
}

/// Returns the meaning of an argument, including its possible values.
fn meaning(arg: &Arg) -> String {
    let mut text = arg.get_help().map(ToString::to_string).unwrap_or_default();
    if !text.ends_with(['.', ']']) {
        text.push('.');
    }
    let values: Vec<_> = arg
        .get_possible_values()
        .iter()
        .filter(|_| arg.get_action().takes_values())
        .map(|value| value.get_name().to_owned())
        .collect();
    if !values.is_empty() {
        let _ = write!(text, " One of {}.", values.join(", "));
    }
    let defaults: Vec<_> = arg
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy())
        .collect();
    let shown = arg.get_action().takes_values() && !arg.is_hide_default_value_set();
    if shown && !defaults.is_empty() {
        let _ = write!(text, " The default is {}.", defaults.join(" "));
    }
    text
}

pub fn bold(text: &str) -> String {
    format!("\\fB{}\\fR", roff(text))
}

pub fn italic(text: &str) -> String {
    format!("\\fI{}\\fR", roff(text))
}

/// Escapes text for roff. A dot or a quote at the start of a line would be a request.
pub fn roff(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = line
            .replace('\\', "\\e")
            .replace('-', "\\-")
            .replace('`', "\\(ga");
        match line.starts_with(['.', '\'']) {
            true => format!("\\&{line}"),
            false => line,
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}
