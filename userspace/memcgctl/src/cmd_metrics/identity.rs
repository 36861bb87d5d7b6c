// SPDX-License-Identifier: GPL-2.0

//! The identity of a cgroup for other collectors: the labels that figures can be joined by, in one
//! sample for each cgroup instead of with each figure.

use crate::openmetrics::Family;
use crate::openmetrics::Kind;
use crate::openmetrics::Number;
use memcgfs::lookup;
use memcgfs::Cgroup;
use std::path::Component;

/// The prefixes that container engines give to scopes, and the prefix of the IDs that they report.
const ENGINES: [(&str, &str); 4] = [
    ("cri-containerd-", "containerd://"),
    ("crio-", "cri-o://"),
    ("docker-", "docker://"),
    ("libpod-", "podman://"),
];

const UNITS: [&str; 5] = ["service", "slice", "scope", "socket", "mount"];

pub fn family() -> Family {
    Family::new(
        "memcg_info",
        Kind::Gauge,
        None,
        "Names of the cgroup elsewhere: cAdvisor by id, the systemd exporter by name and type, kube-state-metrics by uid and \
         container_id.",
    )
}

/// Adds the labels that follow from a cgroup's path.
pub fn sample(family: &mut Family, label: &str, cgroup: &Cgroup) {
    let mut labels = vec![("cgroup", label.to_owned()), ("id", label.to_owned())];
    let names = cgroup
        .name()
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => name.to_str(),
            _ => None,
        });
    let names: Vec<_> = names.collect();
    if let Some((name, (_, kind))) = names
        .last()
        .and_then(|name| Some((name, name.rsplit_once('.')?)))
    {
        if UNITS.contains(&kind) {
            labels.push(("name", memcgfs::escaped(name)));
            labels.push(("type", kind.to_owned()));
        }
    }
    if let Some(uid) = names.iter().rev().find_map(|name| lookup::pod_uid(name)) {
        labels.push(("uid", uid));
    }
    let container = names
        .iter()
        .rev()
        .find_map(|name| Some((name, lookup::container_id(name)?)));
    if let Some((name, id)) = container {
        let engine = ENGINES.iter().find(|(prefix, _)| name.starts_with(prefix));
        let engine = engine.map_or("", |(_, engine)| *engine);
        labels.push(("container_id", format!("{engine}{id}")));
    }
    let labels: Vec<_> = labels
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    family.sample(&labels, Number::Whole(1));
}
