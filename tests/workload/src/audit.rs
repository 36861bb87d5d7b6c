// SPDX-License-Identifier: GPL-2.0

//! `audit`: checks whether the statistics of cgroups agree with the pages that exist.
//!
//! It examines each page frame of the machine and sums up the pages of each cgroup by kind. The
//! sums are compared with the share of the cgroup itself in `memory.stat`: the file is for the
//! whole subtree, so the figures of its children are subtracted. Two more comparisons are of
//! subtrees: of `memory.current` with all charges, and of the module's `memory.dirty_stat`.
//!
//! None of this can be read atomically. So a round counts only if the statistics were the same
//! before and after the walk, and a disagreement only if it persists. If a walk takes long, few
//! rounds may count, or none for a while: in that case there is no result, and the figures that
//! changed meanwhile are printed at the end. Otherwise figures must be equal to the page, with one
//! exception: `memory.current` may exceed the sum of the charges, since each processor keeps up to
//! 64 pages in stock for a cgroup, charged in advance.

use crate::cgroup;
use crate::error::Context;
use crate::error::Result;
use crate::frames::Frames;
use crate::frames::Page;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;
use std::time::Instant;

#[derive(clap::Args)]
pub struct Args {
    /// Where cgroup2 is mounted.
    #[arg(long, default_value = "/sys/fs/cgroup")]
    mount: PathBuf,
    /// How long a disagreement has to persist.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// How much longer the system may take to become quiet.
    #[arg(long, default_value_t = 60.0)]
    quiet: f64,
}

const PAGE: i64 = 4096;
/// The maximum number of pages of a cgroup in a processor's stock.
const STOCK_PAGES: i64 = 64;
const PAUSE: Duration = Duration::from_millis(100);

/// A key of `memory.stat`, and the pages that it counts.
struct Key {
    name: &'static str,
    counts: fn(Page) -> bool,
}

const fn key(name: &'static str, counts: fn(Page) -> bool) -> Key {
    Key { name, counts }
}

const KEYS: [Key; 15] = [
    key("file", Page::is_file),
    key("shmem", Page::is_shmem),
    key("anon", |page| page.is_anon() && page.is_mapped()),
    key("file_mapped", Page::is_mapped_as_file),
    key("file_dirty", Page::is_dirty),
    key("file_writeback", Page::is_writeback),
    key("swapcached", Page::is_swap_cache),
    key("file_thp", |page| {
        page.is_huge() && page.is_file() && !page.is_shmem()
    }),
    key("shmem_thp", |page| page.is_huge() && page.is_shmem()),
    key("inactive_anon", |page| page.is_on_list(false, true)),
    key("active_anon", |page| page.is_on_list(true, true)),
    key("inactive_file", |page| page.is_on_list(false, false)),
    key("active_file", |page| page.is_on_list(true, false)),
    key("unevictable", Page::is_unevictable),
    // Not a key of memory.stat, but all that is charged as user memory, for memory.current.
    key("", Page::is_user),
];
/// With the multi-generational LRU, memory.stat counts the youngest generations as active, while
/// the active flag of pages has another meaning, so only the sums of these pairs can be compared.
/// The second is added to the first.
const PAIRS: [(usize, usize); 2] = [(9, 10), (11, 12)];
const DIRTY: usize = 4;
const WRITEBACK: usize = 5;
const ALL: usize = KEYS.len() - 1;

type Figures = [i64; KEYS.len()];

/// The figures in a cgroup's files, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    path: PathBuf,
    parent: Option<u64>,
    /// The figures of the subtree; `None` if this kernel lacks the key.
    stat: [Option<i64>; KEYS.len()],
    /// Charges other than user memory.
    other: i64,
    /// `None` for the root.
    current: Option<i64>,
    /// Dirty and writeback bytes, if the module is loaded.
    dirty_stat: Option<[i64; 2]>,
}

/// All cgroups with a memory controller, by inode.
type Tree = BTreeMap<u64, Said>;

