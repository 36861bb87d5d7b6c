// SPDX-License-Identifier: GPL-2.0

//! OpenMetrics text, version 1.0: families of samples, each with its description and unit, and an
//! end mark that shows a reader that nothing is missing. Also the older text format of Prometheus,
//! which differs only slightly, but enough that a reader of one loses the types of the other's
//! counters.

use clap::ValueEnum;
use std::fmt::Write;

/// The format of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// OpenMetrics 1.0.
    Openmetrics,
    /// The text format of Prometheus, as a node exporter's textfile collector reads it.
    Prometheus,
}

/// The type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value that may go up and down.
    Gauge,
    /// A value that only goes up.
    Counter,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
        }
    }

    /// Returns the suffix of the samples' names.
    fn suffix(self) -> &'static str {
        match self {
            Self::Gauge => "",
            Self::Counter => "_total",
        }
    }
}

/// A group of samples with the same name.
pub struct Family {
    /// The name, which ends in the unit if there is one.
    name: &'static str,
    kind: Kind,
    unit: Option<&'static str>,
    help: &'static str,
    samples: String,
}

impl Family {
    /// Creates a family without samples. If there is a unit, the name must end in it.
    pub fn new(
        name: &'static str,
        kind: Kind,
        unit: Option<&'static str>,
        help: &'static str,
    ) -> Self {
        Self {
            name,
            kind,
            unit,
            help,
            samples: String::new(),
        }
    }

    /// Adds a sample. Each set of labels must be unique.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: Number) {
        let suffix = self.kind.suffix();
        let text = &mut self.samples;
        text.push_str(self.name);
        text.push_str(suffix);
        for (index, (name, value)) in labels.iter().enumerate() {
            text.push(if index == 0 { '{' } else { ',' });
            // Writing to a String cannot fail.
            let _ = write!(text, "{name}=\"{}\"", quoted(value));
        }
        if !labels.is_empty() {
            text.push('}');
        }
        let _ = match value {
            Number::Whole(number) => writeln!(text, " {number}"),
            Number::Micro(number) => {
                writeln!(text, " {}.{:06}", number / 1_000_000, number % 1_000_000)
            }
            Number::Infinite => writeln!(text, " +Inf"),
        };
    }
}

/// The value of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// An integer.
    Whole(u64),
    /// A number of millionths.
    Micro(u64),
    /// Unlimited.
    Infinite,
}

/// Formats all families. A family without samples is left out.
pub fn text(families: &[Family], format: Format) -> String {
    let mut text = String::new();
    for family in families.iter().filter(|family| !family.samples.is_empty()) {
        let (name, kind) = (family.name, family.kind.name());
        // Writing to a String cannot fail.
        match format {
            Format::Openmetrics => {
                let _ = writeln!(text, "# TYPE {name} {kind}");
                if let Some(unit) = family.unit {
                    let _ = writeln!(text, "# UNIT {name} {unit}");
                }
                let _ = writeln!(text, "# HELP {name} {}", quoted(family.help));
            }
            // In that format a type applies to samples of exactly that name, and the text after
            // HELP is not quoted.
            Format::Prometheus => {
                let suffix = family.kind.suffix();
                let help = family.help.replace('\\', "\\\\").replace('\n', "\\n");
                let _ = writeln!(text, "# HELP {name}{suffix} {help}");
                let _ = writeln!(text, "# TYPE {name}{suffix} {kind}");
            }
        }
        text.push_str(&family.samples);
    }
    if format == Format::Openmetrics {
        text.push_str("# EOF\n");
    }
    text
}

/// Escapes a string for use in quotes.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => quoted.push_str("\\\\"),
            '"' => quoted.push_str("\\\""),
            '\n' => quoted.push_str("\\n"),
            c => quoted.push(c),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole() {
        let mut waits = Family::new(
            "waits_seconds",
            Kind::Counter,
            Some("seconds"),
            "A \"wait\".",
        );
        waits.sample(&[("a", "x\\y\n"), ("b", "\"")], Number::Micro(1_000_002));
        let mut plain = Family::new("plain", Kind::Gauge, None, "Plain.");
        plain.sample(&[], Number::Whole(u64::MAX));
        plain.sample(&[("a", "")], Number::Infinite);
        let empty = Family::new("empty", Kind::Gauge, None, "None.");
        let families = [waits, plain, empty];
        assert_eq!(
            text(&families, Format::Prometheus),
            "\
# HELP waits_seconds_total A \"wait\".
# TYPE waits_seconds_total counter
waits_seconds_total{a=\"x\\\\y\\n\",b=\"\\\"\"} 1.000002
# HELP plain Plain.
# TYPE plain gauge
plain 18446744073709551615
plain{a=\"\"} +Inf
"
        );
        assert_eq!(
            text(&families, Format::Openmetrics),
            "\
# TYPE waits_seconds counter
# UNIT waits_seconds seconds
# HELP waits_seconds A \\\"wait\\\".
waits_seconds_total{a=\"x\\\\y\\n\",b=\"\\\"\"} 1.000002
# TYPE plain gauge
# HELP plain Plain.
plain 18446744073709551615
plain{a=\"\"} +Inf
# EOF
"
        );
    }
}
