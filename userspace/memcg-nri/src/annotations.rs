// SPDX-License-Identifier: GPL-2.0

//! The annotations of a pod, and the resulting values for each of its containers.
//!
//! `memcg-knobs.io/dirty-limit: 64Mi` applies to each container of the pod,
//! `memcg-knobs.io/dirty-limit.NAME` to the container of that name, for which it overrides the
//! former. Invalid annotations are ignored, and never keep a container from starting.

use crate::kernel::Kernel;
use crate::quantity;
use memcgfs::knobs;
use memcgfs::Value;
use std::collections::BTreeMap;
use std::collections::HashMap;

/// The prefix of the names of all annotations.
pub const DOMAIN: &str = "memcg-knobs.io/";

/// The smallest limit that the kernel accepts: two pages.
const LEAST_LIMIT: u64 = 2 * 4096;

/// The file of the pace; its range in microseconds follows.
const PACE_FILE: &str = "memory.dirty_pace_usec";
const PACES: std::ops::RangeInclusive<u128> = 1_000..=10_000_000;

/// One annotation.
#[derive(Debug)]
struct Feature {
    /// The part after the domain.
    name: &'static str,
    /// The file of the container's cgroup.
    file: &'static str,
    /// Another annotation that has no effect together with this one, because the kernel resets one
    /// file when the other is set.
    instead_of: Option<&'static str>,
    /// Returns the value for the file, or a description of valid values.
    translate: fn(&str) -> Result<String, &'static str>,
}

static FEATURES: [Feature; 6] = [
    Feature {
        name: "dirty-limit",
        file: knobs::DIRTY_LIMIT.name,
        instead_of: Some("dirty-ratio"),
        translate: limit,
    },
    Feature {
        name: "dirty-background-limit",
        file: knobs::DIRTY_BACKGROUND_LIMIT.name,
        instead_of: Some("dirty-background-ratio"),
        translate: limit,
    },
    Feature {
        name: "dirty-ratio",
        file: knobs::DIRTY_RATIO.name,
        instead_of: None,
        translate: ratio,
    },
    Feature {
        name: "dirty-background-ratio",
        file: knobs::DIRTY_BACKGROUND_RATIO.name,
        instead_of: None,
        translate: ratio,
    },
    Feature {
        name: "dirty-min",
        file: knobs::DIRTY_MIN.name,
        instead_of: None,
        translate: floor,
    },
    Feature {
        name: "dirty-pace",
        file: PACE_FILE,
        instead_of: None,
        translate: pace,
    },
];

fn limit(text: &str) -> Result<String, &'static str> {
    match quantity::bytes(text) {
        Some(bytes) if bytes >= LEAST_LIMIT => Ok(bytes.to_string()),
        Some(_) => Err("a size of 8Ki or more, or max"),
        None if text == "max" => Ok(text.to_owned()),
        None => Err("a size such as 64Mi, or max"),
    }
}

fn floor(text: &str) -> Result<String, &'static str> {
    match quantity::bytes(text) {
        Some(bytes) => Ok(bytes.to_string()),
        None if text == "max" => Ok(text.to_owned()),
        None => Err("a size such as 64Mi, or max"),
    }
}

fn ratio(text: &str) -> Result<String, &'static str> {
    match Value::parse(knobs::DIRTY_RATIO.kind, text.as_bytes()) {
        Ok(value) => Ok(value.text()),
        Err(_) => Err("a percentage from 0.01 to 100 with two decimals at most, or max"),
    }
}

fn pace(text: &str) -> Result<String, &'static str> {
    const WANTED: &str = "a time from 1ms to 10s, max or default";
    match text {
        "max" | "default" => Ok(text.to_owned()),
        _ => match humantime::parse_duration(text) {
            Ok(time) if PACES.contains(&time.as_micros()) => Ok(time.as_micros().to_string()),
            _ => Err(WANTED),
        },
    }
}

/// An annotation that has no effect, and the reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ignored {
    /// The whole name, which was chosen by the author of the pod.
    pub annotation: String,
    /// The reason, in words for the author of the pod.
    pub why: String,
}

/// The values to write, by file.
pub type Files = BTreeMap<&'static str, String>;

/// The values for the pod as a whole (`None`) and for the containers that annotations name.
#[derive(Debug, Default)]
pub struct Settings {
    levels: BTreeMap<Option<String>, BTreeMap<&'static str, String>>,
    /// The ignored annotations, by name.
    pub ignored: Vec<Ignored>,
}

impl Settings {
    /// Returns the settings of a pod with these annotations, on a node with this kernel.
    pub fn of(annotations: &HashMap<String, String>, kernel: &Kernel) -> Self {
        let mut settings = Self::default();
        for (annotation, value) in annotations {
            let Some(name) = annotation.strip_prefix(DOMAIN) else {
                continue;
            };
            if let Err(why) = settings.add(name, value, kernel) {
                settings.ignored.push(Ignored {
                    annotation: annotation.clone(),
                    why,
                });
            }
        }
        settings.resolve();
        settings.ignored.sort();
        settings
    }

