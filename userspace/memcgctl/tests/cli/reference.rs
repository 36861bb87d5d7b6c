// SPDX-License-Identifier: GPL-2.0

//! Documentation/memcgctl.rst against the program: its examples are run, and no command, exit code, metric or key of
//! JSON may be missing in it.

use crate::generate::commands;
use crate::Machine;
use serde_json::Value;
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;

const TEXT: &str = include_str!("../../../../Documentation/memcgctl.rst");

/// The machine of the examples: a backup in a slice, one database, a pod that shares memory.
fn machine() -> Machine {
    let machine = Machine::new();
    machine.put(
        "proc/vmstat",
        "nr_free_pages 700000\nnr_inactive_file 200000\nnr_active_file 99999\nnr_dirty 12800\nnr_writeback 3072\n",
    );
    machine.put("proc/sys/vm/dirty_background_ratio", "10\n");
    machine.put(
        "cgroup/memory.stat",
        "file_dirty 52428800\nfile_writeback 12582912\n",
    );
    let stat = |dirty: u64, writeback: u64, limit: u64, usec: u64, count: u64| {
        format!(
            "dirty {}\nwriteback {}\nlimit {}\nbackground_limit {}\nthrottled_usec {usec}\nthrottled_count {count}\n\
             throttled_now {}\nwriteback_started 5\npace_usec 25000\npaced_usec 140000\n",
            dirty << 20,
            writeback << 20,
            limit << 20,
            limit << 19,
            if count == 0 { 0 } else { 2 }
        )
    };
    let inherited = |bytes: u64| {
        format!("inherited {bytes}\nrecharged_in 0\nrecharged_out 0\nrecharge_failed 0\n")
    };
    for (cgroup, limit, stat) in [
        ("backup.slice", Some(256), stat(48, 8, 256, 12_345_678, 99)),
        (
            "backup.slice/backup.service",
            Some(64),
            stat(48, 8, 64, 12_345_678, 99),
        ),
        ("system.slice", None, stat(2, 4, 781, 0, 0)),
        ("system.slice/db.service", None, stat(2, 4, 781, 0, 0)),
        ("pod", None, stat(0, 0, 781, 0, 0)),
    ] {
        match limit {
            Some(limit) => machine.limited(cgroup, limit << 20),
            None => machine.cgroup(cgroup),
        }
        machine.put(format!("cgroup/{cgroup}/memory.dirty_stat"), stat);
        machine.put(
            format!("cgroup/{cgroup}/memory.recharge_stat"),
            inherited(if cgroup == "system.slice" {
                16 << 20
            } else {
                0
            }),
        );
        machine.put(
            format!("cgroup/{cgroup}/memory.dirty_pace_usec"),
            "default\n",
        );
        machine.put(format!("cgroup/{cgroup}/memory.recharge"), "");
        machine.put(format!("cgroup/{cgroup}/memory.persistent"), "\n");
        machine.put(format!("cgroup/{cgroup}/memory.current"), "67108864\n");
    }
    for switch in ["recharge_mapped", "recharge_access", "recharge_adopt"] {
        machine.put(format!("sys/kernel/mm/memcg_knobs/{switch}"), "0\n");
    }
    machine.put("sys/kernel/mm/memcg_knobs/recharge_scope", "subtree\n");
    machine.put("sys/kernel/mm/memcg_knobs/recharge_drop_sec", "0\n");
    machine.put("sys/kernel/mm/memcg_knobs/writeback_pace_usec", "25000\n");
    machine.put(
        "sys/kernel/debug/bdi/8:0/stats",
        "BdiWriteback: 12288 kB\nBdiReclaimable: 51200 kB\nBdiDirtyThresh: 400000 kB\nBdiWritten: 9999999 kB\n\
         BdiWriteBandwidth: 102400 kBps\n",
    );
    machine.put("sys/dev/block/8:0/uevent", "DEVNAME=sda\n");
    machine.put(
        "sys/kernel/mm/memcg_knobs/recharge_stat",
        "scanned 10\nmoved 9\nfailed 1\ndeferred 0\ndropped 0\n",
    );
    machine.put("proc/self/cgroup", "0::/system.slice/db.service\n");
    let mounts = machine.read("proc/self/mountinfo");
    machine.put(
        "proc/self/mountinfo",
        mounts + "3 1 0:9 / /run/pod rw - tmpfs tmpfs rw,memcg=/pod\n",
    );
    machine.put(
        "memcg-knobs.toml",
        "[sysfs]\nrecharge_adopt = true\n[cgroup.\"db.service\"]\ndirty_min = \"32M\"\n",
    );
    let ino = |cgroup: &str| {
        fs::metadata(machine.path("cgroup").join(cgroup))
            .unwrap()
            .ino()
    };
    let (backup, service, pod) = (
        ino("backup.slice"),
        ino("backup.slice/backup.service"),
        ino("pod"),
    );
    let line =
        |tid, time, event: &str| format!("{:>16}-{tid} [001] ..... {time}: {event}\n", "tar");
    machine.put(
        "saved",
        [
            line(812, "75.207381", &format!("memcg_dirty_throttle: bdi 8:0: dirty=14336 limit=16384 stop=14336 usec=12000 level_ino={service} cgroup_ino={service}")),
            line(812, "75.219704", &format!("memcg_dirty_throttle: bdi 8:0: dirty=64512 limit=65536 stop=64512 usec=4000 level_ino={backup} cgroup_ino={service}")),
            line(38, "75.250118", &format!("memcg_dirty_paced: bdi 8:0: usec=12000 cgroup_ino={service}")),
            line(812, "75.300112", &format!("flush_foreign: bdi 8:0: cgroup_ino={service} frn_bdi_id=1 frn_memcg_id=9")),
            line(900, "75.400231", &format!("memcg_recharge: pages=512 from_ino={backup} cgroup_ino={service}")),
            line(901, "75.500342", &format!("memcg_redirect: pages=16 err=0 cgroup_ino={pod}")),
            line(901, "75.500360", &format!("memcg_redirect: pages=16 err=0 cgroup_ino={pod}")),
            line(901, "75.600453", &format!("memcg_redirect: pages=1 err=-28 cgroup_ino={pod}")),
        ]
        .concat(),
    );
    machine
}

