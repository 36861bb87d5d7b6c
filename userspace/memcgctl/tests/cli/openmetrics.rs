// SPDX-License-Identifier: GPL-2.0

//! A strict reader of OpenMetrics text, as far as gauges and counters go. It follows the grammar and the MUSTs of the
//! specification, version 1.0, and gives what the first mistake is.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

pub type Labels = BTreeMap<String, String>;

/// The samples by their full names and labels.
pub type Samples = BTreeMap<(String, Labels), f64>;

struct Family {
    name: String,
    kind: Option<String>,
    unit: Option<String>,
    help: bool,
    samples: bool,
}

pub fn parse(text: &str) -> Result<Samples, String> {
    let body = text
        .strip_suffix("# EOF\n")
        .ok_or("does not end in # EOF and a newline")?;
    let mut samples = Samples::new();
    let mut done = BTreeSet::new();
    let mut family: Option<Family> = None;
    for line in body.split_terminator('\n') {
        if let Some(meta) = line.strip_prefix("# ") {
            let (key, rest) = meta.split_once(' ').ok_or(format!("no name: {line}"))?;
            let (name, value) = rest.split_once(' ').ok_or(format!("no value: {line}"))?;
            check_name(name)?;
            if family.as_ref().is_none_or(|family| family.name != name) {
                finish(family.take(), &mut done)?;
                family = Some(Family {
                    name: name.to_owned(),
                    kind: None,
                    unit: None,
                    help: false,
                    samples: false,
                });
            }
            let family = family.as_mut().ok_or("no family")?;
            if family.samples {
                return Err(format!("metadata after samples: {line}"));
            }
            let again = match key {
                "TYPE" => family.kind.replace(value.to_owned()).is_some(),
                "UNIT" => family.unit.replace(value.to_owned()).is_some(),
                "HELP" => {
                    unquote(value)?;
                    std::mem::replace(&mut family.help, true)
                }
                _ => return Err(format!("unknown metadata: {line}")),
            };
            if again {
                return Err(format!("twice: {line}"));
            }
            continue;
        }
        let family = family
            .as_mut()
            .ok_or(format!("sample without a family: {line}"))?;
        family.samples = true;
        let (name, labels, value) = sample(line)?;
        let expected = match family.kind.as_deref() {
            Some("counter") => format!("{}_total", family.name),
            Some("gauge") => family.name.clone(),
            kind => return Err(format!("type {kind:?} of {}", family.name)),
        };
        if name != expected {
            return Err(format!("{name} instead of {expected}"));
        }
        if family.kind.as_deref() == Some("counter") && !(value.is_finite() && value >= 0.0) {
            return Err(format!("a counter of {value}"));
        }
        if samples.insert((name, labels), value).is_some() {
            return Err(format!("twice: {line}"));
        }
    }
    finish(family, &mut done)?;
    Ok(samples)
}

fn finish(family: Option<Family>, done: &mut BTreeSet<String>) -> Result<(), String> {
    let Some(family) = family else { return Ok(()) };
    if let Some(unit) = family.unit.filter(|unit| !unit.is_empty()) {
        if !family.name.ends_with(&format!("_{unit}")) {
            return Err(format!("{} does not end in its unit {unit}", family.name));
        }
    }
    match done.insert(family.name.clone()) {
        true => Ok(()),
        false => Err(format!("the family {} is in two places", family.name)),
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let good = |(index, c): (usize, char)| {
        c.is_ascii_alphabetic() || c == '_' || c == ':' || (index > 0 && c.is_ascii_digit())
    };
    match !name.is_empty() && name.chars().enumerate().all(good) {
        true => Ok(()),
        false => Err(format!("bad name {name:?}")),
    }
}

fn sample(line: &str) -> Result<(String, Labels, f64), String> {
    let end = line.find(['{', ' ']).ok_or(format!("no value: {line}"))?;
    let (name, mut rest) = line.split_at(end);
    check_name(name)?;
    let mut labels = Labels::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, tail) = rest.split_once("=\"").ok_or(format!("no label: {line}"))?;
            check_name(label)?;
            let mut escape = false;
            let end = tail.find(|c| {
                let quote = c == '"' && !escape;
                escape = c == '\\' && !escape;
                quote
            });
            let (value, tail) = tail.split_at(end.ok_or(format!("no end of the label: {line}"))?);
            if labels.insert(label.to_owned(), unquote(value)?).is_some() {
                return Err(format!("a label twice: {line}"));
            }
            rest = &tail[1..];
            if let Some(tail) = rest.strip_prefix('}') {
                rest = tail;
                break;
            }
            rest = rest.strip_prefix(',').ok_or(format!("no comma: {line}"))?;
        }
    }
    let value = rest.strip_prefix(' ').ok_or(format!("no space: {line}"))?;
    let number = match value {
        "+Inf" => f64::INFINITY,
        _ if value.starts_with(|c: char| c.is_ascii_digit()) => {
            value.parse().map_err(|_| format!("no number: {line}"))?
        }
        _ => return Err(format!("no number: {line}")),
    };
    Ok((name.to_owned(), labels, number))
}

fn unquote(text: &str) -> Result<String, String> {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => plain.push(match chars.next() {
                Some('n') => '\n',
                Some(c @ ('\\' | '"')) => c,
                other => return Err(format!("bad escape {other:?} in {text:?}")),
            }),
            '"' => return Err(format!("bare quote in {text:?}")),
            c => plain.push(c),
        }
    }
    Ok(plain)
}

#[test]
fn the_reader_is_strict() {
    let good = "# TYPE a_bytes counter\n# UNIT a_bytes bytes\n# HELP a_bytes x\na_bytes_total{l=\"\\\"\"} 1\n# EOF\n";
    assert_eq!(parse(good).unwrap().len(), 1);
    for bad in [
        "",
        "# EOF",
        "\n# EOF\n",
        "a 1\n# EOF\n",
        "# TYPE a gauge\na 1\n",
        "# TYPE a gauge\na 1\na 2\n# EOF\n",
        "# TYPE a gauge\na  1\n# EOF\n",
        "# TYPE a gauge\na{l=\"} 1\n# EOF\n",
        "# TYPE a gauge\na{l=\"\\x\"} 1\n# EOF\n",
        "# TYPE a gauge\na{l=\"x\",} 1\n# EOF\n",
        "# TYPE a gauge\na -\n# EOF\n",
        "# TYPE a counter\na 1\n# EOF\n",
        "# TYPE a gauge\n# UNIT a bytes\na 1\n# EOF\n",
        "# TYPE a gauge\na 1\n# HELP a x\n# EOF\n",
        "# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# TYPE a gauge\n# EOF\n",
        "# TYPE a gauge\na 1\n# EOF\n# EOF\n",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}
