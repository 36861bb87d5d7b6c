// SPDX-License-Identifier: GPL-2.0

//! All page frames of the machine, as shown by /proc/kpageflags, /proc/kpagecount and
//! /proc/kpagecgroup, and the properties of each page.

use crate::error::Context;
use crate::error::Result;
use std::fs::File;
use std::os::unix::fs::FileExt;

const ENTRY: usize = size_of::<u64>();
/// The number of bytes read by one system call.
const CHUNK: usize = 1 << 20;
/// The unit of reading if only some of the frames matter.
const STRETCH: usize = 4096;
/// The number of pages in a folio that can be mapped by a PMD entry.
const PMD_PAGES: usize = 512;

/// One of the three files, read into a buffer that is reused.
struct Table {
    file: File,
    path: &'static str,
    bytes: Vec<u8>,
}

impl Table {
    fn open(path: &'static str) -> Result<Self> {
        Ok(Self {
            file: File::open(path).context(path)?,
            path,
            bytes: Vec::new(),
        })
    }

    fn read(&mut self) -> Result<()> {
        let mut at = 0;
        loop {
            if self.bytes.len() < at + CHUNK {
                self.bytes.resize(at + CHUNK, 0);
            }
            let read = self
                .file
                .read_at(&mut self.bytes[at..at + CHUNK], at as u64)
                .context(self.path)?;
            at += read;
            if read == 0 {
                self.bytes.truncate(at);
                return Ok(());
            }
        }
    }

    /// Reads only those stretches in which `marks` has an entry; the others become zero.
    fn read_where(&mut self, marks: &Table) -> Result<()> {
        self.bytes.resize(marks.bytes.len(), 0);
        self.bytes.fill(0);
        for (n, stretch) in marks.bytes.chunks(STRETCH).enumerate() {
            if stretch.iter().all(|&byte| byte == 0) {
                continue;
            }
            let at = n * STRETCH;
            self.file
                .read_exact_at(&mut self.bytes[at..at + stretch.len()], at as u64)
                .context(self.path)?;
        }
        Ok(())
    }

    /// Allocates the memory for `frames` entries.
    fn prepare(&mut self, frames: usize) {
        self.bytes
            .resize((frames * ENTRY).next_multiple_of(CHUNK) + CHUNK, 0xff);
    }

    fn has_entry(&self, frame: usize) -> Result<bool> {
        let mut entry = [0; ENTRY];
        let read = self
            .file
            .read_at(&mut entry, (frame * ENTRY) as u64)
            .context(self.path)?;
        Ok(read > 0)
    }

    fn entry(&self, frame: usize) -> u64 {
        self.bytes
            .get(frame * ENTRY..)
            .and_then(|rest| rest.first_chunk())
            .map_or(0, |bytes| u64::from_ne_bytes(*bytes))
    }
}

/// The relevant bits of include/uapi/linux/kernel-page-flags.h.
#[derive(Clone, Copy)]
enum Flag {
    Dirty = 4,
    Lru = 5,
    Active = 6,
    Writeback = 8,
    Anon = 12,
    SwapCache = 13,
    SwapBacked = 14,
    CompoundHead = 15,
    CompoundTail = 16,
    Unevictable = 18,
    Mlocked = 33,
}

/// The properties of one page. Each page of a folio has the flags of the folio.
#[derive(Clone, Copy)]
pub struct Page {
    flags: u64,
    maps: u64,
    /// Whether its folio is large enough to be mapped by a PMD entry.
    pmd: bool,
}

impl Page {
    fn is(self, flag: Flag) -> bool {
        self.flags & (1 << flag as u64) != 0
    }

    /// Returns whether it is page cache or anonymous memory, not the kernel's own; only these are
    /// on LRU lists.
    pub fn is_user(self) -> bool {
        self.is(Flag::Lru)
    }

    /// Returns whether it is the first page of its folio, or its only one.
    pub fn begins_folio(self) -> bool {
        !self.is(Flag::CompoundTail)
    }

    pub fn is_mapped(self) -> bool {
        self.maps > 0
    }

    pub fn is_anon(self) -> bool {
        self.is(Flag::Anon)
    }

