// SPDX-License-Identifier: GPL-2.0

//! `memcgctl metrics`, read by a strict reader.

use crate::openmetrics::parse;
use crate::openmetrics::Samples;
use crate::Machine;
use std::ffi::OsStr;
use std::fs;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;

fn value(samples: &Samples, name: &str, label: Option<(&str, &str)>) -> Option<f64> {
    let labels = label.map(|(name, value)| (name.to_owned(), value.to_owned()));
    samples
        .get(&(name.to_owned(), labels.into_iter().collect()))
        .copied()
}

#[test]
fn figures() {
    let machine = Machine::new();
    machine.limited("a", 64 << 20);
    machine.cgroup("a/b");
    machine.put("cgroup/a/b/memory.dirty_min", "max\n");
    machine.put(
        "cgroup/a/memory.recharge_stat",
        "inherited 4096\nrecharged_in 1\nrecharged_out 2\nrecharge_failed 3\n",
    );
    machine.put(
        "sys/kernel/mm/memcg_knobs/recharge_stat",
        "scanned 10\nmoved 9\nfailed 1\ndeferred 0\ndropped 0\n",
    );
    let out = machine.run(["metrics"]).expect(0, "");
    let samples = parse(&out).unwrap();
    let a = |name| value(&samples, name, Some(("cgroup", "/a")));
    assert_eq!(value(&samples, "memcg_knobs_loaded", None), Some(1.0));
    assert_eq!(a("memcg_dirty_bytes"), Some(8192.0));
    assert_eq!(a("memcg_writeback_bytes"), Some(4096.0));
    assert_eq!(a("memcg_dirty_limit_bytes"), Some(67_108_864.0));
    assert_eq!(a("memcg_dirty_background_limit_bytes"), Some(33_554_432.0));
    assert_eq!(a("memcg_dirty_floor_bytes"), Some(0.0));
    assert_eq!(a("memcg_dirty_throttled_seconds_total"), Some(1.234567));
    assert_eq!(a("memcg_dirty_throttles_total"), Some(34.0));
    assert_eq!(a("memcg_dirty_writeback_starts_total"), Some(5.0));
    assert_eq!(a("memcg_inherited_bytes"), Some(4096.0));
    assert_eq!(a("memcg_recharged_out_bytes_total"), Some(2.0));
    assert_eq!(a("memcg_dirty_limited"), Some(1.0));
    let b = |name| value(&samples, name, Some(("cgroup", "/a/b")));
    assert_eq!(b("memcg_dirty_floor_bytes"), Some(f64::INFINITY));
    assert_eq!(b("memcg_dirty_limited"), Some(0.0));
    assert_eq!(b("memcg_inherited_bytes"), None);
    let moved = value(
        &samples,
        "memcg_recharge_pages_total",
        Some(("result", "moved")),
    );
    assert_eq!(moved, Some(9.0));
}

#[test]
fn part() {
    let machine = Machine::new();
    for name in ["a", "a/b", "a/b/c", "d"] {
        machine.cgroup(name);
    }
    let count = |args: &[&str]| {
        let out = machine.run(args).expect(0, "");
        let samples = parse(&out).unwrap();
        samples
            .keys()
            .filter(|(name, _)| name == "memcg_dirty_bytes")
            .count()
    };
    assert_eq!(count(&["metrics"]), 5);
    assert_eq!(count(&["metrics", "--depth", "1"]), 3);
    assert_eq!(count(&["metrics", "a"]), 3);
    assert_eq!(count(&["metrics", "a", "--depth", "0"]), 1);
}

/// What others call a cgroup, so that their figures can be joined.
#[test]
fn identities() {
    let machine = Machine::new();
    let id = "3f2a".repeat(16);
    let uid = "0b61b0a9-7c3e-4d0f-9d7c-1a2b3c4d5e6f";
    let pod = format!("kubepods.slice/kubepods-pod{}.slice", uid.replace('-', "_"));
    machine.cgroup(format!("{pod}/cri-containerd-{id}.scope"));
    machine.cgroup("system.slice/db.service");
    let samples = parse(&machine.run(["metrics"]).expect(0, "")).unwrap();
    let labels = |cgroup: &str| {
        let mut infos = samples.keys().filter(|(name, _)| name == "memcg_info");
        let (_, labels) = infos
            .find(|(_, labels)| labels["cgroup"] == cgroup)
            .unwrap();
        let labels = labels.iter().filter(|(name, _)| *name != "cgroup");
        labels
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
    };
    let path = format!("/{pod}/cri-containerd-{id}.scope");
    assert_eq!(
        labels(&path),
        [
            format!("container_id=containerd://{id}"),
            format!("id={path}"),
            format!("name=cri-containerd-{id}.scope"),
            "type=scope".to_owned(),
            format!("uid={uid}"),
        ]
    );
    assert_eq!(
        labels("/system.slice/db.service"),
        [
            "id=/system.slice/db.service",
            "name=db.service",
            "type=service"
        ]
    );
    assert_eq!(labels("/"), ["id=/"]);
}

