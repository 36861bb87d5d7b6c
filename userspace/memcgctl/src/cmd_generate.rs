// SPDX-License-Identifier: GPL-2.0

//! `memcgctl generate`: man pages and completions, from the definition that parses the command line as well.
//!
//! It writes below DIR where programs look below /usr/share, so that an installation is `memcgctl generate
//! "$DESTDIR$PREFIX/share"`.

use crate::cli::help;
use crate::cli::Cli;
use crate::cli::GenerateArgs;
use crate::exit::Exit;
use anyhow::anyhow;
use clap::Command;
use clap::CommandFactory;
use clap_complete::Shell;
use memcgfs::escaped;
use memcgfs::in_words;
use std::fs;
use std::io;
use std::io::Write;
use std::path::Path;

/// Where each shell looks for completions, and the name it looks for.
const COMPLETIONS: [(Shell, &str); 3] = [
    (Shell::Bash, "bash-completion/completions/memcgctl"),
    (Shell::Zsh, "zsh/site-functions/_memcgctl"),
    (Shell::Fish, "fish/vendor_completions.d/memcgctl.fish"),
];

pub fn run(args: &GenerateArgs) -> anyhow::Result<Exit> {
    for (shell, file) in COMPLETIONS {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut visible(Cli::command()), "memcgctl", &mut text);
        write(&args.directory.join(file), &text)?;
    }
    let mut command = visible(Cli::command());
    command.build();
    man(&command, &args.directory.join("man/man1"))?;
    Ok(Exit::Done)
}

/// The definition without what is hidden: it is for tests and for this command.
fn visible(command: Command) -> Command {
    let mut shown = Command::new("memcgctl")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true);
    if let Some(about) = command.get_about() {
        shown = shown.about(about.clone());
    }
    let subcommands = command.get_subcommands().filter(|sub| !sub.is_hide_set());
    shown.subcommands(subcommands.cloned())
}

/// The page of a command and those of its subcommands.
fn man(command: &Command, directory: &Path) -> anyhow::Result<()> {
    let page = clap_mangen::Man::new(command.clone())
        .source(concat!("memcgctl ", env!("CARGO_PKG_VERSION")))
        .manual("memcg-knobs");
    let mut text = Vec::new();
    page.render(&mut text)?;
    if help::is_about_cgroups(command) {
        write!(text, ".SH CGROUPS\n{}\n", roff(help::CGROUP))?;
    }
    writeln!(text, ".SH \"EXIT STATUS\"")?;
    for (exit, words) in help::EXITS {
        write!(text, ".TP\n{}\n{}\n", exit as u8, roff(words))?;
    }
    write(&directory.join(page.get_filename()), &text)?;
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        man(sub, directory)?;
    }
    Ok(())
}

/// Text of the help, none of whose lines starts with a dot, for a page.
fn roff(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

fn write(path: &Path, text: &[u8]) -> anyhow::Result<()> {
    let write = || -> io::Result<()> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)
    };
    write().map_err(|error| anyhow!("cannot write {}: {}", escaped(path), in_words(&error)))
}
