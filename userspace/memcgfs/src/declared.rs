// SPDX-License-Identifier: GPL-2.0

//! Settings as TOML: writes the settings of a machine as a file that declares them, and puts a
//! single setting into an existing file.

use crate::cgroup::Cgroup;
use crate::error::Result;
use crate::hierarchy::Hierarchy;
use crate::host::Host;
use crate::knobs;
use crate::knobs::Knob;
use crate::pace::Pace;
use crate::switches;
use crate::switches::Switch;
use crate::switches::SwitchValue;
use crate::value::Value;
use crate::walk::Walk;
use std::fmt::Write;
use toml::de::DeTable;
use toml::de::DeValue;

/// The settings of a machine: all values that differ from those of a new cgroup or a newly loaded
/// module.
#[derive(Debug, Default)]
pub struct Held {
    /// All switches.
    pub switches: Vec<(&'static Switch, SwitchValue)>,
    /// The cgroups in which something is set.
    pub cgroups: Vec<(Cgroup, Vec<(&'static Knob, Value)>)>,
}

impl Held {
    /// Reads the settings. Errors are passed to `problem`, and the affected values left out.
    pub fn read(
        host: &Host,
        hierarchy: &Hierarchy,
        mut problem: impl FnMut(crate::error::Error),
    ) -> Result<Self> {
        let mut held = Self::default();
        for switch in &switches::SWITCHES {
            if let Some(value) = switch.value(host)? {
                held.switches.push((switch, value));
            }
        }
        for found in Walk::new(hierarchy.root(), None) {
            let cgroup = match found {
                Ok((cgroup, _)) => cgroup,
                Err(error) => {
                    problem(error);
                    continue;
                }
            };
            match set_in(&cgroup) {
                Ok(set) if set.is_empty() => {}
                Ok(set) => held.cgroups.push((cgroup, set)),
                Err(error) => problem(error),
            }
        }
        Ok(held)
    }

    /// Returns the text of the file, and the cgroups that TOML cannot name.
    pub fn text(&self) -> (String, Vec<&Cgroup>) {
        let mut text = String::new();
        let mut unnamed = Vec::new();
        // Writing to a String cannot fail.
        if !self.switches.is_empty() {
            text.push_str("[sysfs]\n");
            for (switch, value) in &self.switches {
                let _ = writeln!(text, "{} = {}", switch.name, switch_text(*value));
            }
        }
        for (cgroup, set) in &self.cgroups {
            let Some(name) = cgroup.path().to_str().map(str::to_owned) else {
                unnamed.push(cgroup);
                continue;
            };
            let gap = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{gap}[cgroup.{}]\noptional = true", quoted(&name));
            for (knob, value) in set {
                let _ = writeln!(text, "{} = {}", knob.short_name(), value_text(*value));
            }
        }
        (text, unnamed)
    }
}

/// Returns those knobs of a cgroup whose values differ from a new cgroup's.
pub fn set_in(cgroup: &Cgroup) -> Result<Vec<(&'static Knob, Value)>> {
    let mut set = Vec::new();
    for knob in knobs::settable() {
        match cgroup.value(knob)? {
            Some(value) if Some(value) != knob.initial() => set.push((knob, value)),
            _ => {}
        }
    }
    Ok(set)
}

/// Formats a value as TOML, without loss.
pub fn value_text(value: Value) -> String {
    match value {
        Value::Bytes(_) | Value::Ratio(_) | Value::Pace(Pace::Usec(_)) if !value.is_max() => {
            value.text()
        }
        value => quoted(&value.text()),
    }
}

/// Formats a switch's value as TOML.
pub fn switch_text(value: SwitchValue) -> String {
    match value {
        SwitchValue::OnOff(on) => on.to_string(),
        SwitchValue::Scope(scope) => quoted(&scope.to_string()),
        SwitchValue::Seconds(seconds) => seconds.to_string(),
        SwitchValue::Pace(usec) => usec.0.to_string(),
    }
}

/// Formats a TOML string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        let _ = match c {
            '"' | '\\' => write!(quoted, "\\{c}"),
            c if c.is_control() => write!(quoted, "\\u{:04x}", u32::from(c)),
            c => write!(quoted, "{c}"),
        };
    }
    quoted + "\""
}

/// Returns the file with one key of a table set and everything else unchanged: comments, order,
/// blanks. `table` is `sysfs`, or `cgroup` with a name. `None` if the file is not valid TOML, or
/// the place is taken by an entry of another kind.
pub fn with_key(file: &str, table: (&str, Option<&str>), key: &str, value: &str) -> Option<String> {
    let new = edited(file, table, key, value)?;
    // For example, a table written on one line cannot be extended.
    let root = DeTable::parse(&new).ok()?;
    let mut inner = root.get_ref();
    for level in [Some(table.0), table.1].into_iter().flatten() {
        let found = inner.iter().find(|(key, _)| key.get_ref() == level);
        inner = match found?.1.get_ref() {
            DeValue::Table(table) => table,
            _ => return None,
        };
    }
    let has = |inner: &DeTable<'_>| inner.iter().any(|(known, _)| known.get_ref() == key);
    let prefixed = inner.iter().any(|(known, value)| match value.get_ref() {
        DeValue::Table(table) => known.get_ref() == "memory" && has(table),
        _ => false,
    });
    (has(inner) || prefixed).then_some(new)
}

