#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The audit itself: it agrees with the statistics of cgroups that hold every kind of memory,
# and it detects wrong figures.
# vm: --disk 512M --timeout 90 --shared
. "$(dirname "$0")/lib.sh"
setup_base
fs_make ext4 disk
tmpfs_make mnt
tmpfs_make huge huge=always
no_periodic_writeback
# Figures are read before the walk over all pages, so nothing may become dirty in between.
no_periodic_commit disk
audited=1

cg_make p/a p/b/c
check_audit "no memory"
fill p/a mnt/f $((3 * M))
fill p/b/c disk/f $((5 * M))
fill p/b/c disk/g $((2 * M))
fill p/a huge/f $((4 * M)) --block 2M
keep file p/a --file "$work/disk/g.0" --size 1M --write
keep lock p/b/c --file "$work/disk/f.0" --size 2M --lock
keep anon p/a --size 6M
keep thp p/b/c --size 4M --kind huge --sparse
keep shmem p/b/c --file "$work/mnt/f.0" --size 1M
join anon p/b/c
check_audit "every kind of memory"
check_num "some memory is dirty" "$(memory_of p file_dirty)" '>' $M
check_num "some memory is locked" "$(memory_of p/b unevictable)" '>=' $((2 * M))

# finds DESCRIPTION LINE: the audit fails and prints LINE.
finds()
{
	local status=0
	"$workload" audit --mount "${top%/*}" --seconds 1 >"$work/audit" 2>&1 || status=$?
	check_eq "$1: the audit fails" "$status" 1
	check "$1: the audit names the cgroup and the figure" grep -q "$2" "$work/audit"
	diag "$(cat "$work/audit")"
}

# Replace correct figures by wrong ones. The comparison is not part of the kernel, so a few
# figures are enough on the debug kernel.
for key in $(pick "file shmem anon file_mapped file_dirty unevictable" "file_dirty unevictable"); do
	"$workload" stat --cgroup "$top/p/b" --drain | tr ' ' '\n' | tr '=' ' ' |
		awk -v key="$key" '$1 == key { $2 += 4096 } { print }' >"$work/stat"
	must mount --bind "$work/stat" "$top/p/b/memory.stat"
	finds "$key with one page too many" "cgroup=$top/p/b key=$key .* excess=4096"
	must umount "$top/p/b/memory.stat"
done
echo $(($(<"$top/p/memory.current") / 2)) >"$work/current"
must mount --bind "$work/current" "$top/p/memory.current"
finds "lost charges" "cgroup=$top/p key=current"
must umount "$top/p/memory.current"
check_audit "correct figures"

finish
