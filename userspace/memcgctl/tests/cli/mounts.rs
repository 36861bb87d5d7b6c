// SPDX-License-Identifier: GPL-2.0

//! `memcgctl mount` and `mounts`. That a mount is charged as it should be is for the tests on a patched kernel; here it
//! is how its absence is told.

use crate::Machine;
use std::fs;

#[test]
fn listed() {
    let machine = Machine::new();
    machine.cgroup("pod");
    machine.cgroup("pod/a,b");
    machine.put(
        "proc/self/mountinfo",
        b"1 1 0:5 / /sys/fs/cgroup rw - cgroup2 none rw\n\
          2 1 0:40 / /mnt/one rw,nosuid - tmpfs tmpfs rw,memcg=/pod,size=1024k\n\
          3 1 0:41 / /mnt/two\\040\xff rw shared:1 - tmpfs pages rw,memcg=/pod/a\\054b,inode64\n\
          5 1 0:43 / /mnt/five rw - tmpfs tmpfs rw,memcg=/pod/gone/below\n\
          6 1 0:44 / /mnt/six rw - tmpfs tmpfs rw,memcg=/../elsewhere\n\
          4 1 0:42 / /mnt/three rw - tmpfs tmpfs rw,xmemcg=/pod\n",
    );
    let out = machine.run(["mounts"]).expect(0, "");
    assert_eq!(
        out,
        "\
MOUNT          TYPE   CGROUP           PAID BY
/mnt/one       tmpfs  /pod             /pod
/mnt/two \\xff  tmpfs  /pod/a,b         /pod/a,b
/mnt/five      tmpfs  /pod/gone/below  /pod
/mnt/six       tmpfs  /../elsewhere    -
"
    );
    let out = machine.run(["mounts", "--json"]).expect(0, "");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        json,
        serde_json::json!({
            "version": 1,
            "mounts": [
                {
                    "point": "/mnt/one",
                    "fs_type": "tmpfs",
                    "source": "tmpfs",
                    "cgroup": "/pod",
                    "paid_by": { "cgroup": "/pod" },
                },
                {
                    "point": "/mnt/two \u{fffd}",
                    "point_bytes": b"/mnt/two \xff".to_vec(),
                    "fs_type": "tmpfs",
                    "source": "pages",
                    "cgroup": "/pod/a,b",
                    "paid_by": { "cgroup": "/pod/a,b" },
                },
                {
                    "point": "/mnt/five",
                    "fs_type": "tmpfs",
                    "source": "tmpfs",
                    "cgroup": "/pod/gone/below",
                    "paid_by": { "cgroup": "/pod" },
                },
                {
                    "point": "/mnt/six",
                    "fs_type": "tmpfs",
                    "source": "tmpfs",
                    "cgroup": "/../elsewhere",
                },
            ],
        })
    );
    machine.put("proc/self/mountinfo", "");
    assert_eq!(machine.run(["mounts"]).expect(0, ""), "");
}

#[test]
fn a_kernel_without_the_option() {
    let machine = Machine::stock();
    machine.cgroup("pod");
    fs::create_dir(machine.path("mnt")).unwrap();
    let point = machine.path("mnt");
    let args = [
        "mount".as_ref(),
        "--memcg".as_ref(),
        "pod".as_ref(),
        point.as_os_str(),
    ];
    let run = machine.run(args);
    assert_eq!(run.out, "");
    // Who may not mount at all is told that.
    if run.err.contains("(EPERM)") {
        assert_eq!(run.code, 1, "{}", run.err);
        assert!(
            run.err.starts_with("memcgctl: cannot mount tmpfs: "),
            "{}",
            run.err
        );
        return;
    }
    assert_eq!(run.code, 3, "{}", run.err);
    if !run.err.contains("(ENOSYS)") {
        assert_eq!(
            run.err,
            "memcgctl: cannot mount tmpfs: option memcg=DIR/cgroup/pod: Invalid argument (EINVAL); tmpfs: Unknown \
             parameter 'memcg'\n"
        );
    }
}

#[test]
fn mistakes() {
    let machine = Machine::new();
    machine.cgroup("pod");
    for args in [
        &["mount", "/mnt"][..],
        &["mount", "--memcg", "pod"],
        &["mount", "--memcg", "pod", "-o", "memcg=/pod", "/mnt"],
        &["mount", "--memcg", "pod", "-o", "=", "/mnt"],
    ] {
        let run = machine.run(args);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{}", run.err);
    }
    machine.run(["mount", "--memcg", "none", "/mnt"]).expect(
        1,
        "memcgctl: none: no such cgroup under DIR/cgroup: No such file or directory (ENOENT)\n",
    );
    let run = machine.run(["mount", "--memcg", "pod", "-t", "nosuchfs", "/mnt"]);
    assert_ne!(run.code, 0);
    assert!(
        run.err
            .starts_with("memcgctl: cannot mount nosuchfs: the file system's type: "),
        "{}",
        run.err
    );
}
