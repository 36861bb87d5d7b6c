// SPDX-License-Identifier: GPL-2.0

//! Names and values in JSON.

use memcgfs::pace::Pace;
use memcgfs::switches::SwitchValue;
use memcgfs::usec::Usec;
use memcgfs::Value;
use serde::Serialize;
use serde::Serializer;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// A cgroup's path. JSON is UTF-8, so any other path is given in bytes as well.
#[derive(Serialize)]
pub struct Name {
    cgroup: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cgroup_bytes: Option<Vec<u8>>,
    /// The path for the text output.
    #[serde(skip)]
    pub path: OsString,
}

impl Name {
    pub fn new(path: &OsStr) -> Self {
        Self {
            cgroup: path.to_string_lossy().into_owned(),
            path: path.to_owned(),
            cgroup_bytes: path.to_str().is_none().then(|| path.as_bytes().to_vec()),
        }
    }
}

/// A value as JSON: raw bytes, a percentage, words, `null` for `max`; for a switch a boolean, a
/// word or a time.
pub enum Raw {
    Value(Value),
    Switch(SwitchValue),
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(Value::Bytes(bytes)) => bytes.at().serialize(serializer),
            Self::Value(Value::Ratio(ratio)) => ratio
                .at()
                .map(|ratio| f64::from(ratio.hundredths()) / 100.0)
                .serialize(serializer),
            Self::Value(Value::Payments(paid)) => {
                paid.words().collect::<Vec<_>>().serialize(serializer)
            }
            Self::Value(Value::Pace(Pace::Usec(pace))) => pace.0.serialize(serializer),
            Self::Value(Value::Pace(Pace::Max)) => serializer.serialize_none(),
            Self::Value(Value::Pace(Pace::Default)) => serializer.collect_str(&Pace::Default),
            Self::Switch(SwitchValue::OnOff(on)) => on.serialize(serializer),
            Self::Switch(SwitchValue::Seconds(seconds)) => seconds.serialize(serializer),
            Self::Switch(SwitchValue::Pace(Usec(usec))) => usec.serialize(serializer),
            Self::Switch(word) => serializer.collect_str(word),
        }
    }
}
