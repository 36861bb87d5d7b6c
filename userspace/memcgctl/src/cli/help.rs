// SPDX-License-Identifier: GPL-2.0

//! The end of every command's help: the meaning of CGROUP, if the command takes one, and the exit codes.

use super::Cli;
use crate::exit::Exit;
use clap::Command;
use clap::CommandFactory;

/// The explanation of CGROUP and of sizes.
pub const CGROUP: &str = "\
A CGROUP is a path under the cgroup2 mount (/sys/fs/cgroup/a/b, /a/b or a/b), a path from the current directory if it
starts with a dot, the name of a unit of the system's systemd, or a process, container or pod that runs in it: pid:1234,
container:ID (or the beginning of the ID), pod:UID. Sizes take K M G T P E, powers of 1024; 64MiB is 64M.";

/// The exit codes and their meaning.
pub const EXITS: [(Exit, &str); 5] = [
    (Exit::Done, "done"),
    (Exit::Failed, "failed"),
    (Exit::Usage, "usage"),
    (Exit::Unsupported, "the kernel lacks the feature"),
    (Exit::Partly, "partly done"),
];

/// Returns the definition of the command line, including the end of each help.
pub fn command() -> Command {
    with_end(Cli::command()).mut_subcommands(with_end)
}

fn with_end(command: Command) -> Command {
    let own = command.get_after_help().map(ToString::to_string);
    let cgroup = is_about_cgroups(&command).then(|| CGROUP.to_owned());
    let parts: Vec<_> = own.into_iter().chain(cgroup).chain([exits()]).collect();
    command.after_help(parts.join("\n\n"))
}

/// Returns whether the command or one of its subcommands takes a cgroup.
pub fn is_about_cgroups(command: &Command) -> bool {
    let mut arguments = command.get_arguments();
    command.has_subcommands()
        || arguments.any(|argument| {
            ["cgroup", "cgroups", "memcg", "words"].contains(&argument.get_id().as_str())
        })
}

fn exits() -> String {
    let words = EXITS.map(|(exit, words)| format!("{} {words}", exit as u8));
    format!("Exit codes: {}.", words.join(", "))
}