    fn add(&mut self, name: &str, value: &str, kernel: &Kernel) -> Result<(), String> {
        let (name, container) = match name.split_once('.') {
            Some((name, container)) => (name, Some(container.to_owned())),
            None => (name, None),
        };
        let feature = FEATURES
            .iter()
            .find(|feature| feature.name == name)
            .ok_or_else(|| {
                let known: Vec<_> = FEATURES.iter().map(|feature| feature.name).collect();
                format!(
                    "there is no such annotation; known are {}",
                    known.join(", ")
                )
            })?;
        if container.as_deref() == Some("") {
            return Err("the container name after the dot is missing".to_owned());
        }
        let text =
            (feature.translate)(value).map_err(|wanted| format!("{value:?} is not {wanted}"))?;
        if !kernel.has(feature.file) {
            return Err(format!(
                "cgroups of this node have no {}; is the module memcg_knobs loaded?",
                feature.file
            ));
        }
        self.levels
            .entry(container)
            .or_default()
            .insert(feature.name, text);
        Ok(())
    }

    /// Resolves conflicts: of two exclusive annotations for the same containers, the size is kept.
    fn resolve(&mut self) {
        for (container, level) in &mut self.levels {
            for feature in &FEATURES {
                let Some(other) = feature.instead_of else {
                    continue;
                };
                if level.contains_key(feature.name) && level.remove(other).is_some() {
                    let suffix = container.as_ref().map(|name| format!(".{name}"));
                    self.ignored.push(Ignored {
                        annotation: format!("{DOMAIN}{other}{}", suffix.unwrap_or_default()),
                        why: format!(
                            "{} is set as well, and the two exclude each other",
                            feature.name
                        ),
                    });
                }
            }
        }
    }

    /// Returns the values to write for the container of this name.
    pub fn files(&self, container: &str) -> Files {
        let mut chosen: BTreeMap<&str, String> = BTreeMap::new();
        for level in [None, Some(container.to_owned())] {
            let Some(level) = self.levels.get(&level) else {
                continue;
            };
            for (name, text) in level {
                // An annotation for this container overrides one of the other kind for the pod.
                chosen.retain(|earlier, _| !exclude(earlier, name));
                chosen.insert(*name, text.clone());
            }
        }
        FEATURES
            .iter()
            .filter_map(|feature| Some((feature.file, chosen.remove(feature.name)?)))
            .collect()
    }
}

