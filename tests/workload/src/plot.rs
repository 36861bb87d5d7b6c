// SPDX-License-Identifier: GPL-2.0

//! `plot`: draws the output of `sample`, dirty and writeback bytes over time against a limit: in
//! characters on stdout, one panel for each series, and as an SVG file, all series on the same
//! axes.

use crate::error::Context;
use crate::error::Result;
use crate::error::bytes;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct Args {
    /// A name for the legend, and the CSV file that `sample` wrote (repeatable).
    #[arg(long = "series", required = true, value_name = "NAME=FILE", value_parser = named_file)]
    series: Vec<(String, PathBuf)>,
    /// The limit.
    #[arg(long, value_parser = bytes)]
    limit: u64,
    /// The title of the picture.
    #[arg(long)]
    title: String,
    /// The SVG file to write.
    #[arg(long)]
    svg: Option<PathBuf>,
    /// Use only ASCII characters.
    #[arg(long)]
    ascii: bool,
}

fn named_file(text: &str) -> Result<(String, PathBuf)> {
    let (name, file) = text.split_once('=').ok_or("not NAME=FILE")?;
    Ok((name.to_owned(), file.into()))
}

const MIB: f64 = (1 << 20) as f64;

/// A curve: seconds and MiB.
struct Series {
    name: String,
    points: Vec<(f64, f64)>,
}

impl Series {
    fn read(name: &str, path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).context(path.display())?;
        let point = |line: &str| {
            let mut fields = line.split(',').map(|field| field.parse::<f64>().ok());
            let mut field = || fields.next().flatten();
            Some((field()? / 1e6, (field()? + field()?) / MIB))
        };
        let points: Option<Vec<_>> = text.lines().skip(1).map(point).collect();
        match points {
            Some(points) if !points.is_empty() => Ok(Self {
                name: name.to_owned(),
                points,
            }),
            _ => Err(format!("{}: not the samples of `sample`", path.display())),
        }
    }

    fn seconds(&self) -> f64 {
        self.points.last().map_or(0.0, |point| point.0)
    }

    fn max(&self) -> f64 {
        self.points.iter().map(|point| point.1).fold(0.0, f64::max)
    }

    /// Returns the curve in `count` steps of equal time; each is the highest of its samples,
    /// because peaks are what matters for a limit. A step without a sample repeats the previous
    /// one.
    fn peaks(&self, count: usize, seconds: f64) -> Vec<f64> {
        let mut peaks = vec![None; count];
        for &(at, value) in &self.points {
            let step = (at / seconds * count as f64) as usize;
            let peak: &mut Option<f64> = &mut peaks[step.min(count - 1)];
            *peak = Some(peak.map_or(value, |p| p.max(value)));
        }
        // Nothing is repeated beyond the end of a series that is shorter than the others.
        let end = (self.seconds() / seconds * count as f64).ceil() as usize;
        peaks.truncate(end.clamp(1, count));
        let mut last = 0.0;
        peaks
            .into_iter()
            .map(|peak| {
                last = peak.unwrap_or(last);
                last
            })
            .collect()
    }
}

/// Formats "8 MiB", "7.5 MiB".
fn mib(value: f64) -> String {
    format!("{} MiB", (value * 10.0).round() / 10.0)
}

// In characters.

const WIDTH: usize = 72;
const ROWS: usize = 12;
const LABEL: usize = 8;

struct Charset {
    /// From an empty to a full cell.
    blocks: &'static [char],
    limit: char,
    vertical: char,
    corner: char,
    horizontal: char,
}

