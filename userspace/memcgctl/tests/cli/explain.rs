// SPDX-License-Identifier: GPL-2.0

//! `memcgctl explain`.

use crate::Machine;
use std::fs;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread;

fn machine() -> Machine {
    let machine = Machine::new();
    machine.put(
        "proc/vmstat",
        "nr_free_pages 700000\nnr_inactive_file 200000\nnr_active_file 99999\nnr_dirty 100\nnr_writeback 0\n",
    );
    machine.put("proc/sys/vm/dirty_background_ratio", "10\n");
    machine.limited("a", 64 << 20);
    machine.cgroup("a/b");
    machine
}

fn explain<const N: usize>(machine: &Machine, args: [&str; N]) -> crate::Run {
    machine.run(["explain", "--sample", "10ms"].into_iter().chain(args))
}

#[test]
fn words() {
    let machine = machine();
    machine.in_force("a/b", 64 << 20);
    assert_eq!(
        explain(&machine, ["a/b"]).expect(0, ""),
        "\
cgroup          /a/b
limit in force  64MiB: memory.dirty_limit_in_bytes = 64MiB of /a; the kernel says the same
binds           /a: holds 12KiB of 64MiB; no writer is slowed (slowed from 39.8MiB, stopped from 55.7MiB)
throttled       no: 0.000s in 0 waits within 0.010s; 1.234s in 34 waits since the cgroup was made
what to do      nothing: its writers are not slowed by dirty limits now

LEVEL          HELD     LIMIT  BACKGROUND    SLOWED   STOPPED  DIRTYABLE  FLOOR  FROM
 /a/b         12KiB  780.9MiB    390.0MiB  585.4MiB  780.9MiB     3.8GiB      -  vm.dirty_ratio = 20% of 3.8GiB dirtyable
*/a           12KiB     64MiB       32MiB   39.8MiB   55.7MiB     3.8GiB      -  memory.dirty_limit_in_bytes = 64MiB
 the system  400KiB  781.0MiB    390.0MiB  585.5MiB  781.0MiB     3.8GiB      -  vm.dirty_ratio = 20%

system: free 2.6GiB - reserved 0B + page cache 1.1GiB = dirtyable 3.8GiB; dirty 400KiB, writeback 0B
/a/b: page cache 12KiB + clean elsewhere, at most headroom max = dirtyable 3.8GiB
/a: page cache 12KiB + clean elsewhere, at most headroom max = dirtyable 3.8GiB
"
    );
}

#[test]
fn json() {
    let machine = machine();
    let out = explain(&machine, ["a", "--json"]).expect(0, "");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["cgroup"], "/a");
    assert_eq!(
        (&json["limit"], &json["agrees"]),
        (&(64 << 20).into(), &true.into())
    );
    assert_eq!(
        json["binding"],
        serde_json::json!({ "place": "cgroup", "cgroup": "/a" })
    );
    assert_eq!(json["levels"][0]["in_force"]["set"], true);
    assert_eq!(json["levels"][0]["headroom"], serde_json::Value::Null);
    assert_eq!(json["throttled"]["now"], false);
    assert_eq!(json["throttled"]["count"], 34);
    let root = explain(&machine, ["/", "--json"]).expect(0, "");
    let root: serde_json::Value = serde_json::from_str(&root).unwrap();
    assert_eq!(root["binding"], serde_json::json!({ "place": "system" }));
    assert_eq!(root["levels"], serde_json::json!([]));
}

