// SPDX-License-Identifier: GPL-2.0

//! The graph: dirty pages as areas, the limits as lines, waiting writers as marks below.

use super::history::History;
use super::history::Sample;
use memcgfs::units::Bytes;
use std::fmt::Write;
use std::time::Duration;

/// The size of the picture and of the plot area.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 32.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 72.0;

const STYLE: &str = "\
text{font:12px sans-serif;fill:#333}.t{font-size:15px;font-weight:bold}.g{stroke:#ddd}.d{fill:#d9822b}\
.w{fill:#f4c78f}.l{stroke:#c0392b;stroke-width:2;fill:none}.b{stroke:#2c6fad;stroke-dasharray:6 4;fill:none}\
.p{fill:#8e44ad}";

/// The mapping of figures to coordinates.
struct Scale {
    time: f64,
    bytes: f64,
}

impl Scale {
    fn x(&self, time: Duration) -> f64 {
        LEFT + time.as_secs_f64() / self.time * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, bytes: u64) -> f64 {
        HEIGHT - BOTTOM - bytes as f64 / self.bytes * (HEIGHT - TOP - BOTTOM)
    }
}

/// Draws the graph.
pub fn picture(title: &str, history: &History) -> String {
    let samples = history.samples();
    let end = samples.last().map_or(Duration::ZERO, |last| last.time);
    let most = samples
        .iter()
        .map(|sample| sample.held().max(sample.limit.unwrap_or(0)))
        .max()
        .unwrap_or(0);
    let step = step(most);
    // Leave a little room above the maximum, up to the next grid line.
    let lines = (most / step).saturating_add(1);
    let scale = Scale {
        time: end.as_secs_f64().max(0.001),
        bytes: step as f64 * lines as f64,
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n\
         <title>Dirty pages of {title}</title>\n<style>{STYLE}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text class=\"t\" x=\"{LEFT}\" y=\"28\">{title}</text>\n",
        title = quoted(title)
    );
    grid(&mut svg, &scale, step, lines, end);
    area(&mut svg, "w", samples, &scale, |sample| sample.held());
    area(&mut svg, "d", samples, &scale, |sample| sample.dirty);
    steps(&mut svg, "b", samples, &scale, |sample| sample.background);
    steps(&mut svg, "l", samples, &scale, |sample| sample.limit);
    waits(&mut svg, samples, &scale);
    legend(&mut svg);
    svg.push_str("</svg>\n");
    svg
}

/// Returns the distance between grid lines: a power of two, so that there are at most eight.
fn step(most: u64) -> u64 {
    let eighth = (most / 8).max(4096);
    eighth.checked_next_power_of_two().unwrap_or(1 << 60)
}

fn grid(svg: &mut String, scale: &Scale, step: u64, lines: u64, end: Duration) {
    for line in 0..=lines {
        let bytes = step.saturating_mul(line);
        let (y, right) = (scale.y(bytes), WIDTH - RIGHT);
        // Writing to a String cannot fail.
        let _ = writeln!(
            svg,
            "<path class=\"g\" d=\"M{LEFT} {y:.1}H{right}\"/><text x=\"{x}\" y=\"{text_y:.1}\" \
             text-anchor=\"end\">{size}</text>",
            x = LEFT - 6.0,
            text_y = y + 4.0,
            size = Bytes(bytes)
        );
    }
    for part in 0..=6u32 {
        let time = end * part / 6;
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{:.1}s</text>",
            scale.x(time),
            HEIGHT - BOTTOM + 30.0,
            time.as_secs_f64()
        );
        if end.is_zero() {
            break;
        }
    }
}

fn area(svg: &mut String, class: &str, samples: &[Sample], scale: &Scale, of: fn(&Sample) -> u64) {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        return;
    };
    let _ = write!(
        svg,
        "<path class=\"{class}\" d=\"M{:.1} {:.1}",
        scale.x(first.time),
        scale.y(0)
    );
    for sample in samples {
        let _ = write!(
            svg,
            "L{:.1} {:.1}",
            scale.x(sample.time),
            scale.y(of(sample))
        );
    }
    let _ = writeln!(svg, "L{:.1} {:.1}Z\"/>", scale.x(last.time), scale.y(0));
}

