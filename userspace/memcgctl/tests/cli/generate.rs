// SPDX-License-Identifier: GPL-2.0

//! `memcgctl generate`: what it writes is complete, and good for the programs that read it.

use crate::Machine;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

pub fn commands(machine: &Machine) -> Vec<String> {
    let help = machine.run(["--help"]).expect(0, "");
    let list = help.split("Commands:\n").nth(1).unwrap();
    let lines = list.lines().take_while(|line| !line.is_empty());
    lines
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect()
}

fn generated() -> Machine {
    let machine = Machine::new();
    let share = machine.path("share");
    let run = machine.run(["generate".as_ref(), share.as_os_str()]);
    assert_eq!(run.expect(0, ""), "");
    machine
}

/// The sections of a page.
fn sections(page: &str) -> Vec<&str> {
    let heads = page.lines().filter_map(|line| line.strip_prefix(".SH "));
    heads.map(|head| head.trim_matches('"')).collect()
}

#[test]
fn every_command_has_a_page() {
    let machine = generated();
    let commands = commands(&machine);
    assert!(
        commands.len() > 8 && !commands.contains(&"generate".to_owned()),
        "{commands:?}"
    );
    let main = machine.read("share/man/man1/memcgctl.1");
    let show = machine.read("share/man/man1/memcgctl-show.1");
    for page in [&main, &show] {
        assert!(page.contains("\n.SH \"CGROUPS\"\nA CGROUP is "), "{page}");
    }
    for command in commands {
        let page = machine.read(format!("share/man/man1/memcgctl-{command}.1"));
        assert!(
            page.contains(&format!(".TH memcgctl-{command} 1")),
            "{page}"
        );
        assert!(
            main.contains(&format!("memcgctl\\-{command}\\fR(1)")),
            "{command}"
        );
        let found = sections(&page);
        for wanted in [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "OPTIONS",
            "EXAMPLES",
            "EXIT STATUS",
            "SEE ALSO",
        ] {
            // An example of what one cannot run is one, too.
            assert!(found.contains(&wanted), "{command}: {found:?}");
        }
        assert!(page.contains(".TP\n\\fB0\\fR\nDone."), "{page}");
        // All that it takes, and nothing that is for tests only.
        let help = machine.run([command.as_str(), "--help"]).expect(0, "");
        for option in help
            .split_whitespace()
            .filter(|word| word.starts_with("--"))
        {
            let option = option.trim_end_matches(|c: char| !c.is_ascii_lowercase());
            let name = option.split(['=', '[']).next().unwrap().replace('-', "\\-");
            assert!(page.contains(&name), "{command} {name}");
            let entries = page.matches(&format!("\\fB{name}\\fR")).count();
            assert!(entries <= 1, "{command} {name} {entries}");
        }
        assert!(!page.contains("\\-root"), "{page}");
    }
}

#[test]
fn pages_about_the_files() {
    let machine = generated();
    let knobs = machine.read("share/man/man7/memcg-knobs.7");
    for knob in memcgfs::knobs::KNOBS {
        assert!(knobs.contains(knob.name), "{}", knob.name);
    }
    for switch in &memcgfs::switches::SWITCHES {
        assert!(knobs.contains(switch.name), "{}", switch.name);
    }
    let page = machine.read("share/man/man5/memcg-knobs.toml.5");
    for knob in memcgfs::knobs::settable() {
        assert!(page.contains(knob.short_name()), "{}", knob.name);
    }
    for page in [&knobs, &page] {
        let found = sections(page);
        for wanted in ["NAME", "DESCRIPTION", "EXAMPLES", "SEE ALSO"] {
            assert!(found.contains(&wanted), "{found:?}");
        }
    }
    // The example is good.
    let start = page.find("[sysfs]\nrecharge_adopt").unwrap();
    let example = page[start..]
        .split(".fi")
        .next()
        .unwrap()
        .replace("\\-", "-");
    memcgfs::settings::Settings::parse(&example).unwrap();
}

#[test]
fn man_pages_render_without_warnings() {
    let machine = generated();
    for section in ["man1", "man5", "man7"] {
        for file in std::fs::read_dir(machine.path("share/man").join(section)).unwrap() {
            let mut groff = Command::new("groff");
            groff
                .args(["-man", "-Tutf8", "-ww", "-z"])
                .arg(file.unwrap().path());
            // Not every machine can render them.
            let Ok(output) = groff.output() else { return };
            assert!(
                output.status.success() && output.stderr.is_empty(),
                "{output:?}"
            );
        }
    }
}

/// The machine of completions: two services in a slice, and what they may be given.
fn completing() -> Machine {
    let machine = generated();
    for name in [
        "system.slice",
        "system.slice/db.service",
        "system.slice/web.service",
        "pod",
    ] {
        machine.cgroup(name);
    }
    machine
}