#[test]
fn waits_floors_and_paces() {
    let machine = Machine::new();
    machine.put("proc/vmstat", "nr_free_pages 999999\n");
    machine.cgroup("a");
    machine.cgroup("b");
    let stat = machine.read("cgroup/a/memory.dirty_stat");
    machine.put(
        "cgroup/a/memory.dirty_stat",
        stat + "throttled_now 3\npace_usec 25000\npaced_usec 1500000\n",
    );
    // Twice as much as can be granted, which is half of the system's 781 MiB.
    machine.put("cgroup/a/memory.dirty_min", "max\n");
    machine.put("cgroup/a/memory.current", "12582912\n");
    machine.put("sys/kernel/mm/memcg_knobs/recharge_adopt", "1\n");
    let samples = parse(&machine.run(["metrics"]).expect(0, "")).unwrap();
    let a = |name| value(&samples, name, Some(("cgroup", "/a")));
    assert_eq!(a("memcg_dirty_throttled_now"), Some(3.0));
    assert_eq!(a("memcg_writeback_pace_seconds"), Some(0.025));
    assert_eq!(a("memcg_writeback_paced_seconds_total"), Some(1.5));
    assert_eq!(a("memcg_memory_bytes"), Some(12_582_912.0));
    let granted = a("memcg_dirty_floor_granted_bytes").unwrap();
    assert!((4e8..4.2e8).contains(&granted), "{granted}");
    assert_eq!(
        value(
            &samples,
            "memcg_knobs_switch",
            Some(("switch", "recharge_adopt"))
        ),
        Some(1.0)
    );
}

