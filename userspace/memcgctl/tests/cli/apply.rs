// SPDX-License-Identifier: GPL-2.0

//! `memcgctl apply`.

use crate::Machine;
use crate::Run;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::process::Stdio;

const LIMIT: &str = "cgroup/system.slice/web.service/memory.dirty_limit_in_bytes";
const FLOOR: &str = "cgroup/system.slice/memory.dirty_min";
const ADOPT: &str = "sys/kernel/mm/memcg_knobs/recharge_adopt";

const GOOD: &str = "\
[sysfs]
recharge_adopt = true
recharge_scope = \"subtree\"

[cgroup.\"web.service\"]
dirty_limit_in_bytes = \"64M\"
dirty_ratio = \"max\"

[cgroup.\"system.slice\"]
dirty_min = 5000

[cgroup.\"backup.service\"]
optional = true
dirty_ratio = 2.5
";

fn machine(text: &str) -> Machine {
    let machine = Machine::new();
    machine.cgroup("system.slice");
    machine.cgroup("system.slice/web.service");
    machine.put(ADOPT, "0\n");
    machine.put("sys/kernel/mm/memcg_knobs/recharge_scope", "subtree\n");
    machine.put("etc/knobs.toml", text);
    machine
}

fn apply<const N: usize>(machine: &Machine, args: [&str; N]) -> Run {
    let file = machine.path("etc/knobs.toml");
    let mut command = machine.command();
    machine.end(command.arg("apply").arg(file).args(args).output().unwrap())
}

/// The files as the module would show them after the settings were written.
fn settle(machine: &Machine) {
    machine.put(LIMIT, "67108864\n");
    machine.put(FLOOR, "4096\n");
}

#[test]
fn once_and_not_again() {
    let machine = machine(GOOD);
    let changes = "\
recharge_adopt: 0 -> 1
/system.slice/web.service memory.dirty_limit_in_bytes: max -> 64MiB
/system.slice memory.dirty_min: 0B -> 4KiB
";
    let with = |word: &str| {
        let lines = changes.lines().map(|line| format!("{word} {line}\n"));
        lines.collect::<String>() + "skipped backup.service: no such cgroup\n"
    };
    assert_eq!(
        apply(&machine, ["--dry-run"]).expect(0, ""),
        with("would change")
    );
    assert_eq!(
        (machine.read(ADOPT), machine.read(LIMIT)),
        ("0\n".into(), "max\n".into())
    );
    assert_eq!(apply(&machine, []).expect(0, ""), with("changed"));
    assert_eq!(machine.read(ADOPT), "1\n");
    assert_eq!(machine.read(LIMIT), "64M\n");
    assert_eq!(machine.read(FLOOR), "5000\n");
    settle(&machine);
    assert_eq!(
        apply(&machine, []).expect(0, ""),
        "skipped backup.service: no such cgroup\n"
    );
    assert_eq!(machine.read(FLOOR), "4096\n");
}

#[test]
fn json() {
    let machine = machine(GOOD);
    let out = apply(&machine, ["--json", "-n"]).expect(0, "");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "version": 1,
            "dry_run": true,
            "changes": [
                { "file": "recharge_adopt", "from": false, "to": true, "done": false },
                {
                    "cgroup": "/system.slice/web.service",
                    "file": "memory.dirty_limit_in_bytes",
                    "from": null,
                    "to": 64 << 20,
                    "done": false,
                },
                {
                    "cgroup": "/system.slice",
                    "file": "memory.dirty_min",
                    "from": 0,
                    "to": 4096,
                    "done": false,
                },
            ],
            "skipped": ["backup.service"],
        })
    );
}