    pub fn is_swap_cache(self) -> bool {
        self.is(Flag::SwapCache)
    }

    /// Returns whether it belongs to a file, including shared memory. Shared memory in the swap
    /// cache no longer belongs to its file.
    pub fn is_file(self) -> bool {
        self.is_user() && !self.is_anon() && !self.is_swap_cache()
    }

    pub fn is_shmem(self) -> bool {
        self.is_file() && self.is(Flag::SwapBacked)
    }

    /// Returns whether it is dirty. Pages of ramfs have the dirty flag as well, but can never be
    /// cleaned and are not counted. They are recognized by being unevictable without being locked.
    pub fn is_dirty(self) -> bool {
        self.is_file()
            && !self.is(Flag::SwapBacked)
            && self.is(Flag::Dirty)
            && (!self.is(Flag::Unevictable) || self.is(Flag::Mlocked))
    }

    /// Returns whether it is mapped like a file; this includes kernel memory mapped by a process,
    /// such as io_uring rings.
    pub fn is_mapped_as_file(self) -> bool {
        self.is_mapped() && !self.is_anon() && !self.is_swap_cache()
    }

    pub fn is_writeback(self) -> bool {
        self.is_user() && self.is(Flag::Writeback)
    }

    pub fn is_huge(self) -> bool {
        self.pmd
    }

    pub fn is_unevictable(self) -> bool {
        self.is_user() && self.is(Flag::Unevictable)
    }

    /// Returns whether it is on the active or inactive LRU list of anonymous memory or of files.
    /// Anonymous memory freed with MADV_FREE is on the lists of files.
    pub fn is_on_list(self, active: bool, anon: bool) -> bool {
        self.is_user()
            && !self.is_unevictable()
            && self.is(Flag::Active) == active
            && self.is(Flag::SwapBacked) == anon
    }
}

/// Reads the frames repeatedly into the same memory.
pub struct Frames {
    flags: Table,
    counts: Table,
    cgroups: Table,
}

impl Frames {
    pub fn open() -> Result<Self> {
        Ok(Self {
            flags: Table::open("/proc/kpageflags")?,
            counts: Table::open("/proc/kpagecount")?,
            cgroups: Table::open("/proc/kpagecgroup")?,
        })
    }

    /// Allocates all memory needed for reading. Otherwise, if that is charged to a cgroup, the
    /// figures would change while they are read.
    pub fn prepare(&mut self) -> Result<()> {
        let mut number = 1;
        while self.cgroups.has_entry(number)? {
            number *= 2;
        }
        self.flags.prepare(number);
        self.counts.prepare(number);
        self.cgroups.prepare(number);
        Ok(())
    }

    /// Reads the frames. Most of them are not charged, and querying the cgroups of all of them
    /// would take seconds on a slow machine.
    pub fn read(&mut self) -> Result<()> {
        self.cgroups.read()?;
        self.flags.read_where(&self.cgroups)?;
        self.counts.read_where(&self.cgroups)
    }

    pub fn len(&self) -> usize {
        self.flags.bytes.len() / ENTRY
    }

    fn has(&self, frame: usize, flag: Flag) -> bool {
        self.flags.entry(frame) & (1 << flag as u64) != 0
    }