#[test]
fn chosen() {
    let machine = Machine::new();
    for (index, name) in ["a.service", "b.service", "c.service", "c.service/d"]
        .into_iter()
        .enumerate()
    {
        machine.cgroup(format!("system.slice/{name}"));
        let stat = format!(
            "dirty {}\nwriteback 0\nthrottled_now {}\n",
            index * 4096,
            u8::from(index == 0)
        );
        machine.put(
            format!("cgroup/system.slice/{name}/memory.dirty_stat"),
            stat,
        );
    }
    let names = |args: &[&str]| {
        let samples = parse(&machine.run(["metrics"].iter().chain(args)).expect(0, "")).unwrap();
        let infos = samples.keys().filter(|(name, _)| name == "memcg_info");
        infos
            .map(|(_, labels)| labels["cgroup"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(&["--cgroup", "[ab].service"]),
        ["/system.slice/a.service", "/system.slice/b.service"]
    );
    assert_eq!(
        names(&[
            "--cgroup",
            "/system.slice/c*/**",
            "--cgroup",
            "system.slice"
        ]),
        [
            "/system.slice",
            "/system.slice/c.service",
            "/system.slice/c.service/d"
        ]
    );
    // The two that hold most, and one whose writers wait.
    assert_eq!(
        names(&["--cgroup", "/system.slice/**", "--top", "2"]),
        [
            "/system.slice/a.service",
            "/system.slice/c.service",
            "/system.slice/c.service/d"
        ]
    );
    assert_eq!(names(&["--top", "0"]), ["/system.slice/a.service"]);
}

#[test]
fn a_stock_kernel() {
    let machine = Machine::stock();
    machine.put(
        "cgroup/a/memory.stat",
        "file_dirty 8192\nfile_writeback 0\n",
    );
    let samples = parse(&machine.run(["metrics"]).expect(0, "")).unwrap();
    assert_eq!(value(&samples, "memcg_knobs_loaded", None), Some(0.0));
    assert_eq!(
        value(&samples, "memcg_dirty_bytes", Some(("cgroup", "/a"))),
        Some(8192.0)
    );
    assert!(!samples.keys().any(|(name, _)| name.contains("limit")));
}

#[test]
fn odd_names() {
    let machine = Machine::new();
    machine.cgroup("two\nlines \"and\" back\\slash");
    machine.cgroup(OsStr::from_bytes(b"raw\xff"));
    let samples = parse(&machine.run(["metrics"]).expect(0, "")).unwrap();
    for name in ["/two\\nlines \"and\" back\\slash", "/raw\\xff"] {
        assert_eq!(
            value(&samples, "memcg_dirty_bytes", Some(("cgroup", name))),
            Some(8192.0)
        );
    }
    // What cannot be told apart is not told twice.
    machine.cgroup("raw\\xff");
    let run = machine.run(["metrics"]);
    parse(&run.out).unwrap();
    run.expect(
        4,
        "memcgctl: two cgroups have the label \"/raw\\\\xff\"; one is left out\n",
    );
}

#[test]
fn no_name_commands_a_terminal() {
    let machine = Machine::new();
    let name = "\x1b[2J\u{9b}31m\u{202e}\x7f";
    machine.cgroup(name);
    for args in [
        &["metrics"][..],
        &["tree", "--json"],
        &["top", "--json", "--interval", "1ms"],
        &["watch", "--json", "--count", "1", name],
    ] {
        let out = machine.run(args).expect(0, "");
        let hidden = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!out.contains(hidden), "{out:?}");
        if args.contains(&"--json") {
            let json: serde_json::Value = serde_json::from_str(&out).unwrap();
            let text = json.to_string();
            assert!(text.contains("\u{9b}31m\u{202e}\x7f\""), "{text:?}");
        }
    }
}

#[test]
fn one_unreadable_cgroup_hides_no_other() {
    let machine = Machine::new();
    machine.cgroup("a");
    machine.cgroup("b");
    machine.put("cgroup/a/memory.dirty_min", "lots\n");
    let run = machine.run(["metrics"]);
    assert_eq!(run.code, 4);
    let samples = parse(&run.out).unwrap();
    assert!(value(&samples, "memcg_dirty_bytes", Some(("cgroup", "/b"))).is_some());
}

#[test]
fn into_a_file() {
    let machine = Machine::new();
    machine.cgroup("a");
    machine.put("text/memcg.prom", "old");
    let file = machine.path("text/memcg.prom");
    let args = ["metrics".as_ref(), "--output".as_ref(), file.as_os_str()];
    assert_eq!(machine.run(args).expect(0, ""), "");
    // As a textfile collector takes it: the type bears the very name of the samples.
    let text = machine.read("text/memcg.prom");
    assert!(
        text.contains("\n# TYPE memcg_dirty_throttles_total counter\nmemcg_dirty_throttles_total{"),
        "{text}"
    );
    assert!(
        !text.contains("# EOF") && !text.contains("# UNIT"),
        "{text}"
    );
    let openmetrics = args.into_iter().chain(["--format=openmetrics".as_ref()]);
    assert_eq!(machine.run(openmetrics).expect(0, ""), "");
    parse(&machine.read("text/memcg.prom")).unwrap();
    // A link stays one, and what it leads to keeps its mode.
    machine.put("elsewhere", "old");
    let elsewhere = machine.path("elsewhere");
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o640)).unwrap();
    machine.link("link", "elsewhere");
    let link = machine.path("link");
    machine
        .run(["metrics".as_ref(), "--output".as_ref(), link.as_os_str()])
        .expect(0, "");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    parse(&machine.read("elsewhere")).unwrap();
    let mode = fs::metadata(&elsewhere).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    // One like /dev/stdout leads to a file that others have open.
    machine.link("stdout", "/proc/self/fd/1");
    let stdout = machine.path("stdout");
    let open = File::create(&elsewhere).unwrap();
    let inode = open.metadata().unwrap().ino();
    let mut command = machine.command();
    command.args(["metrics".as_ref(), "--output".as_ref(), stdout.as_os_str()]);
    machine
        .end(command.stdout(open).output().unwrap())
        .expect(0, "");
    assert!(fs::symlink_metadata(&stdout).unwrap().is_symlink());
    assert_eq!(fs::metadata(&elsewhere).unwrap().ino(), inode);
    parse(&machine.read("elsewhere")).unwrap();
    // A collector runs as another user, and there is nothing left that it would read.
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o644
    );
    assert_eq!(fs::read_dir(machine.path("text")).unwrap().count(), 1);
    machine
        .run(["metrics", "--output", "/dev/null"])
        .expect(0, "");
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    // No file can be made there, by root neither.
    machine
        .run(["metrics", "--output", "/proc/self/memcg.prom"])
        .expect(
            1,
            "memcgctl: cannot write /proc/self/memcg.prom: No such file or directory (ENOENT)\n",
        );
    let nowhere = machine.path("none/memcg.prom");
    let args = ["metrics".as_ref(), "--output".as_ref(), nowhere.as_os_str()];
    machine.run(args).expect(
        1,
        "memcgctl: cannot write DIR/none/memcg.prom: No such file or directory (ENOENT)\n",
    );
}
