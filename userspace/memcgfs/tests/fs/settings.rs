// SPDX-License-Identifier: GPL-2.0

//! What files declare, and every mistake in them with its line.

use memcgfs::settings::Settings;

#[test]
fn everything() {
    let settings = Settings::parse(
        "cgroup.b.dirty_min = 0\n\
         [sysfs]\n\
         recharge_mapped = true\n\
         recharge_scope = \"any\"\n\
         [cgroup.a]\n\
         \"memory.dirty_limit_in_bytes\" = 1_048_576\n\
         memory.dirty_ratio = \"max\"\n\
         persistent = [\"shmem\", \"file\"]\n\
         optional = true\n",
    )
    .unwrap();
    let switches: Vec<_> = settings
        .switches
        .iter()
        .map(|switch| (switch.line, switch.what.0.name, switch.what.1.to_string()))
        .collect();
    assert_eq!(
        switches,
        [
            (3, "recharge_mapped", "1".to_owned()),
            (4, "recharge_scope", "any".to_owned())
        ]
    );
    let cgroups: Vec<_> = settings
        .cgroups
        .iter()
        .map(|cgroup| {
            let settings: Vec<_> = cgroup
                .assignments
                .iter()
                .map(|one| (one.line, one.what.knob().short_name(), one.what.text()))
                .collect();
            (
                cgroup.name.line,
                cgroup.name.what.as_str(),
                cgroup.optional,
                settings,
            )
        })
        .collect();
    assert_eq!(
        cgroups,
        [
            (1, "b", false, vec![(1, "dirty_min", "0")]),
            (
                5,
                "a",
                true,
                vec![
                    (6, "dirty_limit_in_bytes", "1048576"),
                    (7, "dirty_ratio", "max"),
                    (8, "persistent", "shmem file")
                ]
            )
        ]
    );
    assert_eq!(Settings::parse("").unwrap(), Settings::default());
}

#[test]
fn mistakes() {
    let table = [
        ("x", "1: key with no value, expected `=`"),
        ("[sysfs]\n[sysfs]\n", "2: duplicate key"),
        ("\nx = 1\n", "2: unknown key \"x\"; there are sysfs and cgroup"),
        ("cgroup = 1\n", "1: cgroup is a table"),
        ("[cgroup]\na = 1\n", "2: \"a\" is not a table; write [cgroup.\"NAME\"] above its settings"),
        (
            "[sysfs]\nrecharge = 1\n",
            "2: unknown key \"recharge\"; there are recharge_mapped recharge_access recharge_adopt recharge_scope",
        ),
        ("[sysfs]\nrecharge_mapped = 2\n", "2: recharge_mapped does not take \"2\": "),
        ("[sysfs]\nrecharge_scope = true\n", "2: recharge_scope does not take true: neither a quoted word "),
        ("[cgroup.a]\nlimit = 1\n", "2: no knob has the name \"limit\"; there are dirty_limit_in_bytes "),
        ("[cgroup.a]\ndirty_stat = 1\n", "2: memory.dirty_stat cannot be set"),
        ("[cgroup.a]\ndirty_min = -1\n", "2: memory.dirty_min does not take \"-1\": "),
        ("[cgroup.a]\ndirty_min = 0x10\n", "2: memory.dirty_min does not take 0x10: neither a quoted word nor a decimal number"),
        (
            "[cgroup.system.slice]\ndirty_min = 1\n",
            "1: \"slice\" is a table; if it is a part of the cgroup's name, quote the name: [cgroup.\"system.slice\"]",
        ),
        (
            "[cgroup.a.b.service]\ndirty_min = 1\n",
            "1: \"b\" is a table; if it is a part of the cgroup's name, quote the name: [cgroup.\"a.b.service\"]",
        ),
        ("[cgroup.a]\nlimit = true\n", "2: no knob has the name \"limit\"; there are dirty_limit_in_bytes "),
        ("[cgroup.a]\ndirty_min = [1]\n", "2: memory.dirty_min does not take [1]: a list may only hold quoted words"),
        ("[cgroup.a]\ndirty_min = true\n", "2: memory.dirty_min does not take true: neither a quoted word"),
        ("[cgroup.a]\ndirty_min = 1979-05-27\n", "2: memory.dirty_min does not take 1979-05-27: neither a quoted word"),
        ("[cgroup.a]\ndirty_limit_in_bytes = \"4K\"\n", "2: memory.dirty_limit_in_bytes does not take \"4K\": it is below the minimum of 8KiB, two pages"),
        ("[cgroup.a]\npersistent = \"bogus\"\n", "2: memory.persistent does not take \"bogus\": it is not \"file\", \"shmem\" or \"file shmem\" ("),
        ("[cgroup.a]\ndirty_pace_usec = 5\n", "2: memory.dirty_pace_usec does not take \"5\": it is below the minimum of 1ms ("),
        ("[sysfs]\nrecharge_adopt = \"yes\"\n", "2: recharge_adopt does not take \"yes\": it is neither 0 nor 1 ("),
        ("[sysfs]\nwriteback_pace_usec = 99999999\n", "2: writeback_pace_usec does not take \"99999999\": it is above the maximum of 10s ("),
        ("[cgroup.a]\ndirty_ratio = 1e1\n", "2: memory.dirty_ratio does not take \"1e1\": "),
        ("[cgroup.a]\ndirty_ratio = nan\n", "2: memory.dirty_ratio does not take \"nan\": "),
        ("[cgroup.a]\noptional = 1\n", "2: optional is true or false"),
        (
            "[cgroup.a]\ndirty_min = 1\nmemory.dirty_min = 2\n",
            "3: memory.dirty_min is given twice",
        ),
        (
            "[cgroup.a]\ndirty_ratio = 1\ndirty_limit_in_bytes = \"1M\"\n",
            "3: memory.dirty_ratio and memory.dirty_limit_in_bytes replace each other",
        ),
    ];
    for (text, start) in table {
        let mistakes = Settings::parse(text).unwrap_err();
        assert_eq!(mistakes.len(), 1, "{text} {mistakes:?}");
        let mistake = mistakes[0].to_string();
        assert!(mistake.starts_with(start), "{text}: {mistake}");
    }
    let all = Settings::parse("[cgroup.a]\nx = 1\n[sysfs]\ny = 1\nrecharge_mapped = 3\n");
    let lines: Vec<_> = all
        .unwrap_err()
        .iter()
        .map(|mistake| mistake.line)
        .collect();
    assert_eq!(lines, [2, 4, 5]);
}