/// Adds the second of each pair to the first.
fn merge_pairs(figures: &mut Figures) {
    for (first, second) in PAIRS {
        figures[first] += figures[second];
        figures[second] = 0;
    }
}

/// Returns whether the LRU lists are those of generations.
fn has_generations() -> Result<bool> {
    let enabled = read_if_there(Path::new("/sys/kernel/mm/lru_gen/enabled"))?;
    Ok(enabled.is_some_and(|text| text.trim() != "0x0000"))
}

fn value(text: &str, key: &str) -> Option<i64> {
    text.lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))?
        .parse()
        .ok()
}

/// Reads a file that may be missing.
fn read_if_there(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        // ENODEV is returned by a file of a cgroup that was just removed.
        Err(error)
            if error.kind() == ErrorKind::NotFound
                || error.raw_os_error() == Some(libc::ENODEV) =>
        {
            Ok(None)
        }
        Err(error) => Err(error).context(path.display()),
    }
}

fn read_tree(dir: &Path, parent: Option<u64>, tree: &mut Tree) -> Result<()> {
    let Some(stat) = read_if_there(&dir.join("memory.stat"))? else {
        return Ok(());
    };
    let inode = fs::metadata(dir).context(dir.display())?.ino();
    let number = |file: &str| -> Result<Option<i64>> {
        Ok(read_if_there(&dir.join(file))?.and_then(|text| text.trim().parse().ok()))
    };
    let dirty_stat = read_if_there(&dir.join("memory.dirty_stat"))?
        .and_then(|text| Some([value(&text, "dirty")?, value(&text, "writeback")?]));
    let current = number("memory.current")?;
    // This is not compared in the root, where it is never stable.
    let other = ["kernel", "sock"].map(|key| value(&stat, key).unwrap_or(0));
    let other = current.map_or(0, |_| other.iter().sum());
    tree.insert(
        inode,
        Said {
            path: dir.to_owned(),
            parent,
            stat: KEYS.map(|key| value(&stat, key.name)),
            other,
            current,
            dirty_stat,
        },
    );
    for entry in fs::read_dir(dir).context(dir.display())? {
        let entry = entry.context(dir.display())?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            read_tree(&entry.path(), Some(inode), tree)?;
        }
    }
    Ok(())
}

fn walk(frames: &Frames) -> BTreeMap<u64, Figures> {
    let mut sums: BTreeMap<u64, Figures> = BTreeMap::new();
    for (cgroup, page) in frames.charged() {
        let figures = sums.entry(cgroup).or_default();
        for (figure, key) in figures.iter_mut().zip(&KEYS) {
            if (key.counts)(page) {
                *figure += PAGE;
            }
        }
    }
    sums
}

/// Adds up the sums of single cgroups to those of subtrees.
fn with_descendants(tree: &Tree, sums: &BTreeMap<u64, Figures>) -> BTreeMap<u64, Figures> {
    let mut all: BTreeMap<u64, Figures> = BTreeMap::new();
    for &inode in tree.keys() {
        let own = sums.get(&inode).copied().unwrap_or_default();
        let mut at = Some(inode);
        while let Some(above) = at {
            let figures = all.entry(above).or_default();
            for (figure, own) in figures.iter_mut().zip(own) {
                *figure += own;
            }
            at = tree.get(&above).and_then(|said| said.parent);
        }
    }
    all
}