    /// Returns each page that is charged to a cgroup, with the inode of the cgroup.
    pub fn charged(&self) -> impl Iterator<Item = (u64, Page)> + '_ {
        let mut folio_end = 0;
        let mut pmd = false;
        (0..self.len()).filter_map(move |frame| {
            if frame >= folio_end {
                folio_end = frame + 1;
                if self.has(frame, Flag::CompoundHead) {
                    while self.has(folio_end, Flag::CompoundTail) {
                        folio_end += 1;
                    }
                }
                pmd = folio_end - frame >= PMD_PAGES;
            }
            let page = Page {
                flags: self.flags.entry(frame),
                maps: self.counts.entry(frame),
                pmd,
            };
            let cgroup = self.cgroups.entry(frame);
            (cgroup != 0).then_some((cgroup, page))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Flag;
    use super::Frames;
    use super::Page;
    use super::Table;
    use std::fs::File;
    use std::io::Write;

    fn page(flags: &[Flag]) -> Page {
        Page {
            flags: flags.iter().fold(0, |bits, &flag| bits | 1 << flag as u64),
            maps: 0,
            pmd: false,
        }
    }

    #[test]
    fn kinds() {
        use Flag::*;
        assert!(page(&[Lru]).is_file() && !page(&[Lru]).is_shmem());
        assert!(page(&[Lru, SwapBacked]).is_shmem());
        assert!(!page(&[Lru, SwapBacked, SwapCache]).is_file());
        assert!(!page(&[Lru, SwapBacked, Anon]).is_file());
        assert!(page(&[Lru, Dirty]).is_dirty());
        assert!(!page(&[Lru, SwapBacked, Dirty]).is_dirty());
        assert!(!page(&[Lru, Dirty, Unevictable]).is_dirty());
        assert!(page(&[Lru, Dirty, Unevictable, Mlocked]).is_dirty());
    }

    #[test]
    fn lists() {
        use Flag::*;
        let lists = |page: Page| -> usize {
            [(false, false), (false, true), (true, false), (true, true)]
                .into_iter()
                .filter(|&(active, anon)| page.is_on_list(active, anon))
                .count()
                + usize::from(page.is_unevictable())
        };
        for flags in [
            &[Lru][..],
            &[Lru, Active],
            &[Lru, SwapBacked],
            &[Lru, Active, SwapBacked, Unevictable],
        ] {
            assert_eq!(lists(page(flags)), 1);
        }
        assert!(page(&[Lru, Active]).is_on_list(true, false));
        assert!(page(&[Lru, SwapBacked]).is_on_list(false, true));
    }

    fn table(entries: impl IntoIterator<Item = u64>) -> Table {
        Table {
            file: File::open("/dev/null").expect("/dev/null"),
            path: "/dev/null",
            bytes: entries.into_iter().flat_map(u64::to_ne_bytes).collect(),
        }
    }

    #[test]
    fn stretches() {
        let entries = 3 * super::STRETCH / super::ENTRY;
        let all = table((0..entries as u64).map(|entry| entry + 1));
        let path = std::env::temp_dir().join(format!("frames-{}", std::process::id()));
        File::create(&path)
            .and_then(|mut file| file.write_all(&all.bytes))
            .expect("a temporary file");
        let mut read = Table {
            file: File::open(&path).expect("the temporary file"),
            ..table([])
        };
        std::fs::remove_file(&path).expect("the temporary file");
        // The last entry but one, in an incomplete stretch.
        let marks =
            table((0..entries as u64 - 1).map(|entry| u64::from(entry == entries as u64 - 2)));
        read.read_where(&marks).expect("the temporary file");
        assert_eq!(read.bytes.len(), marks.bytes.len());
        let begin = 2 * super::STRETCH;
        assert!(read.bytes[..begin].iter().all(|&byte| byte == 0));
        assert_eq!(read.bytes[begin..], all.bytes[begin..marks.bytes.len()]);
    }

    #[test]
    fn folios() {
        let bits = |flags: &[Flag]| page(flags).flags;
        let small = bits(&[Flag::Lru]);
        let head = bits(&[Flag::Lru, Flag::CompoundHead]);
        let tail = bits(&[Flag::Lru, Flag::CompoundTail]);
        let large =
            |pages: usize| std::iter::once(head).chain(std::iter::repeat_n(tail, pages - 1));
        let flags: Vec<u64> = [small]
            .into_iter()
            .chain(large(256))
            .chain(large(512))
            .chain([small, 0])
            .collect();
        let frames = Frames {
            counts: table(flags.iter().map(|_| 0)),
            // The first frame is not charged.
            cgroups: table((0..flags.len() as u64).map(|frame| frame.min(7))),
            flags: table(flags),
        };
        assert_eq!(frames.charged().count(), 256 + 512 + 2);
        assert_eq!(
            frames.charged().filter(|(_, page)| page.is_huge()).count(),
            512
        );
        assert_eq!(
            frames
                .charged()
                .filter(|(_, page)| page.is_user() && page.begins_folio())
                .count(),
            3
        );
    }
}