/// The examples: a command, and what it prints.
fn examples() -> Vec<(String, Vec<&'static str>)> {
    let mut examples: Vec<(String, Vec<_>)> = Vec::new();
    let mut inside = false;
    for line in TEXT.lines() {
        match line.strip_prefix("  ") {
            Some(text) if text.starts_with("$ memcgctl ") => {
                inside = true;
                examples.push((text.trim_start_matches("$ ").to_owned(), Vec::new()));
            }
            Some(text) if inside => examples.last_mut().unwrap().1.push(text),
            None if inside && line.is_empty() => inside = false,
            _ => inside = false,
        }
    }
    examples
}

/// Whether a line is as it is written, where "..." stands for anything.
fn alike(wanted: &str, found: &str) -> bool {
    let mut parts = wanted.split("...");
    let Some(mut rest) = parts.next().and_then(|part| found.strip_prefix(part)) else {
        return false;
    };
    let mut open = false;
    for part in parts {
        open = true;
        match rest.find(part) {
            Some(place) => rest = &rest[place + part.len()..],
            None => return false,
        }
    }
    rest.is_empty() || (open && wanted.ends_with("..."))
}

/// The text with what a command prints in the place of what stands below it.
fn blessed(text: &str, command: &str, printed: &[&str]) -> String {
    let mut lines = text.lines();
    let mut new = String::new();
    for line in lines.by_ref() {
        new += &format!("{line}\n");
        if line == format!("  $ {command}") {
            break;
        }
    }
    let old = lines
        .clone()
        .take_while(|line| line.starts_with("  "))
        .count();
    let cut = lines.clone().nth(old.saturating_sub(1)) == Some("  ...");
    for line in printed {
        new += &format!("  {line}\n");
    }
    if cut {
        new += "  ...\n";
    }
    new + &lines
        .skip(old)
        .map(|line| format!("{line}\n"))
        .collect::<String>()
}