#[test]
fn candidates() {
    let machine = completing();
    let complete = |words: &[&str]| {
        let out = machine
            .run(["complete", "--"].iter().chain(words))
            .expect(0, "");
        let words = out
            .lines()
            .map(|line| line.split('\t').next().unwrap().to_owned());
        words.collect::<Vec<_>>()
    };
    let table: &[(&[&str], &[&str])] = &[
        (&["ex"], &["explain"]),
        (&["help", "mo"], &["mount", "mounts"]),
        (&["show", "sys"], &["system.slice", "system.slice/"]),
        (
            &["show", "system.slice/"],
            &["system.slice/db.service", "system.slice/web.service"],
        ),
        (&["show", "/system.slice/w"], &["/system.slice/web.service"]),
        (&["show", "we"], &["web.service"]),
        (&["show", "pi"], &["pid:"]),
        (&["show", "pod", ""], &[]),
        (&["watch", "pod", "we"], &["web.service"]),
        (&["mount", "--memcg", "po"], &["pod", "pod:"]),
        (&["set", "pod", "dirty_m"], &["dirty_min="]),
        (&["set", "pod", "recharge"], &[]),
        (&["set", "--system", "recharge_s"], &["recharge_scope="]),
        (
            &["set", "--system", "recharge_scope="],
            &["recharge_scope=subtree", "recharge_scope=any"],
        ),
        (
            &["set", "pod", "dirty_pace_usec=d"],
            &["dirty_pace_usec=default"],
        ),
        (
            &["set", "pod", "memory.persistent=f"],
            &["memory.persistent=file"],
        ),
        (&["flush", "pod", "1"], &["1M", "16M", "1G"]),
        (&["flush", "--self", "ma"], &["max"]),
        (&["top", "--sort", "wa"], &["waiting", "wait", "waits"]),
        (&["top", "--sort=in"], &["--sort=inherited"]),
        (&["top", "--re"], &["--reverse", "--replay"]),
        (&["top", "--replay", ""], &[":files"]),
        (&["apply", ""], &[":files"]),
        (&["watch", "--interval", "5"], &["500ms", "5s"]),
        (&["mount", "-t", "ext"], &["ext4"]),
        (&["mount", "--memcg", "pod", ""], &[":dirs"]),
        (&["nosuch", ""], &[]),
    ];
    for (words, expected) in table {
        assert_eq!(complete(words), *expected, "{words:?}");
    }
    assert!(complete(&[""]).contains(&"suggest".to_owned()));
    for hidden in ["--proc-root", "generate", "complete"] {
        assert!(!complete(&[""]).contains(&hidden.to_owned()), "{hidden}");
    }
    // Nothing that would command a terminal is offered.
    machine.cgroup("\x1b[2J");
    assert!(!machine
        .run(["complete", "--", "show", ""])
        .out
        .contains('\x1b'));
}

/// What a shell offers for words of which the last is being typed.
fn offered(machine: &Machine, shell: &str, script: &str, line: &[&str]) -> Option<Vec<String>> {
    let wrapper = machine.path("bin/memcgctl");
    let inner = machine.command();
    let words: Vec<_> = [inner.get_program()]
        .into_iter()
        .chain(inner.get_args())
        .map(|word| format!("'{}'", word.to_str().unwrap()))
        .collect();
    machine.put(
        "bin/memcgctl",
        format!("#!/bin/sh\nexec {} \"$@\"\n", words.join(" ")),
    );
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(shell)
        .args(["-c", script, shell])
        .arg(machine.path("share"))
        .arg(&wrapper)
        .args(line)
        .output()
        .ok()?;
    assert!(output.stderr.is_empty(), "{output:?}");
    Some(
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect(),
    )
}

#[test]
fn in_bash() {
    let machine = completing();
    machine.cgroup("system.slice/a\\x2db.service");
    let script = r#"source "$1/bash-completion/completions/memcgctl" && shift && COMP_WORDS=("$@") && COMP_CWORD=$(($# - 1)) &&
                    compopt() { :; } && _memcgctl && printf '%s\n' "${COMPREPLY[@]}""#;
    let table: &[(&[&str], &[&str])] = &[
        (&["ex"], &["explain"]),
        (&["show", "we"], &["web.service"]),
        (&["set", "pod", "dirty_m"], &["dirty_min="]),
        // It takes words apart at = and :, and replaces the last part.
        (&["set", "pod", "dirty_pace_usec", "=", "d"], &["default"]),
        (
            &["set", "pod", "dirty_pace_usec", "="],
            &["10ms", "25ms", "100ms", "1s", "default", "max"],
        ),
        (&["top", "--sort", "inh"], &["inherited"]),
        (&["show", "a"], &["a\\\\x2db.service"]),
    ];
    for (line, expected) in table {
        assert_eq!(
            offered(&machine, "bash", script, line).unwrap(),
            *expected,
            "{line:?}"
        );
    }
}

#[test]
fn in_zsh_and_fish() {
    let machine = completing();
    let zsh = r#"compadd() { print -l -- "${(@)${(P)@[-1]}}" }; words=("${@[2,-1]}"); CURRENT=$#words; source "$1/zsh/site-functions/_memcgctl""#;
    let fish = r#"set -g line $argv[3..-1]; function commandline; test $argv[1] = -opc; and printf '%s\n' $line[1..-2]; or printf '%s\n' $line[-1]; end
                  source "$argv[2]/fish/vendor_completions.d/memcgctl.fish"; for word in (__memcgctl); string split \t $word | head -n 1; end"#;
    for (shell, script) in [("zsh", zsh), ("fish", fish)] {
        for (line, expected) in [
            (&["show", "we"][..], "web.service"),
            (&["set", "pod", "dirty_m"], "dirty_min="),
            (
                &["set", "pod", "dirty_pace_usec=d"],
                "dirty_pace_usec=default",
            ),
        ] {
            // Not every machine has them.
            let Some(found) = offered(&machine, shell, script, line) else {
                break;
            };
            assert_eq!(found, [expected], "{shell} {line:?}");
        }
    }
}

#[test]
fn nowhere_to_write() {
    let machine = Machine::new();
    machine.put("file", "");
    let place = machine.path("file");
    machine.run(["generate".as_ref(), place.as_os_str()]).expect(
        1,
        "memcgctl: cannot write DIR/file/bash-completion/completions/memcgctl: Not a directory (ENOTDIR)\n",
    );
}
