// SPDX-License-Identifier: GPL-2.0

//! Settings as declared by a TOML file:
//!
//! ```toml
//! [sysfs]
//! recharge_adopt = true
//!
//! [cgroup."system.slice/web.service"]
//! dirty_limit_in_bytes = "64M"
//!
//! [cgroup."backup.service"]
//! optional = true
//! dirty_ratio = 2.5
//! ```
//!
//! A key of `cgroup` is a path below the mount or the name of a systemd unit. As TOML is UTF-8,
//! cgroups with other names cannot be used. Everything that does not depend on the machine is
//! checked here, and all mistakes are reported, not only the first.

use crate::assignment::Assignment;
use crate::escape::escaped;
use crate::knobs;
use crate::switches;
use crate::switches::Switch;
use crate::switches::SwitchKind;
use crate::switches::SwitchValue;
use std::fmt;
use toml::de::DeTable;
use toml::de::DeValue;
use toml::Spanned;

/// The declarations of a file, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// System-wide switches.
    pub switches: Vec<Declared<(&'static Switch, SwitchValue)>>,
    /// Cgroups.
    pub cgroups: Vec<CgroupSettings>,
}

/// The declarations for one cgroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CgroupSettings {
    /// The path or the systemd unit, and its line.
    pub name: Declared<String>,
    /// Whether it may be absent.
    pub optional: bool,
    /// The settings.
    pub assignments: Vec<Declared<Assignment>>,
}

/// A value and its line, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared<T> {
    /// The line.
    pub line: usize,
    /// The value.
    pub what: T,
}

/// A mistake in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, counted from 1.
    pub line: usize,
    /// The description of the mistake.
    pub text: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.text)
    }
}

/// A key of a table and its value.
type Entry<'a, 'b> = (
    &'b Spanned<std::borrow::Cow<'a, str>>,
    &'b Spanned<DeValue<'a>>,
);

impl Settings {
    /// Parses a file, or returns all of its errors in order.
    pub fn parse(text: &str) -> Result<Self, Vec<Mistake>> {
        let mut parser = Parser {
            text,
            settings: Self::default(),
            mistakes: Vec::new(),
        };
        match DeTable::parse(text) {
            Ok(root) => parser.root(root.get_ref()),
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                parser.mistake(at, error.message());
            }
        }
        match parser.mistakes.is_empty() {
            true => Ok(parser.settings),
            false => Err(parser.mistakes),
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    settings: Settings,
    mistakes: Vec<Mistake>,
}

impl Parser<'_> {
    fn line(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().iter().take(offset);
        before.filter(|byte| **byte == b'\n').count() + 1
    }

    fn mistake(&mut self, offset: usize, text: impl fmt::Display) {
        let mistake = Mistake {
            line: self.line(offset),
            // The message of the TOML parser may quote the file.
            text: escaped(text.to_string()),
        };
        self.mistakes.push(mistake);
    }

    /// Returns the value of this key as it would be written on a command line.
    fn value_text(&self, name: &str, value: &Spanned<DeValue<'_>>) -> Result<String, String> {
        text(value.get_ref()).map_err(|reason| {
            let source = self.text.get(value.span()).unwrap_or_default();
            format!("{name} does not take {source}: {reason}")
        })
    }

