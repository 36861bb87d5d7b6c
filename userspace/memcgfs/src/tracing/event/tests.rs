// SPDX-License-Identifier: GPL-2.0

//! Tests with lines as the kernel writes them, and invalid ones.

use super::*;

fn event(line: &[u8]) -> Option<Event> {
    match Line::parse(line)? {
        Line::Event(event) => Some(event),
        Line::Lost(_) => None,
    }
}

const FIELDS: &str = "bdi 8:0: limit=100 setpoint=5 dirty=90 wb_setpoint=1 wb_dirty=1 dirty_ratelimit=1 \
                      task_ratelimit=1 dirtied=1 dirtied_pause=1 paused=3 pause=12 period=15 think=0 cgroup_ino=42";

#[test]
fn a_throttle() {
    let line =
        format!("              dd-1234    [001] .....   123.456789: balance_dirty_pages: {FIELDS}");
    assert_eq!(
        event(line.as_bytes()).unwrap(),
        Event {
            task: "dd".to_owned(),
            tid: 1234,
            time_usec: 123_456_789,
            name: "balance_dirty_pages".to_owned(),
            cgroup_ino: Some(42),
            what: What::Throttle(Throttle {
                pause_usec: Some(12_000),
                dirty: Some(90 * 4096),
                limit: Some(100 * 4096),
                stop: None,
                bdi: Some("8:0".to_owned()),
                level_ino: None,
            }),
        }
    );
    for pause in ["pause=0", "pause=-3"] {
        let line = line.replace("pause=12", pause);
        assert_eq!(event(line.as_bytes()).unwrap().what, What::Passed);
    }
}

#[test]
fn of_the_series() {
    let table = [
        (
            "memcg_dirty_throttle: bdi 254:0: dirty=16000 limit=16384 usec=2500 level_ino=7 cgroup_ino=42",
            What::Throttle(Throttle {
                pause_usec: Some(2500),
                dirty: Some(16000 * 4096),
                limit: None,
                stop: Some(64 << 20),
                bdi: Some("254:0".to_owned()),
                level_ino: Some(7),
            }),
        ),
        (
            "memcg_dirty_throttle: bdi 254:0: dirty=15000 limit=16384 stop=15360 usec=1 level_ino=7 cgroup_ino=42",
            What::Throttle(Throttle {
                pause_usec: Some(1),
                dirty: Some(15000 * 4096),
                limit: Some(64 << 20),
                stop: Some(60 << 20),
                bdi: Some("254:0".to_owned()),
                level_ino: Some(7),
            }),
        ),
        (
            "memcg_dirty_paced: bdi 254:0: usec=12500 cgroup_ino=42",
            What::Paced {
                usec: Some(12_500),
                bdi: Some("254:0".to_owned()),
            },
        ),
        (
            "memcg_recharge: pages=3 from_ino=7 cgroup_ino=42",
            What::Recharge {
                bytes: Some(3 * 4096),
                from_ino: Some(7),
            },
        ),
        (
            "memcg_redirect: pages=512 err=0 cgroup_ino=42",
            What::Redirect {
                bytes: Some(2 << 20),
                error: None,
            },
        ),
        (
            "memcg_redirect: pages=1 err=-28 cgroup_ino=42",
            What::Redirect {
                bytes: Some(4096),
                error: Some(28),
            },
        ),
        (
            "memcg_redirect: pages=x err=-2147483648 cgroup_ino=42",
            What::Redirect {
                bytes: None,
                error: None,
            },
        ),
    ];
    for (text, what) in table {
        let line = format!("              dd-1234    [001] .....   123.456789: {text}");
        let event = event(line.as_bytes()).unwrap();
        assert_eq!((event.cgroup_ino, event.what), (Some(42), what), "{text}");
    }
}

#[test]
fn odd_tasks() {
    for task in [
        "a-1 [0] x",
        "- - - -",
        "kworker/u8:1-ev",
        "a: b: c",
        "<...>",
        "(sd-pam)",
    ] {
        let line = format!("{task:>16}-7       [000] d..2.     1.000002: flush_foreign: bdi 8:0: cgroup_ino=5 frn_bdi_id=1 frn_memcg_id=9");
        let event = event(line.as_bytes()).unwrap();
        assert_eq!((event.task.as_str(), event.tid), (task, 7), "{line}");
        assert_eq!(event.what, What::FlushForeign { memcg_id: Some(9) });
    }
    let line =
        b"           raw\xff\xfe-7 (      5) [000]     1.000002: memcg_other: cgroup_ino=5 pages=3";
    let event = event(line).unwrap();
    assert_eq!(event.task, "raw\u{fffd}\u{fffd}");
    assert_eq!(event.what, What::Other("cgroup_ino=5 pages=3".to_owned()));
}

#[test]
fn neither() {
    assert_eq!(
        Line::parse(b"CPU:3 [LOST 17 EVENTS]"),
        Some(Line::Lost(Some(17)))
    );
    assert_eq!(Line::parse(b"CPU:3 [LOST EVENTS]"), Some(Line::Lost(None)));
    for line in [
        &b""[..],
        b"# tracer: nop",
        b"CPU:3 [LOST many EVENTS]",
        b"              dd-1234",
        b"              dd-1234    [001]",
        b"              dd-1234    [001] ..... 1.5: x: y",
        b"              dd-1234    [001] ..... 1.000000: x y",
        b"----------------",
        b"\xff-\xff",
    ] {
        assert_eq!(Line::parse(line), None, "{line:?}");
    }
}