/// Returns a line for each disagreement, in tree order.
fn compare(
    tree: &Tree,
    sums: &BTreeMap<u64, Figures>,
    processors: i64,
    generations: bool,
) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    let mut differ = |said: &Said, key: &str, walked: i64, stat: i64| {
        lines.insert(format!(
            "cgroup={} key={key} walked={walked} stat={stat} excess={}",
            said.path.display(),
            stat - walked
        ));
    };
    let subtrees = with_descendants(tree, sums);
    for (inode, said) in tree {
        let mut own = sums.get(inode).copied().unwrap_or_default();
        let subtree = subtrees.get(inode).copied().unwrap_or_default();
        let children = || tree.values().filter(|child| child.parent == Some(*inode));
        let mut local = Figures::default();
        for (k, figure) in local.iter_mut().enumerate() {
            // A figure that this kernel lacks agrees with everything.
            *figure = said.stat[k].map_or(own[k], |stat| {
                stat - children().filter_map(|child| child.stat[k]).sum::<i64>()
            });
        }
        if generations {
            merge_pairs(&mut own);
            merge_pairs(&mut local);
        }
        for (k, key) in KEYS.iter().enumerate() {
            if local[k] != own[k] {
                differ(said, key.name, own[k], local[k]);
            }
        }
        if let Some(current) = said.current {
            let charged = subtree[ALL] + said.other;
            let cgroups = tree
                .values()
                .filter(|other| other.path.starts_with(&said.path));
            let stock = STOCK_PAGES * PAGE * processors * cgroups.count() as i64;
            if !(0..=stock).contains(&(current - charged)) {
                differ(said, "current", charged, current);
            }
        }
        if let Some(dirty_stat) = said.dirty_stat {
            let keys = ["dirty_stat.dirty", "dirty_stat.writeback"];
            for ((name, stat), k) in keys.iter().zip(dirty_stat).zip([DIRTY, WRITEBACK]) {
                if subtree[k] != stat {
                    differ(said, name, subtree[k], stat);
                }
            }
        }
    }
    // All of the above would miss a cgroup that has charged pages but no files.
    for (inode, figures) in sums.iter().filter(|(inode, _)| !tree.contains_key(inode)) {
        lines.insert(format!(
            "cgroup=inode:{inode} key=charged walked={} stat=none",
            figures[ALL]
        ));
    }
    lines
}

/// Returns a line for each cgroup whose figures changed.
fn changes(before: &Tree, after: &Tree) -> Vec<String> {
    let inodes: BTreeSet<&u64> = before.keys().chain(after.keys()).collect();
    inodes
        .into_iter()
        .map(|inode| (before.get(inode), after.get(inode)))
        .filter(|(before, after)| before != after)
        .map(|(before, after)| format!("changed: {before:?} became {after:?}"))
        .collect()
}

fn read_flushed(mount: &Path) -> Result<Tree> {
    cgroup::flush(mount)?;
    let mut tree = Tree::new();
    read_tree(mount, None, &mut tree)?;
    Ok(tree)
}