#[test]
fn from_stdin() {
    let machine = machine("");
    let mut command = machine.command();
    let mut child = command
        .args(["apply", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(GOOD.as_bytes())
        .unwrap();
    machine.end(child.wait_with_output().unwrap()).expect(0, "");
    assert_eq!(machine.read(LIMIT), "64M\n");
}

#[test]
fn nothing_is_written_unless_all_is_good() {
    let table = [
        (
            "[cgroup.\"web.service\"]\ndirty_raito = 5\n",
            "6: no knob has the name \"dirty_raito\"",
        ),
        (
            "[cgroup.\"web.service\"]\ndirty_ratio = 101\n",
            "6: memory.dirty_ratio does not take \"101\"",
        ),
        (
            "[cgroup.none]\ndirty_min = 1\n",
            "5: none: no such cgroup under DIR/cgroup: No such file",
        ),
        (
            "[cgroup.\"../x\"]\n",
            "5: ../x: not below the cgroup2 mount DIR/cgroup",
        ),
        (
            "[cgroup.\"/system.slice\"]\n",
            "5: this is the cgroup of line 3 again",
        ),
        (
            "[cgroup.\"/\"]\ndirty_min = 1\n",
            "6: DIR/cgroup/memory.dirty_min: no such file: the root cgroup has none",
        ),
        ("]\n", "5: "),
    ];
    for (text, message) in table {
        let start = "[sysfs]\nrecharge_adopt = 1\n[cgroup.\"system.slice\"]\ndirty_min = \"1M\"\n";
        let machine = machine(&format!("{start}{text}"));
        for args in [&[][..], &["--dry-run"]] {
            let run = machine.run(
                ["apply".as_ref(), machine.path("etc/knobs.toml").as_os_str()]
                    .into_iter()
                    .chain(args.iter().map(|arg: &&str| arg.as_ref())),
            );
            assert_eq!((run.code, run.out.as_str()), (1, ""), "{}", run.err);
            let message = format!("memcgctl: DIR/etc/knobs.toml:{message}");
            assert!(run.err.starts_with(&message), "{}", run.err);
        }
        assert_eq!(machine.read(ADOPT), "0\n");
        assert_eq!(machine.read(FLOOR), "0\n");
    }
}

#[test]
fn every_mistake_is_told() {
    let machine = machine("[cgroup.a]\n[cgroup.b]\n");
    let run = apply(&machine, []);
    assert_eq!(run.code, 1);
    assert_eq!(run.err.lines().count(), 2, "{}", run.err);
}

#[test]
fn the_kernel_lacks_it() {
    let machine = Machine::stock();
    machine.put("cgroup/a/memory.max", "max\n");
    machine.put(
        "etc/knobs.toml",
        "[sysfs]\nrecharge_mapped = 1\n[cgroup.a]\ndirty_min = 1\n",
    );
    apply(&machine, []).expect(
        3,
        "memcgctl: DIR/etc/knobs.toml:2: DIR/sys/kernel/mm/memcg_knobs/recharge_mapped: no such file: the module \
         memcg_knobs is not loaded\n\
         memcgctl: DIR/etc/knobs.toml:4: DIR/cgroup/a/memory.dirty_min: no such file: the module memcg_knobs is not \
         loaded\n",
    );
}

#[test]
fn partly() {
    let machine = machine(GOOD);
    // A file that reads as a number and answers EINVAL to 5000.
    machine.link(FLOOR, "/proc/self/oom_score_adj");
    let run = apply(&machine, []);
    assert_eq!(run.code, 4);
    assert_eq!(
        run.err,
        "memcgctl: cannot write \"5000\" to DIR/cgroup/system.slice/memory.dirty_min: Invalid argument (EINVAL)\n"
    );
    assert!(!run.out.contains("dirty_min"), "{}", run.out);
    assert_eq!(machine.read(LIMIT), "64M\n");
}

#[test]
fn no_file() {
    let machine = Machine::new();
    apply(&machine, []).expect(
        1,
        "memcgctl: cannot read DIR/etc/knobs.toml: No such file or directory (ENOENT)\n",
    );
}

#[test]
fn the_example_of_the_help_is_good() {
    let machine = machine("");
    let help = machine.run(["apply", "--help"]).expect(0, "");
    let example = help.split("A file:\n").nth(1).unwrap();
    let lines = example
        .lines()
        .take_while(|line| line.is_empty() || line.starts_with("  "));
    let lines: Vec<_> = lines.map(str::trim_start).collect();
    machine.put("etc/knobs.toml", lines.join("\n"));
    let out = apply(&machine, []).expect(0, "");
    assert!(
        out.contains("/system.slice memory.dirty_limit_in_bytes: max -> 256MiB"),
        "{out}"
    );
    assert!(out.contains("skipped backup.service"), "{out}");
}

#[test]
fn saved_and_brought_back() {
    let machine = machine("");
    machine.put(LIMIT, "67108864\n");
    machine.put("cgroup/system.slice/memory.persistent", "shmem\n");
    let dump = machine.run(["apply", "--dump"]).expect(0, "");
    assert_eq!(
        dump,
        "\
[sysfs]
recharge_adopt = false
recharge_scope = \"subtree\"

[cgroup.\"/system.slice\"]
optional = true
persistent = \"shmem\"

[cgroup.\"/system.slice/web.service\"]
optional = true
dirty_limit_in_bytes = 67108864
"
    );
    machine.put("etc/knobs.toml", &dump);
    assert_eq!(apply(&machine, ["--exact"]).expect(0, ""), "");
    assert_eq!(apply(&machine, ["--diff"]).expect(0, ""), "");
    // Something is tried, and taken back.
    machine.put(LIMIT, "max\n");
    machine.put(
        "cgroup/system.slice/web.service/memory.dirty_ratio",
        "5.00\n",
    );
    machine.put(FLOOR, "4096\n");
    machine.put(ADOPT, "1\n");
    assert_eq!(
        apply(&machine, ["--diff"]).expect(0, ""),
        "\
--- what is set
+++ DIR/etc/knobs.toml
 [sysfs]
-recharge_adopt = true
+recharge_adopt = false
 [cgroup.\"/system.slice\"]
-dirty_min = 4096
 [cgroup.\"/system.slice/web.service\"]
-dirty_limit_in_bytes = \"max\"
+dirty_limit_in_bytes = 67108864
"
    );
    assert_eq!(machine.read(FLOOR), "4096\n");
    let out = apply(&machine, ["--exact"]).expect(0, "");
    assert!(
        out.contains("changed /system.slice memory.dirty_min: 4KiB -> 0B\n"),
        "{out}"
    );
    assert_eq!(
        (machine.read(FLOOR), machine.read(ADOPT)),
        ("0\n".into(), "0\n".into())
    );
    assert_eq!(machine.read(LIMIT), "67108864\n");
}

/// Whoever may not write can still see what would change.
#[test]
fn a_dry_run_needs_no_permission() {
    let machine = machine(GOOD);
    for file in [ADOPT, LIMIT] {
        fs::set_permissions(machine.path(file), fs::Permissions::from_mode(0o444)).unwrap();
    }
    machine.put(
        "etc/knobs.toml",
        "[cgroup.\"web.service\"]\ndirty_limit_in_bytes = \"64M\"\n",
    );
    // Root may write whatever the mode is: as somebody else.
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    let inner = machine.command();
    fs::set_permissions(machine.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    command.arg(inner.get_program()).args(inner.get_args());
    command
        .args(["apply", "-n"])
        .arg(machine.path("etc/knobs.toml"));
    // Not every machine lets one be somebody else, nor has everybody see the program.
    let Ok(output) = command.output() else { return };
    let run = machine.end(output);
    if !run.err.contains("setpriv") {
        let out = run.expect(0, "");
        assert_eq!(
            out,
            "would change /system.slice/web.service memory.dirty_limit_in_bytes: max -> 64MiB\n"
        );
    }
}