#[test]
fn throttled() {
    let machine = machine();
    let stat = |usec: u32, count: u32| {
        format!(
            "dirty 62914560\nwriteback 0\nlimit 67108864\nbackground_limit 33554432\nthrottled_usec {usec}\n\
             throttled_count {count}\nwriteback_started 1\n"
        )
    };
    machine.put("cgroup/a/memory.dirty_stat", stat(0, 0));
    machine.put("cgroup/a/b/cgroup.threads", "0\n7\n8\n9\n");
    machine.put("proc/7/wchan", "memcg_dirty_wait");
    machine.put("proc/7/comm", "dd\n");
    machine.put("proc/8/wchan", "do_wait");
    machine.put(
        "cgroup/a/io.pressure",
        "some avg10=50.00 avg60=50.00 avg300=2.00 total=9\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    );
    let ended = AtomicBool::new(false);
    let run = thread::scope(|scope| {
        // Whenever it looks, writers waited between its two looks.
        scope.spawn(|| {
            for count in 1.. {
                // As a whole, because the file is read at any time.
                machine.put("new", stat(count * 1000, count));
                fs::rename(
                    machine.path("new"),
                    machine.path("cgroup/a/memory.dirty_stat"),
                )
                .unwrap();
                if ended.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let run = machine.run(["explain", "a", "--sample", "500ms"]);
        ended.store(true, Ordering::Relaxed);
        run
    });
    let out = run.expect(0, "");
    for line in [
        "binds           /a: holds 60MiB of 64MiB; all writers wait (slowed from 39.8MiB, stopped from 55.7MiB)\n",
        "\nthrottled       yes: ",
        " waits since the cgroup was made\n",
        "waiting now     dd (7)\n",
        "since           a few minutes, according to io.pressure; the kernel keeps no exact time\n",
        "what to do      raise memory.dirty_limit_in_bytes of /a, for example to 128MiB,",
    ] {
        assert!(out.contains(line), "{line}{out}");
    }
    assert!(!out.contains(" in 0 waits"), "{out}");
}

#[test]
fn waits_that_go_on_and_a_pace() {
    let machine = machine();
    let stat = "dirty 62914560\nwriteback 0\nlimit 67108864\nbackground_limit 33554432\nthrottled_usec 5000000\n\
                throttled_count 1\nthrottled_now 2\nwriteback_started 1\npace_usec 25000\npaced_usec 7000\n";
    machine.put("cgroup/a/memory.dirty_stat", stat);
    let out = explain(&machine, ["a"]).expect(0, "");
    for line in [
        "throttled       yes: 0.000s in 0 waits within 0.010s; 5.000s in 1 waits since the cgroup was made\n",
        "waiting now     2 writers\n",
        "paced           writeback was not held back within 0.010s (pace 25ms)\n",
    ] {
        assert!(out.contains(line), "{line}{out}");
    }
    // And one that grows while it is watched.
    let run = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(std::time::Duration::from_millis(150));
            machine.put("new", stat.replace("paced_usec 7000", "paced_usec 19999"));
            fs::rename(
                machine.path("new"),
                machine.path("cgroup/a/memory.dirty_stat"),
            )
            .unwrap();
        });
        machine.run(["explain", "a", "--sample", "2s"])
    });
    let out = run.expect(0, "");
    let line =
        "writeback held back for 12ms within 2.000s so that others get through (pace 25ms)\n";
    assert!(out.contains(line), "{out}");
}

#[test]
fn a_stock_kernel() {
    let machine = Machine::stock();
    machine.put(
        "cgroup/a/memory.stat",
        "file_dirty 8192\nfile_writeback 0\n",
    );
    machine.put("proc/vmstat", "nr_free_pages 999999\n");
    let note = "memcgctl: DIR/cgroup/a/memory.dirty_stat: no such file: the module memcg_knobs is not loaded\n";
    let out = explain(&machine, ["a"]).expect(0, note);
    assert!(
        out.contains(
            "throttled       no, judging by the tasks that wait; this kernel does not count throttling\n"
        ),
        "{out}"
    );
    // What it advises to change is there.
    machine.put("cgroup/a/memory.max", "1073741824\n");
    machine.put("cgroup/a/memory.current", "1048576\n");
    for (dirty, who, advice) in [
        (
            "file_dirty 500000000\nfile_writeback 0\n",
            "a",
            "raise vm.dirty_ratio, or the memory.max or memory.high of /a or above it; a limit for /a alone needs the \
             module memcg_knobs\n",
        ),
        (
            "file_dirty 0\nfile_writeback 0\n",
            "/",
            "raise vm.dirty_ratio; a limit for each cgroup alone needs the module memcg_knobs\n",
        ),
    ] {
        machine.put("cgroup/a/memory.stat", dirty);
        machine.put("proc/vmstat", "nr_free_pages 999999\nnr_dirty 300000\n");
        let out = explain(&machine, [who]).out;
        assert!(
            out.contains(&format!("\nwhat to do      {advice}")),
            "{out}"
        );
    }
    fs::remove_file(machine.path("proc/vmstat")).unwrap();
    explain(&machine, ["/"]).expect(
        3,
        "memcgctl: the kernel reports no figures in /proc/vmstat\n",
    );
}

#[test]
fn mistakes() {
    let machine = machine();
    assert_eq!(machine.run(["explain", "a", "--sample", "0"]).code, 2);
    assert_eq!(machine.run(["explain", "a", "--sample", "-1"]).code, 2);
    assert_eq!(explain(&machine, ["none"]).code, 1);
}
