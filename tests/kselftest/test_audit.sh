#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The audit itself: it agrees with the statistics of cgroups that hold some of
# everything, and it finds a figure that is wrong.
# vm: --disk 512M --timeout 90 --shared
. "$(dirname "$0")/lib.sh"
setup_base
fs_make ext4 disk
tmpfs_make mnt
tmpfs_make huge huge=always
no_periodic_writeback
# Below, figures are read and a walk follows: between them nothing is to become dirty.
no_periodic_commit disk
audited=1

cg_make p/a p/b/c
check_audit "nothing"
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
check_audit "some of everything"
check_num "there is dirty memory" "$(memory_of p file_dirty)" '>' $M
check_num "and locked memory" "$(memory_of p/b unevictable)" '>=' $((2 * M))

# finds DESCRIPTION LINE: the audit says that, and fails.
finds()
{
	local status=0
	"$workload" audit --mount "${top%/*}" --seconds 1 >"$work/audit" 2>&1 || status=$?
	check_eq "$1: the audit fails" "$status" 1
	check "$1: and says where" grep -q "$2" "$work/audit"
	diag "$(cat "$work/audit")"
}

# Figures that are wrong are put in the place of the right ones. What compares them is
# no part of the kernel, so the debug kernel need not see all of it.
for key in $(pick "file shmem anon file_mapped file_dirty unevictable" "file_dirty unevictable"); do
	"$workload" stat --cgroup "$top/p/b" --drain | tr ' ' '\n' | tr '=' ' ' |
		awk -v key="$key" '$1 == key { $2 += 4096 } { print }' >"$work/stat"
	must mount --bind "$work/stat" "$top/p/b/memory.stat"
	finds "one page of $key too many" "cgroup=$top/p/b key=$key .* excess=4096"
	must umount "$top/p/b/memory.stat"
done
echo $(($(<"$top/p/memory.current") / 2)) >"$work/current"
must mount --bind "$work/current" "$top/p/memory.current"
finds "charges are lost" "cgroup=$top/p key=current"
must umount "$top/p/memory.current"
check_audit "with the right figures"

finish