/// Returns whether setting one of the two resets the other.
fn exclude(one: &str, other: &str) -> bool {
    FEATURES.iter().any(|feature| {
        let pair = (Some(feature.name), feature.instead_of);
        pair == (Some(one), Some(other)) || pair == (Some(other), Some(one))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Creates a node that has all files but these.
    fn node(without: &[&str]) -> (tempfile::TempDir, Kernel) {
        let directory = tempfile::tempdir().unwrap();
        for feature in &FEATURES {
            if !without.contains(&feature.file) {
                std::fs::write(directory.path().join(feature.file), "max\n").unwrap();
            }
        }
        let kernel = Kernel::of(directory.path().to_owned());
        (directory, kernel)
    }

    fn settings(annotations: &[(&str, &str)], without: &[&str]) -> Settings {
        let annotations = annotations
            .iter()
            .map(|(name, value)| (format!("memcg-knobs.io/{name}"), (*value).to_owned()))
            .chain([("kubernetes.io/dirty-limit".to_owned(), "1".to_owned())])
            .collect();
        let (_directory, kernel) = node(without);
        Settings::of(&annotations, &kernel)
    }

    #[track_caller]
    fn check(annotations: &[(&str, &str)], container: &str, wanted: &[(&str, &str)]) {
        let settings = settings(annotations, &[]);
        assert_eq!(settings.ignored, []);
        let found = settings.files(container);
        let found: Vec<_> = found
            .iter()
            .map(|(file, text)| (*file, text.as_str()))
            .collect();
        assert_eq!(found, wanted);
    }

    #[track_caller]
    fn ignored(annotations: &[(&str, &str)], without: &[&str]) -> Vec<(String, String)> {
        let settings = settings(annotations, without);
        let ignored = settings.ignored.into_iter();
        ignored
            .map(|ignored| (ignored.annotation, ignored.why))
            .collect()
    }

    #[test]
    fn nothing_is_said() {
        check(&[], "app", &[]);
    }

    #[test]
    fn every_kind() {
        check(
            &[
                ("dirty-limit", "64Mi"),
                ("dirty-background-limit", "max"),
                ("dirty-min", "0"),
                ("dirty-pace", "25ms"),
            ],
            "app",
            &[
                ("memory.dirty_background_limit_in_bytes", "max"),
                ("memory.dirty_limit_in_bytes", "67108864"),
                ("memory.dirty_min", "0"),
                ("memory.dirty_pace_usec", "25000"),
            ],
        );
        check(
            &[
                ("dirty-ratio", "2.5"),
                ("dirty-background-ratio", "0.01"),
                ("dirty-pace", "default"),
            ],
            "app",
            &[
                ("memory.dirty_background_ratio", "0.01"),
                ("memory.dirty_pace_usec", "default"),
                ("memory.dirty_ratio", "2.50"),
            ],
        );
    }

    #[test]
    fn a_container_of_its_own() {
        let both = [
            ("dirty-limit", "64Mi"),
            ("dirty-min", "1Mi"),
            ("dirty-limit.db", "1Gi"),
        ];
        let app = [
            ("memory.dirty_limit_in_bytes", "67108864"),
            ("memory.dirty_min", "1048576"),
        ];
        let db = [
            ("memory.dirty_limit_in_bytes", "1073741824"),
            ("memory.dirty_min", "1048576"),
        ];
        check(&both, "app", &app);
        check(&both, "db", &db);
    }

    #[test]
    fn the_other_kind_for_one_container() {
        let both = [("dirty-limit", "64Mi"), ("dirty-ratio.db", "10")];
        check(&both, "app", &[("memory.dirty_limit_in_bytes", "67108864")]);
        check(&both, "db", &[("memory.dirty_ratio", "10.00")]);
        let both = [("dirty-ratio", "10"), ("dirty-limit.db", "64Mi")];
        check(&both, "app", &[("memory.dirty_ratio", "10.00")]);
        check(&both, "db", &[("memory.dirty_limit_in_bytes", "67108864")]);
    }

    #[test]
    fn two_that_exclude_each_other() {
        let both = settings(&[("dirty-limit", "64Mi"), ("dirty-ratio", "10")], &[]);
        assert_eq!(
            both.files("app"),
            [("memory.dirty_limit_in_bytes", "67108864".to_owned())].into()
        );
        assert_eq!(
            ignored(
                &[
                    ("dirty-background-limit.db", "64Mi"),
                    ("dirty-background-ratio.db", "1")
                ],
                &[]
            ),
            [(
                "memcg-knobs.io/dirty-background-ratio.db".to_owned(),
                "dirty-background-limit is set as well, and the two exclude each other".to_owned()
            )]
        );
        // An invalid one does not affect the others.
        let one_is_wrong = settings(&[("dirty-limit", "64MB"), ("dirty-ratio", "10")], &[]);
        assert_eq!(
            one_is_wrong.files("app"),
            [("memory.dirty_ratio", "10.00".to_owned())].into()
        );
    }

    #[test]
    fn what_is_wrong_is_ignored() {
        let table = [
            ("dirty-limit", "64MiB", r#""64MiB" is not a size such as 64Mi, or max"#),
            ("dirty-limit", "", r#""" is not a size such as 64Mi, or max"#),
            ("dirty-limit", "\u{1b}[2J", r#""\u{1b}[2J" is not a size such as 64Mi, or max"#),
            ("dirty-limit", "4Ki", r#""4Ki" is not a size of 8Ki or more, or max"#),
            ("dirty-min", "-1", r#""-1" is not a size such as 64Mi, or max"#),
            ("dirty-ratio", "0", r#""0" is not a percentage from 0.01 to 100 with two decimals at most, or max"#),
            ("dirty-pace", "1us", r#""1us" is not a time from 1ms to 10s, max or default"#),
            ("dirty-pace", "25", r#""25" is not a time from 1ms to 10s, max or default"#),
            ("dirty-limit.", "64Mi", "the container name after the dot is missing"),
            (
                "dirty-limt",
                "64Mi",
                "there is no such annotation; known are dirty-limit, dirty-background-limit, dirty-ratio, \
                 dirty-background-ratio, dirty-min, dirty-pace",
            ),
        ];
        for (name, value, why) in table {
            let settings = settings(&[(name, value), ("dirty-background-limit", "8Mi")], &[]);
            let wanted = Ignored {
                annotation: format!("memcg-knobs.io/{name}"),
                why: why.to_owned(),
            };
            assert_eq!(settings.ignored, [wanted]);
            // The others take effect.
            assert_eq!(
                settings.files("app"),
                [(
                    "memory.dirty_background_limit_in_bytes",
                    "8388608".to_owned()
                )]
                .into()
            );
        }
    }

    #[test]
    fn a_kernel_without_the_files() {
        assert_eq!(
            ignored(&[("dirty-limit", "64Mi"), ("dirty-pace", "25ms")], &["memory.dirty_pace_usec"]),
            [(
                "memcg-knobs.io/dirty-pace".to_owned(),
                "cgroups of this node have no memory.dirty_pace_usec; is the module memcg_knobs loaded?".to_owned()
            )]
        );
    }

    #[test]
    fn a_wrong_value_for_one_container_leaves_the_pods() {
        let settings = settings(&[("dirty-limit", "64Mi"), ("dirty-limit.db", "lots")], &[]);
        assert_eq!(settings.ignored.len(), 1);
        assert_eq!(
            settings.files("db"),
            [("memory.dirty_limit_in_bytes", "67108864".to_owned())].into()
        );
    }
}