/// Draws a step line, with gaps where there is no limit.
fn steps(
    svg: &mut String,
    class: &str,
    samples: &[Sample],
    scale: &Scale,
    of: fn(&Sample) -> Option<u64>,
) {
    let mut path = String::new();
    let mut drawn = false;
    for sample in samples {
        let x = scale.x(sample.time);
        let _ = match (of(sample), drawn) {
            (Some(bytes), true) => write!(path, "H{x:.1}V{:.1}", scale.y(bytes)),
            (Some(bytes), false) => write!(path, "M{x:.1} {:.1}", scale.y(bytes)),
            (None, _) => Ok(()),
        };
        drawn = of(sample).is_some();
    }
    if !path.is_empty() {
        let _ = writeln!(svg, "<path class=\"{class}\" d=\"{path}\"/>");
    }
}

/// Draws a mark below the graph for each interval in which writers waited.
fn waits(svg: &mut String, samples: &[Sample], scale: &Scale) {
    let spans = samples.iter().zip(samples.iter().skip(1));
    for (before, sample) in
        spans.filter(|(_, sample)| sample.waiting || !sample.throttled.is_zero())
    {
        let (x, end) = (scale.x(before.time), scale.x(sample.time));
        let _ = writeln!(
            svg,
            "<rect class=\"p\" x=\"{x:.1}\" y=\"{}\" width=\"{:.1}\" height=\"6\"/>",
            HEIGHT - BOTTOM + 6.0,
            (end - x).max(1.0)
        );
    }
}

fn legend(svg: &mut String) {
    let entries = [
        ("d", "dirty"),
        ("w", "writeback"),
        ("l", "limit"),
        ("b", "background limit"),
        ("p", "writers waited"),
    ];
    for (index, (class, name)) in entries.into_iter().enumerate() {
        let (x, y) = (LEFT + index as f64 * 150.0, HEIGHT - 20.0);
        let _ = match class {
            "l" | "b" => write!(svg, "<path class=\"{class}\" d=\"M{x} {y}h20\"/>"),
            _ => write!(
                svg,
                "<rect class=\"{class}\" x=\"{x}\" y=\"{}\" width=\"20\" height=\"8\"/>",
                y - 4.0
            ),
        };
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\">{name}</text>",
            x + 26.0,
            y + 4.0
        );
    }
}

/// Escapes text between tags. Characters that XML does not allow were escaped before.
fn quoted(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole() {
        let mut history = History::default();
        for second in 0..4 {
            history.push(Sample {
                time: Duration::from_secs(second),
                dirty: second << 20,
                writeback: 1 << 20,
                limit: (second != 1).then_some(8 << 20),
                background: Some(4 << 20),
                throttled: Duration::from_millis(second % 3),
                waiting: second == 3,
            });
        }
        let svg = picture("/a<b>&c", &history);
        assert!(
            svg.contains("/a&lt;b&gt;&amp;c") && !svg.contains("NaN"),
            "{svg}"
        );
        // Three spans in which writers waited, and the legend.
        assert_eq!(svg.matches("class=\"p\"").count(), 4);
        assert!(
            svg.contains("d=\"M80.0 48") || svg.contains("M80.0 "),
            "{svg}"
        );
        assert!(svg.ends_with("</svg>\n"));
    }

    #[test]
    fn nothing_seen_or_beyond_measure() {
        let mut history = History::default();
        assert!(!picture("/", &history).contains("NaN"));
        history.push(Sample {
            dirty: u64::MAX,
            writeback: u64::MAX,
            limit: Some(u64::MAX),
            ..Sample::default()
        });
        let svg = picture("/", &history);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
