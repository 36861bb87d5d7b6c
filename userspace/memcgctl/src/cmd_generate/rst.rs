// SPDX-License-Identifier: GPL-2.0

//! The subset of reStructuredText used in the documentation of commands: sections, paragraphs,
//! definitions, tables and literal blocks.

/// A section: its title, its level and its content up to the next title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    pub title: String,
    pub level: usize,
    pub blocks: Vec<Block>,
}

/// A block of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Running text.
    Text(String),
    /// A term and its definition, in paragraphs.
    Definition(String, Vec<String>),
    /// Lines to keep as they are: a literal block, or a table.
    Literal(Vec<String>),
}

/// The characters that titles are underlined with, top level first.
const UNDERLINES: [char; 2] = ['=', '-'];

/// Parses a text into its sections, in order.
pub fn parse(text: &str) -> Vec<Section> {
    let lines: Vec<&str> = text.lines().collect();
    let mut sections: Vec<Section> = Vec::new();
    let mut body: Vec<&str> = Vec::new();
    let mut index = 0;
    while let Some(line) = lines.get(index) {
        let next = lines.get(index + 1).copied().unwrap_or_default();
        let level = UNDERLINES.iter().position(|mark| {
            !line.is_empty() && next.len() >= 3 && next.chars().all(|c| c == *mark)
        });
        let plain = !line.starts_with([' ', '\t', '=', '.']);
        match level.filter(|_| plain) {
            Some(level) => {
                end(&mut sections, &mut body);
                sections.push(Section {
                    title: (*line).to_owned(),
                    level,
                    blocks: Vec::new(),
                });
                index += 2;
            }
            None => {
                body.push(line);
                index += 1;
            }
        }
    }
    end(&mut sections, &mut body);
    sections
}

/// Adds the collected lines to the last section.
fn end(sections: &mut [Section], body: &mut Vec<&str>) {
    if let Some(section) = sections.last_mut() {
        section.blocks = blocks(body);
    }
    body.clear();
}

/// Splits a section into blocks at blank lines.
fn blocks(lines: &[&str]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut groups = lines
        .split(|line| line.is_empty())
        .filter(|group| !group.is_empty())
        .peekable();
    while let Some(group) = groups.next() {
        let indented = |line: &&str| line.starts_with("  ") || line.starts_with('\t');
        if group.iter().all(indented) && !group.iter().all(|line| line.starts_with('\t')) {
            // A block may contain blank lines.
            let lines = group
                .iter()
                .map(|line| line.strip_prefix("  ").unwrap_or(line).to_string());
            match blocks.last_mut() {
                Some(Block::Literal(known)) => {
                    known.push(String::new());
                    known.extend(lines);
                }
                _ => blocks.push(Block::Literal(lines.collect())),
            }
            continue;
        }
        let term_ends = group.iter().position(|line| line.starts_with('\t'));
        match term_ends.filter(|end| *end > 0) {
            Some(end) => {
                let (term, meaning) = group.split_at(end);
                let mut meanings = vec![flowing(meaning)];
                // Further paragraphs are indented as a whole.
                while let Some(more) =
                    groups.next_if(|group| group.iter().all(|line| line.starts_with('\t')))
                {
                    meanings.push(flowing(more));
                }
                blocks.push(Block::Definition(flowing(term), meanings));
            }
            None => blocks.push(Block::Text(flowing(group))),
        }
    }
    blocks
}

/// Joins lines and removes the markup of literals and references.
fn flowing(lines: &[&str]) -> String {
    let words: Vec<&str> = lines
        .iter()
        .flat_map(|line| line.split_whitespace())
        .collect();
    let text = words.join(" ").replace("``", "").replace("\\*", "*");
    match text.strip_suffix("::") {
        Some(text) => format!("{text}:"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole() {
        let text = "\
=====
Title
=====

One
===

Some ``text``
that flows::

  literal
    more

  and on

Two
---

term, other
	What it
	means.

	And more.

another
	Else.
";
        let text_block = |text: &str| Block::Text(text.to_owned());
        let definition = |term: &str, meanings: &[&str]| {
            Block::Definition(
                term.to_owned(),
                meanings.iter().map(|text| text.to_string()).collect(),
            )
        };
        let literal = ["literal", "  more", "", "and on"]
            .map(str::to_owned)
            .to_vec();
        let sections = parse(text);
        assert_eq!(
            sections[1..],
            [
                Section {
                    title: "One".to_owned(),
                    level: 0,
                    blocks: vec![text_block("Some text that flows:"), Block::Literal(literal)],
                },
                Section {
                    title: "Two".to_owned(),
                    level: 1,
                    blocks: vec![
                        definition("term, other", &["What it means.", "And more."]),
                        definition("another", &["Else."]),
                    ],
                },
            ]
        );
    }
}
