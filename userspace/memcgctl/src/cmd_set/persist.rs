// SPDX-License-Identifier: GPL-2.0

//! `memcgctl set --persist`: adds the settings to the file that is applied at boot, and leaves the
//! rest of it unchanged.

use crate::output;
use anyhow::anyhow;
use anyhow::bail;
use memcgfs::declared;
use memcgfs::escaped;
use memcgfs::in_words;
use memcgfs::settings::Settings;
use memcgfs::switches::Switch;
use memcgfs::switches::SwitchValue;
use memcgfs::Assignment;
use memcgfs::Cgroup;
use std::fs;
use std::io;
use std::path::Path;

/// The new content of a file.
pub struct Persist<'a> {
    pub path: &'a Path,
    text: String,
}

/// Returns the file with settings of cgroups added.
pub fn of_cgroups<'a>(
    path: &'a Path,
    cgroups: &[Cgroup],
    assignments: &[Assignment],
) -> anyhow::Result<Persist<'a>> {
    let mut file = Persist::read(path)?;
    for cgroup in cgroups {
        let name = cgroup.path();
        let Some(name) = name.to_str() else {
            bail!(
                "{}: TOML is UTF-8, and this name is not",
                escaped(cgroup.path())
            );
        };
        // The file may use another name for the cgroup, such as that of a unit.
        let unit = name.rsplit('/').next().unwrap_or(name);
        let names = [name, name.trim_start_matches('/'), unit];
        let known = file.known(&names);
        let name = known.unwrap_or(name);
        if known.is_none() {
            // The cgroup may be created only after the settings were applied, which must not fail
            // because of that.
            file.put(("cgroup", Some(name)), "optional", "true")?;
        }
        for assignment in assignments {
            let key = assignment.knob().short_name();
            let value = declared::value_text(assignment.value());
            // Remove a setting that this one replaces; the two would conflict.
            if let Some(other) = assignment
                .knob()
                .excludes
                .filter(|_| !assignment.value().is_max())
            {
                let other = other.trim_start_matches("memory.");
                if file.holds(name, other) {
                    file.put(("cgroup", Some(name)), other, "\"max\"")?;
                }
            }
            file.put(("cgroup", Some(name)), key, &value)?;
        }
    }
    file.checked()
}

/// Returns the file with switches added.
pub fn of_switches<'a>(
    path: &'a Path,
    switches: &[(&'static Switch, SwitchValue)],
) -> anyhow::Result<Persist<'a>> {
    let mut file = Persist::read(path)?;
    for (switch, value) in switches {
        file.put(("sysfs", None), switch.name, &declared::switch_text(*value))?;
    }
    file.checked()
}

impl<'a> Persist<'a> {
    fn read(path: &'a Path) -> anyhow::Result<Self> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => bail!("cannot read {}: {}", escaped(path), in_words(&error)),
        };
        Self { path, text }.checked()
    }

    /// Returns the one of these names that the file uses for the cgroup, if any.
    fn known<'b>(&self, names: &[&'b str]) -> Option<&'b str> {
        let settings = Settings::parse(&self.text).ok()?;
        let has = |name: &&&str| {
            settings
                .cgroups
                .iter()
                .any(|cgroup| cgroup.name.what == **name)
        };
        names.iter().find(has).copied()
    }

    fn holds(&self, name: &str, key: &str) -> bool {
        let settings = Settings::parse(&self.text).unwrap_or_default();
        let mut cgroups = settings
            .cgroups
            .iter()
            .filter(|cgroup| cgroup.name.what == name);
        cgroups.any(|cgroup| {
            let mut known = cgroup.assignments.iter();
            known.any(|known| known.what.knob().short_name() == key)
        })
    }

    fn put(&mut self, table: (&str, Option<&str>), key: &str, value: &str) -> anyhow::Result<()> {
        self.text = declared::with_key(&self.text, table, key, value)
            .ok_or_else(|| anyhow!("{}: {key} cannot be added to it", escaped(self.path)))?;
        Ok(())
    }

    /// Rejects content that could not be applied at boot.
    fn checked(self) -> anyhow::Result<Self> {
        match Settings::parse(&self.text) {
            Ok(_) => Ok(self),
            Err(mistakes) => {
                let first = mistakes.first().map(ToString::to_string);
                bail!("{}:{}", escaped(self.path), first.unwrap_or_default());
            }
        }
    }

    /// Replaces the file.
    pub fn write(&self) -> anyhow::Result<()> {
        output::file(self.path, &self.text)
    }
}