const UNICODE: Charset = Charset {
    blocks: &[' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
    limit: '╌',
    vertical: '│',
    corner: '└',
    horizontal: '─',
};

const ASCII: Charset = Charset {
    blocks: &[' ', '.', ':', '#'],
    limit: '-',
    vertical: '|',
    corner: '+',
    horizontal: '-',
};

/// The limit is a line between two rows of blocks, so that neither hides the other; hence it is a
/// multiple of a row's height.
fn text(series: &[Series], limit: f64, title: &str, set: &Charset) -> String {
    let max = series.iter().map(Series::max).fold(limit, f64::max);
    let below = ((ROWS as f64 * limit / max) as usize).max(1);
    let height = limit / below as f64;
    let rows = (max / height).ceil() as usize;
    let seconds = longest(series);
    let width = (WIDTH - LABEL) / series.len() - 2;
    let panels: Vec<_> = series.iter().map(|s| s.peaks(width, seconds)).collect();
    let full = set.blocks.len() - 1;
    let line = |label: &str, edge: char, cell: &dyn Fn(f64) -> char| {
        let mut line = format!("{label:>LABEL$}");
        for panel in &panels {
            let value = |x| panel.get(x).copied().unwrap_or(0.0);
            line.extend([' ', edge]);
            line.extend((0..width).map(|x| cell(value(x))));
        }
        line.trim_end().to_owned()
    };

    let mut lines = vec![format!("{:LABEL$}  {title}", "")];
    for row in (0..rows).rev() {
        if row + 1 == below {
            lines.push(line(&mib(limit), set.vertical, &|value| {
                if value > limit {
                    set.blocks[full]
                } else {
                    set.limit
                }
            }));
        }
        let top = (row + 1) as f64 * height;
        let label = if row + 1 == rows && rows > below {
            mib(top)
        } else {
            String::new()
        };
        lines.push(line(&label, set.vertical, &|value| {
            let filled = (value - row as f64 * height) / height * full as f64;
            set.blocks[(filled.round().max(0.0) as usize).min(full)]
        }));
    }
    lines.push(line("0", set.corner, &|_| set.horizontal));
    let end = format!("{seconds:.0} s");
    let mut axis = " ".repeat(LABEL);
    for s in series {
        let between = width.saturating_sub(3 + end.len());
        axis += &format!("  0 s{:^between$}{end}", s.name);
    }
    lines.push(axis);
    lines.join("\n") + "\n"
}

// As SVG.

const SVG_WIDTH: f64 = 760.0;
const SVG_HEIGHT: f64 = 380.0;
/// The box of the axes.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 740.0;
const TOP: f64 = 66.0;
const BOTTOM: f64 = 330.0;

/// Colors that can be told apart on white and on black, and by color-blind readers.
const STYLE: &str = "text{font:13px sans-serif;fill:#222}.title{font-size:15px;font-weight:bold}\
.end{text-anchor:end}.middle{text-anchor:middle}.axis{stroke:#222}.grid{stroke:#8884}\
.curve{fill:none;stroke-width:1.5}.c0{stroke:#d55e00}.c1{stroke:#0072b2}.c2{stroke:#009e73}\
.limit{stroke:#222;stroke-width:1.5;stroke-dasharray:7 4}.paper{fill:#fff}\
@media(prefers-color-scheme:dark){text{fill:#ddd}.axis,.limit{stroke:#ddd}.paper{fill:#16181d}\
.c1{stroke:#56b4e9}}";
const COLOURS: usize = 3;

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Returns ticks at 1, 2 or 5 times a power of ten, at most eight of them up to `max`.
fn ticks(max: f64) -> Vec<f64> {
    let mut step = 10f64.powf((max / 8.0).log10().floor());
    for factor in [2.0, 2.5, 2.0] {
        if max / step > 8.0 {
            step *= factor;
        }
    }
    (0..=(max / step) as usize)
        .map(|n| n as f64 * step)
        .collect()
}

fn svg(series: &[Series], limit: f64, title: &str) -> String {
    let max = series.iter().map(Series::max).fold(limit, f64::max) * 1.05;
    let seconds = longest(series);
    let x = |at: f64| LEFT + (RIGHT - LEFT) * at / seconds;
    let y = |value: f64| BOTTOM - (BOTTOM - TOP) * value / max;
    let label = |x: f64, y: f64, class: &str, words: &str| {
        let words = escape(words);
        format!("<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\">{words}</text>\n")
    };
    let line = |x1: f64, y1: f64, x2: f64, y2: f64, class: &str| {
        format!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" class=\"{class}\"/>\n"
        )
    };

    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {SVG_WIDTH} {SVG_HEIGHT}\" role=\"img\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n\
         <rect class=\"paper\" width=\"{SVG_WIDTH}\" height=\"{SVG_HEIGHT}\"/>\n",
        escape(title)
    );
    out += &label(LEFT, 24.0, "title", title);
    for tick in ticks(max) {
        out += &line(LEFT, y(tick), RIGHT, y(tick), "grid");
        out += &label(LEFT - 8.0, y(tick) + 4.0, "end", &tick.to_string());
    }
    for tick in ticks(seconds) {
        out += &line(x(tick), BOTTOM, x(tick), BOTTOM + 5.0, "axis");
        out += &label(x(tick), BOTTOM + 20.0, "middle", &tick.to_string());
    }
    out += &line(LEFT, TOP, LEFT, BOTTOM, "axis");
    out += &line(LEFT, BOTTOM, RIGHT, BOTTOM, "axis");
    out += &label(LEFT - 8.0, TOP - 8.0, "end", "MiB");
    out += &label((LEFT + RIGHT) / 2.0, BOTTOM + 42.0, "middle", "seconds");

    let mut legend = LEFT;
    let mut key = |class: &str, words: &str| {
        let entry =
            line(legend, 44.0, legend + 28.0, 44.0, class) + &label(legend + 34.0, 48.0, "", words);
        legend += 60.0 + 7.0 * words.chars().count() as f64;
        entry
    };
    for (n, s) in series.iter().enumerate() {
        let class = format!("curve c{}", n % COLOURS);
        out += &key(&class, &s.name);
        let steps = (RIGHT - LEFT) as usize;
        let points: Vec<String> = s
            .peaks(steps, seconds)
            .iter()
            .enumerate()
            .map(|(step, &value)| format!("{},{:.1}", LEFT as usize + step, y(value)))
            .collect();
        out += &format!(
            "<polyline class=\"{class}\" points=\"{}\"/>\n",
            points.join(" ")
        );
    }
    out += &key("limit", &format!("limit, {}", mib(limit)));
    out += &line(LEFT, y(limit), RIGHT, y(limit), "limit");
    out + "</svg>\n"
}

