// SPDX-License-Identifier: GPL-2.0

//! Events as text and as JSON.

use super::Printer;
use crate::json::Name;
use crate::report::seconds;
use crate::report::size;
use memcgfs::errno_name;
use memcgfs::escaped;
use memcgfs::in_words;
use memcgfs::tracing::Event;
use memcgfs::tracing::Throttle;
use memcgfs::tracing::What;
use memcgfs::units::Bytes;
use serde::Serialize;
use std::io;

/// An event as a line of JSON.
#[derive(Default, Serialize)]
pub struct Report<'a> {
    time_usec: u64,
    task: &'a str,
    tid: u32,
    event: &'a str,
    #[serde(flatten)]
    place: Place,
    #[serde(skip_serializing_if = "Option::is_none")]
    pause_usec: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dirty: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
    /// The number of dirty bytes at which it has to wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    stops_at: Option<u64>,
    /// The time that writeback was held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    paced_usec: Option<u64>,
    /// The cgroup that has the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bdi: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    foreign_memcg_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// The number of charges.
    #[serde(skip_serializing_if = "Option::is_none")]
    charges: Option<u64>,
    /// The name of the errno.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The cgroup that had inherited the memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Place>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a str>,
}

/// A cgroup, with its path if known.
#[derive(Default, Serialize)]
struct Place {
    #[serde(flatten)]
    name: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cgroup_ino: Option<u64>,
}

impl Printer {
    /// Returns the path of a cgroup, or a placeholder if it is unknown.
    fn path(&mut self, ino: Option<u64>) -> String {
        match (self.names.path(ino), ino) {
            (Some(path), _) => escaped(path),
            (None, Some(ino)) => format!("(inode {ino})"),
            (None, None) => "-".to_owned(),
        }
    }

    pub fn words(&mut self, event: &Event, charges: Option<u64>) -> String {
        let what = self.what(event, charges);
        format!(
            "{:>6}.{:06} {}-{} {} {what}",
            event.time_usec / 1_000_000,
            event.time_usec % 1_000_000,
            escaped(&event.task),
            event.tid,
            self.path(event.cgroup_ino)
        )
    }

    fn what(&mut self, event: &Event, charges: Option<u64>) -> String {
        match &event.what {
            What::Throttle(wait) => self.wait(event, wait),
            What::Paced { usec, bdi } => {
                let held = usec.map_or_else(|| "-".to_owned(), |usec| format!("{}ms", usec / 1000));
                let bdi = device(bdi.as_deref());
                format!("writeback held back for {held} so that others get through{bdi}")
            }
            What::FlushForeign { memcg_id } => {
                let id = memcg_id.map_or_else(|| "-".to_owned(), |id| id.to_string());
                format!("flushes foreign pages of memcg {id}")
            }
            What::Recharge { bytes, from_ino } => {
                format!("takes over {} from {}", size(*bytes), self.path(*from_ino))
            }
            What::Redirect { bytes, error } => {
                let times = match charges {
                    None | Some(1) => String::new(),
                    Some(charges) => format!(" in {charges} charges"),
                };
                match error.map(io::Error::from_raw_os_error) {
                    None => format!("pays {}{times}", size(*bytes)),
                    Some(error) => {
                        format!("cannot pay {}{times}: {}", size(*bytes), in_words(&error))
                    }
                }
            }
            What::Other(text) => format!("{} {}", escaped(&event.name), escaped(text)),
            What::Passed => String::new(),
        }
    }

    /// Describes the wait of a writer.
    fn wait(&mut self, event: &Event, wait: &Throttle) -> String {
        let pause = wait.pause_usec.map_or_else(|| "-".to_owned(), seconds);
        let bdi = device(wait.bdi.as_deref());
        let level = match wait.level_ino {
            Some(_) if wait.level_ino != event.cgroup_ino => {
                format!(" of {}", self.path(wait.level_ino))
            }
            _ => String::new(),
        };
        let limit = wait.limit.or_else(|| self.limit_of(wait.level_ino));
        let stop = wait
            .stop
            .map(|stop| format!(", stopped from {}", Bytes(stop)));
        let stop = stop.unwrap_or_default();
        let what = match limit {
            Some(limit) => format!(" of {}{level}{stop}", Bytes(limit)),
            // A saved trace has only one level.
            None => format!("{stop}{level}"),
        };
        format!("waits {pause} dirty {}{what}{bdi}", size(wait.dirty))
    }

    /// Returns the limit that the cgroup has now, if the event does not include it and is recent.
    fn limit_of(&mut self, ino: Option<u64>) -> Option<u64> {
        self.host.as_ref()?;
        let stat = self.names.cgroup(ino)?.dirty_stat();
        stat.ok()??.limit?.at()
    }

    fn place(&mut self, ino: Option<u64>) -> Place {
        Place {
            name: self.names.path(ino).map(|path| Name::new(&path)),
            cgroup_ino: ino,
        }
    }

    pub fn report<'a>(&mut self, event: &'a Event, charges: Option<u64>) -> Report<'a> {
        let mut report = Report {
            time_usec: event.time_usec,
            task: &event.task,
            tid: event.tid,
            event: &event.name,
            place: self.place(event.cgroup_ino),
            charges,
            ..Report::default()
        };
        match &event.what {
            What::Throttle(wait) => {
                report.pause_usec = wait.pause_usec;
                report.dirty = wait.dirty;
                report.limit = wait.limit.or_else(|| self.limit_of(wait.level_ino));
                report.stops_at = wait.stop;
                report.bdi = wait.bdi.as_deref();
                report.level = wait.level_ino.map(|ino| self.place(Some(ino)));
            }
            What::Paced { usec, bdi } => {
                report.paced_usec = *usec;
                report.bdi = bdi.as_deref();
            }
            What::FlushForeign { memcg_id } => report.foreign_memcg_id = *memcg_id,
            What::Recharge { bytes, from_ino } => {
                report.bytes = *bytes;
                report.from = from_ino.map(|ino| self.place(Some(ino)));
            }
            What::Redirect { bytes, error } => {
                report.bytes = *bytes;
                report.error = error.map(errno_name);
            }
            What::Other(text) => report.details = Some(text),
            What::Passed => {}
        }
        report
    }
}

fn device(bdi: Option<&str>) -> String {
    bdi.map_or_else(String::new, |bdi| format!(" bdi {}", escaped(bdi)))
}
