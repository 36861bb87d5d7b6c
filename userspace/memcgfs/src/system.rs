// SPDX-License-Identifier: GPL-2.0

//! The limits that the kernel derives from `vm.dirty_*`, for the system and for a cgroup without its own limits.
//!
//! This is the arithmetic of `domain_dirty_limits()` and its callers in mm/page-writeback.c, based
//! on `/proc/vmstat` and `/proc/zoneinfo`. All counts are pages. The boost for real-time tasks is
//! left out.

use crate::error::Result;
use crate::files;
use crate::host::Host;
use crate::host::VmDirty;
use crate::page;
use crate::stat::Flat;

/// The raw figures of the whole system, in pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct System {
    /// Free pages.
    pub free: u64,
    /// Free pages that are reserved for the kernel.
    pub reserve: u64,
    /// Page cache on the LRU lists.
    pub file: u64,
    /// Dirty pages.
    pub dirty: u64,
    /// Pages under writeback.
    pub writeback: u64,
    /// The limit as the kernel reports it.
    pub reported_limit: Option<u64>,
    /// The background limit as the kernel reports it.
    pub reported_background: Option<u64>,
    /// The settings.
    pub vm: VmDirty,
}

/// A limit and a background limit, in pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Derived {
    /// Memory that could be dirty.
    pub dirtyable: u64,
    /// The limit.
    pub limit: u64,
    /// The background limit.
    pub background: u64,
}

/// The figures that a cgroup's derived limit depends on, in pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Its page cache on the LRU lists.
    pub file: u64,
    /// Its dirty pages and pages under writeback.
    pub dirty: u64,
    /// Memory that may still be charged to it, given `memory.max` and `memory.high` at and above
    /// it; `None` if neither is set.
    pub headroom: Option<u64>,
}

impl System {
    /// Reads the figures; `None` if `/proc/vmstat` is absent.
    pub fn read(host: &Host) -> Result<Option<Self>> {
        let path = host.proc("vmstat");
        let Some(text) = files::read(&path)? else {
            return Ok(None);
        };
        let flat = Flat::new(&path, &text);
        let number = |key| Ok(flat.number(key)?.unwrap_or(0));
        let zones = files::read(&host.proc("zoneinfo"))?.unwrap_or_default();
        Ok(Some(Self {
            free: number("nr_free_pages")?,
            reserve: reserve(&zones),
            file: number("nr_inactive_file")?.saturating_add(number("nr_active_file")?),
            dirty: number("nr_dirty")?,
            writeback: number("nr_writeback")?,
            reported_limit: flat.number("nr_dirty_threshold")?,
            reported_background: flat.number("nr_dirty_background_threshold")?,
            vm: host.vm_dirty()?,
        }))
    }

    /// Returns the dirty pages and pages under writeback.
    pub fn held(&self) -> u64 {
        self.dirty.saturating_add(self.writeback)
    }

    /// Returns the memory that could be dirty in the whole system, as `global_dirtyable_memory()`
    /// does.
    pub fn dirtyable(&self) -> u64 {
        self.free
            .saturating_sub(self.reserve)
            .saturating_add(self.file)
            .saturating_add(1)
    }

    /// Derives the system-wide limits.
    pub fn derive(&self) -> Derived {
        let dirtyable = self.dirtyable();
        let limit = |bytes: Option<u64>, percent: Option<u64>| match bytes {
            Some(bytes) if bytes != 0 => bytes.div_ceil(page::bytes(1)),
            _ => scaled(ratio(percent), dirtyable),
        };
        limits(
            dirtyable,
            limit(self.vm.bytes, self.vm.ratio),
            limit(self.vm.background_bytes, self.vm.background_ratio),
        )
    }

    /// Derives the limits of a cgroup without limits of its own.
    pub fn derive_for(&self, domain: &Domain) -> Derived {
        let all = self.dirtyable();
        // As in mdtc_calc_avail(): clean pages elsewhere can be replaced by this cgroup's pages,
        // within its headroom.
        let clean = domain.file.saturating_sub(domain.dirty);
        let other_clean = all.saturating_sub(self.held()).saturating_sub(clean);
        let room = domain
            .headroom
            .map_or(other_clean, |room| room.min(other_clean));
        let dirtyable = domain.file.saturating_add(room);
        // A size is system-wide; for a cgroup it is converted to a fraction of the system's memory.
        let limit = |bytes: Option<u64>, percent: Option<u64>| match bytes {
            Some(bytes) if bytes != 0 => scaled(bytes.div_ceil(all).min(page::bytes(1)), dirtyable),
            _ => scaled(ratio(percent), dirtyable),
        };
        limits(
            dirtyable,
            limit(self.vm.bytes, self.vm.ratio),
            limit(self.vm.background_bytes, self.vm.background_ratio),
        )
    }
}