    fn root(&mut self, root: &DeTable<'_>) {
        for (key, value) in in_order(root) {
            let at = key.span().start;
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("sysfs", DeValue::Table(table)) => self.sysfs(table),
                ("cgroup", DeValue::Table(table)) => self.cgroups(table),
                (name @ ("sysfs" | "cgroup"), _) => {
                    self.mistake(at, format_args!("{name} is a table"))
                }
                (name, _) => self.mistake(
                    at,
                    format_args!("unknown key {name:?}; there are sysfs and cgroup"),
                ),
            }
        }
    }

    fn sysfs(&mut self, table: &DeTable<'_>) {
        for (key, value) in in_order(table) {
            let at = key.span().start;
            let Some(switch) = switches::find(key.get_ref()) else {
                let names = switches::SWITCHES.each_ref().map(|switch| switch.name);
                let names = names.join(" ");
                self.mistake(
                    at,
                    format_args!("unknown key {:?}; there are {names}", key.get_ref()),
                );
                continue;
            };
            let text = match (value.get_ref(), switch.kind) {
                (DeValue::Boolean(on), SwitchKind::OnOff) => Ok(u8::from(*on).to_string()),
                _ => self.value_text(switch.name, value),
            };
            let parsed = text.and_then(|text| switch.parse_given(&text));
            match parsed {
                Ok(value) => {
                    let line = self.line(at);
                    let what = (switch, value);
                    self.settings.switches.push(Declared { line, what });
                }
                Err(text) => self.mistake(value.span().start, text),
            }
        }
    }

    fn cgroups(&mut self, table: &DeTable<'_>) {
        for (key, value) in in_order(table) {
            let at = key.span().start;
            match value.get_ref() {
                DeValue::Table(table) => {
                    let name = Declared {
                        line: self.line(at),
                        what: key.get_ref().to_string(),
                    };
                    let cgroup = self.cgroup(name, table);
                    self.settings.cgroups.push(cgroup);
                }
                _ => self.mistake(
                    at,
                    format_args!(
                        "{:?} is not a table; write [cgroup.\"NAME\"] above its settings",
                        key.get_ref()
                    ),
                ),
            }
        }
    }

    fn cgroup(&mut self, name: Declared<String>, table: &DeTable<'_>) -> CgroupSettings {
        let mut cgroup = CgroupSettings {
            name,
            optional: false,
            assignments: Vec::new(),
        };
        for (key, value) in with_prefix(table) {
            let at = key.span().start;
            if key.get_ref() == "optional" {
                match value.get_ref() {
                    DeValue::Boolean(optional) => cgroup.optional = *optional,
                    _ => self.mistake(at, "optional is true or false"),
                }
                continue;
            }
            let assignment = match value.get_ref() {
                DeValue::Table(table) => Err(part_of_name(&cgroup.name.what, key.get_ref(), table)),
                _ => match knobs::find(key.get_ref()) {
                    Some(knob) => self.value_text(knob.name, value),
                    None => Ok(String::new()),
                }
                .and_then(|text| {
                    Assignment::new(key.get_ref(), &text).map_err(|error| error.to_string())
                }),
            };
            let assignment = match assignment {
                Ok(assignment) => assignment,
                Err(text) => {
                    self.mistake(at, text);
                    continue;
                }
            };
            let others = cgroup.assignments.iter().map(|other| &other.what);
            if let Some(problem) = assignment.problem_after(others) {
                self.mistake(at, problem);
            }
            let line = self.line(at);
            cgroup.assignments.push(Declared {
                line,
                what: assignment,
            });
        }
        cgroup
    }
}

/// Returns the entries in the order of the file.
fn in_order<'a, 'b>(table: &'b DeTable<'a>) -> Vec<Entry<'a, 'b>> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// Returns the entries in order, including `memory.dirty_min = 1`, which TOML parses as a table
/// `memory`.
fn with_prefix<'a, 'b>(table: &'b DeTable<'a>) -> Vec<Entry<'a, 'b>> {
    let mut entries = Vec::new();
    for (key, value) in table.iter() {
        match value.get_ref() {
            DeValue::Table(inner) if key.get_ref() == "memory" => entries.extend(inner.iter()),
            _ => entries.push((key, value)),
        }
    }
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// Describes what is wrong with a table within that of a cgroup: most likely, its name has dots and
/// no quotes.
fn part_of_name(name: &str, key: &str, table: &DeTable<'_>) -> String {
    let mut name = format!("{name}.{key}");
    let mut table = table;
    while let Some((key, DeValue::Table(inner))) = only_entry(table) {
        name = format!("{name}.{key}");
        table = inner;
    }
    format!("{key:?} is a table; if it is a part of the cgroup's name, quote the name: [cgroup.{name:?}]")
}

fn only_entry<'a, 'b>(table: &'b DeTable<'a>) -> Option<(&'b str, &'b DeValue<'a>)> {
    let mut entries = table.iter();
    let (key, value) = entries.next()?;
    entries
        .next()
        .is_none()
        .then(|| (key.get_ref().as_ref(), value.get_ref()))
}

/// Formats a value as it would be written on a command line.
fn text(value: &DeValue<'_>) -> Result<String, &'static str> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        DeValue::Array(array) => {
            let words = array.iter().map(|item| match item.get_ref() {
                DeValue::String(word) => Ok(word.to_string()),
                _ => Err("a list may only hold quoted words"),
            });
            Ok(words.collect::<Result<Vec<_>, _>>()?.join(" "))
        }
        _ => Err("neither a quoted word nor a decimal number"),
    }
}