pub fn run(args: &Args) -> Result<()> {
    let processors = cgroup::processors()? as i64;
    let mut frames = Frames::open()?;
    // The memory of this process is charged as well, so allocate all that is needed now.
    frames.prepare()?;
    let trees = [read_flushed(&args.mount)?, read_flushed(&args.mount)?];
    let generations = has_generations()?;
    compare(&trees[0], &walk(&frames), processors, generations);
    drop(trees);
    let start = Instant::now();
    let mut tries = 0;
    let mut disagree_since: Option<Instant> = None;
    loop {
        cgroup::drain()?;
        let before = read_flushed(&args.mount)?;
        frames.read()?;
        let after = read_flushed(&args.mount)?;
        tries += 1;
        let changed = changes(&before, &after);
        if changed.is_empty() {
            let lines = compare(&before, &walk(&frames), processors, generations);
            if lines.is_empty() {
                println!(
                    "tries={tries} cgroups={} frames={} ms={}",
                    before.len(),
                    frames.len(),
                    start.elapsed().as_millis()
                );
                return Ok(());
            }
            let since = disagree_since.get_or_insert_with(Instant::now);
            if since.elapsed().as_secs_f64() >= args.seconds {
                for line in &lines {
                    println!("{line}");
                }
                return Err(format!(
                    "{} figures disagree, after {tries} tries",
                    lines.len()
                ));
            }
        } else if start.elapsed().as_secs_f64() >= args.quiet + args.seconds {
            for line in &changed {
                println!("{line}");
            }
            return Err(format!(
                "the statistics changed during the last of {tries} walks: the system is not quiet"
            ));
        }
        sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &str, parent: Option<u64>) -> Said {
        Said {
            path: path.into(),
            parent,
            stat: [None; KEYS.len()],
            other: 0,
            current: None,
            dirty_stat: None,
        }
    }

    /// Creates a parent (1) and its child (2) with two pages each, one of the child's dirty.
    fn family() -> (Tree, BTreeMap<u64, Figures>) {
        let mut sums = BTreeMap::new();
        for (inode, dirty) in [(1, 0), (2, PAGE)] {
            let mut figures = Figures::default();
            figures[0] = 2 * PAGE;
            figures[DIRTY] = dirty;
            figures[ALL] = 2 * PAGE;
            sums.insert(inode, figures);
        }
        let mut parent = said("/a", None);
        parent.stat[0] = Some(4 * PAGE);
        parent.stat[DIRTY] = Some(PAGE);
        parent.current = Some(5 * PAGE);
        parent.other = PAGE;
        parent.dirty_stat = Some([PAGE, 0]);
        let mut child = said("/a/b", Some(1));
        child.stat[0] = Some(2 * PAGE);
        child.stat[DIRTY] = Some(PAGE);
        child.current = Some(2 * PAGE + STOCK_PAGES * PAGE);
        (Tree::from([(1, parent), (2, child)]), sums)
    }

    fn differing(change: impl FnOnce(&mut Tree)) -> Vec<String> {
        let (mut tree, sums) = family();
        change(&mut tree);
        compare(&tree, &sums, 1, false).into_iter().collect()
    }

    fn change(tree: &mut Tree, inode: u64) -> &mut Said {
        tree.get_mut(&inode).expect("a member of the family")
    }

    #[test]
    fn agree() {
        assert!(differing(|_| ()).is_empty());
    }

    #[test]
    fn disagree() {
        let lines = differing(|tree| change(tree, 1).stat[0] = Some(5 * PAGE));
        assert_eq!(
            lines,
            ["cgroup=/a key=file walked=8192 stat=12288 excess=4096"]
        );
        // If the child's figure is too low, the parent's share is too high.
        let lines = differing(|tree| change(tree, 2).stat[DIRTY] = Some(0));
        assert_eq!(lines.len(), 2);
        let lines = differing(|tree| change(tree, 1).dirty_stat = Some([0, 0]));
        assert_eq!(
            lines,
            ["cgroup=/a key=dirty_stat.dirty walked=4096 stat=0 excess=-4096"]
        );
    }

    #[test]
    fn generations() {
        let (mut tree, mut sums) = family();
        let (inactive, active) = PAIRS[1];
        sums.entry(2).or_default()[inactive] = PAGE;
        for inode in [1, 2] {
            let said = change(&mut tree, inode);
            said.stat[inactive] = Some(0);
            said.stat[active] = Some(PAGE);
        }
        assert_eq!(compare(&tree, &sums, 1, false).len(), 2);
        assert!(compare(&tree, &sums, 1, true).is_empty());
        change(&mut tree, 2).stat[active] = Some(0);
        assert_eq!(compare(&tree, &sums, 1, true).len(), 2);
    }

    #[test]
    fn unrest() {
        let (before, _) = family();
        assert!(changes(&before, &before).is_empty());
        let (mut after, _) = family();
        change(&mut after, 2).current = Some(0);
        assert_eq!(changes(&before, &after).len(), 1);
        after.remove(&1);
        assert_eq!(changes(&before, &after).len(), 2);
    }

    #[test]
    fn charges() {
        let excess = |pages| differing(move |tree| change(tree, 2).current = Some(pages * PAGE));
        assert!(excess(2).is_empty());
        assert_eq!(excess(1).len(), 1);
        assert_eq!(excess(2 + STOCK_PAGES + 1).len(), 1);
        let lines = differing(|tree| {
            tree.remove(&2);
        });
        assert!(lines.iter().any(|line| line.starts_with("cgroup=inode:2 ")));
    }
}
