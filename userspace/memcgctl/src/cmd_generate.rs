// SPDX-License-Identifier: GPL-2.0

//! `memcgctl generate`: man pages and completions. The arguments of commands come from the
//! definition that parses the command line, descriptions and examples from the reference in
//! Documentation.
//!
//! The paths below DIR are those below /usr/share, so `memcgctl generate "$DESTDIR$PREFIX/share"`
//! installs the files.

mod man;
mod rst;

use crate::cli::help;
use crate::cli::GenerateArgs;
use crate::exit::Exit;
use anyhow::anyhow;
use clap::Command;
use memcgfs::escaped;
use memcgfs::in_words;
use std::fs;
use std::io;
use std::path::Path;

/// The path of each shell's completions, and the script, which calls this program.
const COMPLETIONS: [(&str, &str); 3] = [
    (
        "bash-completion/completions/memcgctl",
        include_str!("cmd_generate/memcgctl.bash"),
    ),
    (
        "zsh/site-functions/_memcgctl",
        include_str!("cmd_generate/memcgctl.zsh"),
    ),
    (
        "fish/vendor_completions.d/memcgctl.fish",
        include_str!("cmd_generate/memcgctl.fish"),
    ),
];

/// The pages that do not describe a single command.
const PAGES: [(&str, &str, &str); 2] = [
    (
        "memcg-knobs",
        "7",
        include_str!("../../../Documentation/man/memcg-knobs.7.rst"),
    ),
    (
        "memcg-knobs.toml",
        "5",
        include_str!("../../../Documentation/man/memcg-knobs.toml.5.rst"),
    ),
];

pub fn run(args: &GenerateArgs) -> anyhow::Result<Exit> {
    for (file, text) in COMPLETIONS {
        write(&args.directory.join(file), text)?;
    }
    let root = help::command();
    // The subcommands, each with its page's name after the program's.
    let visible = |command: &&Command| !command.is_hide_set();
    let names: Vec<_> = root
        .get_subcommands()
        .filter(visible)
        .map(Command::get_name)
        .collect();
    let man1 = args.directory.join("man/man1");
    write(&man1.join("memcgctl.1"), &man::program(&root, &names))?;
    for command in root.get_subcommands().filter(visible) {
        let file = format!("memcgctl-{}.1", command.get_name());
        write(&man1.join(file), &man::command(command, &names))?;
    }
    for (name, section, text) in PAGES {
        let file = format!("man/man{section}/{name}.{section}");
        write(&args.directory.join(file), &man::page(name, section, text))?;
    }
    Ok(Exit::Done)
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let write = || -> io::Result<()> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)
    };
    write().map_err(|error| anyhow!("cannot write {}: {}", escaped(path), in_words(&error)))
}