fn edited(file: &str, table: (&str, Option<&str>), key: &str, value: &str) -> Option<String> {
    let root = DeTable::parse(file).ok()?;
    let (kind, name) = table;
    let line = format!("{key} = {value}\n");
    let mut inner = root.get_ref();
    for level in [Some(kind), name].into_iter().flatten() {
        let found = inner.iter().find(|(key, _)| key.get_ref() == level);
        match found.map(|(_, value)| value.get_ref()) {
            Some(DeValue::Table(table)) => inner = table,
            Some(_) => return None,
            None => {
                let head = match name {
                    Some(name) => format!("[{kind}.{}]\n", quoted(name)),
                    None => format!("[{kind}]\n"),
                };
                let gap = match file {
                    "" => "",
                    file if file.ends_with('\n') => "\n",
                    _ => "\n\n",
                };
                return Some(format!("{file}{gap}{head}{line}"));
            }
        }
    }
    // The key may have the prefix `memory.`, which TOML takes for a table of that name.
    let plain = inner.iter();
    let prefixed = inner
        .iter()
        .filter_map(|(key, value)| match value.get_ref() {
            DeValue::Table(table) if key.get_ref() == "memory" => Some(table.iter()),
            _ => None,
        });
    let mut entries: Vec<_> = plain.chain(prefixed.flatten()).collect();
    entries.retain(|(_, value)| !matches!(value.get_ref(), DeValue::Table(_)));
    if let Some((_, old)) = entries.iter().find(|(known, _)| known.get_ref() == key) {
        let (before, _) = file.split_at_checked(old.span().start)?;
        let (_, after) = file.split_at_checked(old.span().end)?;
        return Some(format!("{before}{value}{after}"));
    }
    // Insert after the last entry, or after the header if there is none.
    let last = entries.iter().map(|(_, value)| value.span().end).max();
    let place = match last {
        Some(end) => end,
        None => head_of(file, root.get_ref(), kind, name)?,
    };
    let (before, after) = file.split_at_checked(place)?;
    let (rest, after) = after.split_once('\n').unwrap_or((after, ""));
    Some(format!("{before}{rest}\n{line}{after}"))
}

/// Returns the end of the header of a table without entries.
fn head_of(file: &str, root: &DeTable<'_>, kind: &str, name: Option<&str>) -> Option<usize> {
    let (key, value) = root.iter().find(|(key, _)| key.get_ref() == kind)?;
    let span = match (name, value.get_ref()) {
        (None, _) => key.span(),
        (Some(name), DeValue::Table(table)) => {
            let (key, _) = table.iter().find(|(key, _)| key.get_ref() == name)?;
            key.span()
        }
        _ => return None,
    };
    let tail = file.get(span.end..)?;
    Some(span.end + tail.find(']')? + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn keys_are_put_where_they_belong() {
        let file = "# Mine.\n[cgroup.\"a.service\"] # the web\ndirty_min = \"1M\" # floor\n\n[sysfs]\nrecharge_adopt = true\n[cgroup.b]\n";
        let table = [
            (
                ("cgroup", Some("a.service")),
                "dirty_min",
                "\"2M\"",
                "dirty_min = \"2M\" # floor\n",
            ),
            (
                ("cgroup", Some("a.service")),
                "dirty_ratio",
                "5",
                "dirty_min = \"1M\" # floor\ndirty_ratio = 5\n\n[sysfs]",
            ),
            (
                ("cgroup", Some("b")),
                "dirty_ratio",
                "5",
                "[cgroup.b]\ndirty_ratio = 5\n",
            ),
            (
                ("cgroup", Some("c \"d")),
                "dirty_ratio",
                "5",
                "[cgroup.b]\n\n[cgroup.\"c \\\"d\"]\ndirty_ratio = 5\n",
            ),
            (
                ("sysfs", None),
                "recharge_mapped",
                "true",
                "recharge_adopt = true\nrecharge_mapped = true\n[cgroup.b]",
            ),
        ];
        for (place, key, value, expected) in table {
            let text = with_key(file, place, key, value).unwrap();
            assert!(text.contains(expected), "{text}");
            assert!(text.starts_with("# Mine.\n"));
            Settings::parse(&text).unwrap();
            // Setting the same value again changes nothing.
            assert_eq!(with_key(&text, place, key, value), Some(text));
        }
        let prefixed = "[cgroup.a]\nmemory.dirty_min = 1\n";
        let text = with_key(prefixed, ("cgroup", Some("a")), "dirty_min", "2");
        assert_eq!(text.as_deref(), Some("[cgroup.a]\nmemory.dirty_min = 2\n"));
        let new = with_key("", ("sysfs", None), "recharge_mapped", "true");
        assert_eq!(new.as_deref(), Some("[sysfs]\nrecharge_mapped = true\n"));
        let open = with_key("[sysfs]", ("sysfs", None), "recharge_mapped", "true");
        assert_eq!(open.as_deref(), Some("[sysfs]\nrecharge_mapped = true\n"));
        let inline = "cgroup = { a = { dirty_min = 1 } }\n";
        let place = ("cgroup", Some("a"));
        assert_eq!(with_key(inline, place, "dirty_ratio", "1"), None);
        assert_eq!(
            with_key(inline, place, "dirty_min", "2").as_deref(),
            Some("cgroup = { a = { dirty_min = 2 } }\n")
        );
        assert_eq!(with_key("]", ("sysfs", None), "a", "1"), None);
        assert_eq!(with_key("sysfs = 1", ("sysfs", None), "a", "1"), None);
        assert_eq!(
            with_key("cgroup.x = 1", ("cgroup", Some("x")), "a", "1"),
            None
        );
    }
}
