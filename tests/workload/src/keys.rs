// SPDX-License-Identifier: GPL-2.0

//! `keys`: prints how often static keys of the kernel are enabled, read from its memory.
//!
//! The code behind a key should cost nothing while the key is off, but the kernel does not report
//! keys that are left on. So they are read from `/proc/kcore`, which only root may do, at the
//! addresses given by `/proc/kallsyms`.

use crate::error::Context;
use crate::error::Result;
use std::fs;
use std::fs::File;
use std::os::unix::fs::FileExt;

#[derive(clap::Args)]
pub struct Args {
    /// The names.
    #[arg(required = true)]
    names: Vec<String>,
}

const KCORE: &str = "/proc/kcore";
const PT_LOAD: u32 = 1;

fn number<const N: usize>(file: &File, at: u64) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact_at(&mut bytes, at).context(KCORE)?;
    Ok(bytes)
}

/// Returns the offset in the file of the byte at an address.
fn offset(file: &File, address: u64) -> Result<u64> {
    // The header of a 64-bit ELF file, and of a segment.
    let (table, size, count) = (
        u64::from_le_bytes(number(file, 32)?),
        u64::from(u16::from_le_bytes(number(file, 54)?)),
        u64::from(u16::from_le_bytes(number(file, 56)?)),
    );
    for index in 0..count {
        let header = table + index * size;
        let start = u64::from_le_bytes(number(file, header + 16)?);
        let length = u64::from_le_bytes(number(file, header + 40)?);
        if u32::from_le_bytes(number(file, header)?) == PT_LOAD
            && (start..start.saturating_add(length)).contains(&address)
        {
            return Ok(u64::from_le_bytes(number(file, header + 8)?) + (address - start));
        }
    }
    Err(format!("{KCORE}: has nothing at {address:#x}"))
}

/// Returns the address of a symbol of the kernel itself.
fn address<'a>(symbols: &'a str, name: &str) -> Option<&'a str> {
    symbols.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let address = words.next()?;
        let is = words.nth(1)? == name && words.next().is_none();
        is.then_some(address)
    })
}

pub fn run(args: &Args) -> Result<()> {
    let symbols = fs::read_to_string("/proc/kallsyms").context("symbols")?;
    let file = File::open(KCORE).context(KCORE)?;
    let mut words = Vec::new();
    for name in &args.names {
        let address = address(&symbols, name).ok_or_else(|| format!("no symbol {name}"))?;
        let address = u64::from_str_radix(address, 16).context(name)?;
        // A key starts with its enable count.
        let enabled = i32::from_le_bytes(number(&file, offset(&file, address)?)?);
        words.push(format!("{name}={enabled}"));
    }
    println!("{}", words.join(" "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn a_symbol_of_a_module_is_another() {
        let symbols =
            "ffffffff81000000 d key\t[module]\nffffffff82000000 D key\nffffffff83000000 D key2\n";
        assert_eq!(address(symbols, "key"), Some("ffffffff82000000"));
        assert_eq!(address(symbols, "none"), None);
    }
}