#[test]
fn the_examples_are_true() {
    let examples = examples();
    let mut run = BTreeSet::new();
    let mut text = TEXT.to_owned();
    for (command, wanted) in &examples {
        let machine = machine();
        let args = command.split_whitespace().skip(1).map(|word| match word {
            "saved" | "recording" | "memcg-knobs.toml" => machine.path(word).into_os_string(),
            word => word.into(),
        });
        let out = machine.run(args);
        assert_eq!((out.code, out.err.as_str()), (0, ""), "{command}");
        run.insert(command.split_whitespace().nth(1).unwrap().to_owned());
        let out = out
            .out
            .replace("DIR/cgroup", "/sys/fs/cgroup")
            .replace("DIR/", "");
        let mut found: Vec<_> = out.lines().collect();
        let mut wanted = wanted.clone();
        if wanted.last() == Some(&"...") {
            wanted.pop();
            found.truncate(wanted.len());
        }
        let same = wanted.len() == found.len()
            && wanted
                .iter()
                .zip(&found)
                .all(|(wanted, found)| alike(wanted, found));
        if !same && env::var_os("BLESS").is_some() {
            text = blessed(&text, command, &found);
            continue;
        }
        assert!(
            same,
            "$ {command}\n{out}\nWith BLESS=1 the test writes what is printed into the text."
        );
    }
    if text != TEXT {
        fs::write(
            concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../Documentation/memcgctl.rst"
            ),
            text,
        )
        .unwrap();
    }
    // All but the one that takes a file system.
    let commands = commands(&Machine::new()).into_iter();
    let commands: BTreeSet<_> = commands.filter(|command| command != "mount").collect();
    assert_eq!(run, commands);
}

fn keys(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                into.insert(key.clone());
                // Knobs have their own documentation.
                if !["set", "switches"].contains(&key.as_str()) {
                    keys(value, into);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, into)),
        _ => {}
    }
}

#[test]
fn nothing_is_missing() {
    let machine = machine();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words: BTreeSet<_> = TEXT.split(|c| !is_word(c)).collect();
    let mut wanted = BTreeSet::new();
    for command in commands(&machine) {
        assert!(
            TEXT.lines().any(|line| line.starts_with(&command)),
            "{command}"
        );
    }
    let saved = machine.path("saved");
    let settings = machine.path("memcg-knobs.toml");
    let (saved, settings) = (saved.to_str().unwrap(), settings.to_str().unwrap());
    for args in [
        &["check", "--json"][..],
        &["show", "--json", "pod"],
        &["show", "--json", "--system"],
        &["suggest", "--json", "pod"],
        &["tree", "--json"],
        &["explain", "--json", "--sample", "1ms", "backup.service"],
        &["top", "--json", "--interval", "1ms"],
        &["watch", "--json", "-n", "2", "--interval", "1ms"],
        &["trace", "--json", "--input", saved],
        &["set", "--json", "pod", "dirty_min=1M"],
        &["flush", "--json", "pod"],
        &["recharge", "--json", "pod"],
        &["mounts", "--json"],
        &["apply", "--json", "-n", settings],
    ] {
        let out = machine.run(args).expect(0, "");
        let documents = serde_json::Deserializer::from_str(&out).into_iter();
        for document in documents {
            keys(&document.unwrap(), &mut wanted);
        }
    }
    let metrics = machine.run(["metrics"]).expect(0, "");
    let types = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    wanted.extend(types.map(|line| match line.split_once(' ').unwrap() {
        (name, "counter") => format!("{name}_total"),
        (name, _) => name.to_owned(),
    }));
    let missing: Vec<_> = wanted
        .iter()
        .filter(|word| !words.contains(word.as_str()))
        .collect();
    assert_eq!(missing, [""; 0]);
}