/// Converts a percentage to PAGE_SIZE-ths, as the kernel does.
fn ratio(percent: Option<u64>) -> u64 {
    percent.unwrap_or(0).saturating_mul(page::bytes(1)) / 100
}

/// Returns `parts` PAGE_SIZE-ths of `pages`.
fn scaled(parts: u64, pages: u64) -> u64 {
    let product = u128::from(parts).saturating_mul(u128::from(pages)) / u128::from(page::bytes(1));
    u64::try_from(product).unwrap_or(u64::MAX)
}

fn limits(dirtyable: u64, limit: u64, background: u64) -> Derived {
    let limit = limit.min(u64::from(u32::MAX));
    Derived {
        dirtyable,
        limit,
        background: match background < limit {
            true => background,
            false => limit / 2,
        },
    }
}

/// Returns the pages that are reserved for the kernel, summed up from `/proc/zoneinfo` as in
/// `calculate_totalreserve_pages()`: of each zone its high watermark and its reserve against higher
/// zones, but no more than it has.
pub fn reserve(zones: &str) -> u64 {
    let mut total = 0u64;
    let (mut high, mut managed) = (0u64, 0u64);
    for line in zones.lines() {
        let mut words = line.split_whitespace();
        let (first, second) = (words.next(), words.next());
        match (first, second.and_then(|word| word.parse().ok())) {
            (Some("Node"), _) => (high, managed) = (0, 0),
            (Some("high"), Some(pages)) => high = pages,
            (Some("managed"), Some(pages)) => managed = pages,
            (Some("protection:"), _) => {
                let list = line.split_once('(').map_or("", |(_, list)| list);
                let numbers = list.trim_end_matches(')').split(", ");
                let kept = numbers
                    .filter_map(|number| number.parse::<u64>().ok())
                    .filter(|kept| *kept != 0)
                    .last();
                let kept = kept.unwrap_or(0).saturating_add(high).min(managed);
                total = total.saturating_add(kept);
            }
            _ => {}
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserves_of_zones() {
        let zones = "\
Node 0, zone      DMA
  per-node stats
      nr_inactive_anon 3
  pages free     3840
        boost    0
        min      31
        high     45
        managed  3840
        protection: (0, 2948, 31947, 31947)
      nr_free_pages 3840
    cpu: 0
              count:    5
              high:     6
Node 0, zone    DMA32
        high     9000
        managed  700000
        protection: (0, 0, 29000, 29000)
Node 0, zone  Movable
        high     32
        managed  0
        protection: (0, 0, 0, 0)
";
        assert_eq!(reserve(zones), 3840 + 38000);
        assert_eq!(reserve(""), 0);
        assert_eq!(reserve("protection: (x\nhigh -1\nprotection:"), 0);
    }

    fn system(vm: VmDirty) -> System {
        System {
            free: 700,
            reserve: 101,
            file: 400,
            dirty: 90,
            writeback: 10,
            vm,
            ..System::default()
        }
    }

    #[test]
    fn as_the_kernel_derives() {
        let ratio = VmDirty {
            ratio: Some(20),
            background_ratio: Some(10),
            ..VmDirty::default()
        };
        let derived = |limit, background, dirtyable| Derived {
            dirtyable,
            limit,
            background,
        };
        // 819 and 409 parts of 4096.
        assert_eq!(system(ratio.clone()).derive(), derived(199, 99, 1000));
        let domain = Domain {
            file: 100,
            dirty: 50,
            headroom: None,
        };
        // 100 file pages, and all but 50 of the 900 clean ones.
        assert_eq!(
            system(ratio.clone()).derive_for(&domain),
            derived(189, 94, 950)
        );
        let small = Domain {
            headroom: Some(100),
            ..domain
        };
        assert_eq!(system(ratio).derive_for(&small), derived(39, 19, 200));
        let bytes = VmDirty {
            bytes: Some(1_000_001),
            background_bytes: Some(2_000_000),
            ..VmDirty::default()
        };
        assert_eq!(system(bytes.clone()).derive(), derived(245, 122, 1000));
        // 1001 of 4096 parts of 950 pages.
        assert_eq!(system(bytes).derive_for(&domain), derived(232, 116, 950));
    }

    #[test]
    fn nothing_overflows() {
        let most = Some(u64::MAX);
        let system = System {
            free: u64::MAX,
            file: u64::MAX,
            vm: VmDirty {
                ratio: most,
                background_bytes: most,
                ..VmDirty::default()
            },
            ..System::default()
        };
        assert_eq!(system.derive().limit, u64::from(u32::MAX));
        let domain = Domain {
            file: u64::MAX,
            dirty: u64::MAX,
            headroom: most,
        };
        assert_eq!(system.derive_for(&domain).limit, u64::from(u32::MAX));
    }
}
