// SPDX-License-Identifier: GPL-2.0

//! `memcgctl generate`: what it writes is complete, and good for the programs that read it.

use crate::Machine;
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
        assert!(page.contains("\n.SH CGROUPS\nA CGROUP is "), "{page}");
    }
    for command in commands {
        let page = machine.read(format!("share/man/man1/memcgctl-{command}.1"));
        assert!(
            page.contains(&format!(".TH memcgctl-{command} 1")),
            "{page}"
        );
        assert!(
            main.contains(&format!("memcgctl\\-{command}(1)")),
            "{command}"
        );
        assert!(
            page.contains("\n.SH \"EXIT STATUS\"\n.TP\n0\ndone\n.TP\n1\nfailed\n"),
            "{page}"
        );
        // What is for tests only is not shown.
        assert!(!page.contains("\\-root"), "{page}");
    }
}

#[test]
fn man_pages_render_without_warnings() {
    let machine = generated();
    for file in std::fs::read_dir(machine.path("share/man/man1")).unwrap() {
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

#[test]
fn completions() {
    let machine = generated();
    let bash = "share/bash-completion/completions/memcgctl";
    let zsh = "share/zsh/site-functions/_memcgctl";
    let fish = "share/fish/vendor_completions.d/memcgctl.fish";
    for file in [bash, zsh, fish] {
        let text = machine.read(file);
        for command in commands(&machine) {
            assert!(text.contains(&command), "{file} {command}");
        }
        for hidden in ["proc-root", "generate"] {
            assert!(!text.contains(hidden), "{file} {hidden}");
        }
    }
    assert!(machine.read(zsh).starts_with("#compdef memcgctl\n"));
    let script = r#"source "$1" && COMP_WORDS=(memcgctl ex) COMP_CWORD=1 && _memcgctl memcgctl ex memcgctl && echo "${COMPREPLY[@]}""#;
    let output = Command::new("bash")
        .args(["--norc", "-c", script, "bash"])
        .arg(machine.path(bash))
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "explain\n",
        "{output:?}"
    );
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