fn longest(series: &[Series]) -> f64 {
    // Without any duration there would be no axis.
    series.iter().map(Series::seconds).fold(1e-3, f64::max)
}

pub fn run(args: &Args) -> Result<()> {
    let limit = args.limit as f64 / MIB;
    if limit <= 0.0 || args.series.len() > COLOURS {
        return Err(format!(
            "a limit above 0 and at most {COLOURS} series are needed"
        ));
    }
    let series = args
        .series
        .iter()
        .map(|(name, file)| Series::read(name, file))
        .collect::<Result<Vec<_>>>()?;
    let set = if args.ascii { &ASCII } else { &UNICODE };
    print!("{}", text(&series, limit, &args.title, set));
    if let Some(file) = &args.svg {
        fs::write(file, svg(&series, limit, &args.title)).context(file.display())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(name: &str, value: f64) -> Series {
        Series {
            name: name.to_owned(),
            points: (0..=100).map(|n| (n as f64 / 10.0, value)).collect(),
        }
    }

    #[test]
    fn blocks_end_at_the_limit_line() {
        let series = [flat("free", 32.0), flat("limited", 8.0)];
        let text = text(&series, 8.0, "dirty", &ASCII);
        let lines: Vec<&str> = text.lines().collect();
        let limit = lines
            .iter()
            .position(|line| line.trim_start().starts_with("8 MiB |"))
            .expect("a line for the limit");
        // In the second panel, everything below the line is filled, and nothing above.
        assert!(lines[limit].contains("# |-"));
        assert!(lines[limit + 1].ends_with('#'));
        assert!(lines[limit - 1].ends_with('|'));
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH));
    }

    #[test]
    fn a_gap_repeats_and_an_early_end_does_not() {
        let series = Series {
            name: String::new(),
            points: vec![(0.0, 1.0), (0.6, 3.0), (2.0, 2.0)],
        };
        assert_eq!(series.peaks(8, 4.0), [1.0, 3.0, 3.0, 3.0]);
    }

    #[test]
    fn ticks_are_few_and_round() {
        assert_eq!(ticks(33.6), [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0]);
        assert_eq!(ticks(4.2).len(), 5);
    }
}
