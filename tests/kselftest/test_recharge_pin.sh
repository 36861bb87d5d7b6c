#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Pages with extra references (from vmsplice to a pipe, from buffers registered with io_uring,
# from a direct write that is held back) are not moved but counted as failed. They can be
# moved once the reference is dropped.
# vm: --disk 512M --timeout 120 --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
size=$(pick $((16 * M)) $((4 * M)))
tmpfs_make mnt
fs_make ext4 disk

# direct_writes RATE: limit writes from below p to RATE bytes a second. With 1, a direct write
# keeps all its pages pinned for as long as a slow machine may need for the checks; "max"
# lets it complete.
direct_writes()
{
	echo "$(<"/sys/class/block/${SCRATCH##*/}/dev") wbps=$1" >"$top/p/io.max" ||
		bail "cannot set io.max"
}

# known_to_disk: do I/O for the cgroup, which creates the structure that holds io.max. If the
# write to io.max created it, the kernel would allocate memory under a lock of the disk, and
# lockdep reports a possible deadlock, on the stock kernel as well.
known_to_disk()
{
	rm -f "$work"/disk/first.*
	fill p/user disk/first $PAGE
	sync
}

# held_back NAME: one of its threads is waiting for a device.
held_back()
{
	grep -q '^State:.D' "/proc/${running[$1]}"/task/*/status
}

# one WHAT KEY PIN: pin pages of a file, or anonymous pages.
one()
{
	local what="$1, $3" before options own=0
	# The writing thread has a stack, which is not pinned.
	[[ $2$3 != anondirect ]] || own=$((8 * PAGE))
	options=(--size "$size" --pin "$3" --into "$work/disk/g")
	cg_make p/old p/user
	if [[ $3 == direct ]]; then
		known_to_disk
		direct_writes 1
	fi
	if [[ $2 == shmem ]]; then
		fill p/old mnt/f "$size"
		keep user p/user "${options[@]}" --file "$work/mnt/f.0"
	else
		keep user p/old "${options[@]}"
		join user p/user
	fi
	[[ $3 != direct ]] || must loop_until 10 held_back user
	before=$(memory_of p "$2")
	cg_leave p/old "$size"
	check_eq "$what: the request returns EAGAIN" "$(put p recharge max)" EAGAIN
	check_num "$what: no pinned page is moved" "$(memory_of p/user "$2")" '<=' $own
	check "$what: the pages are still inherited" inherits p "$size"
	check_num "$what: it is counted" "$(recharged p recharge_failed)" '>=' $((size * 99 / 100))
	check_eq "$what: no charge is lost" "$(memory_of p "$2")" "$before"
	check_audit "$what"
	if [[ $3 == direct ]]; then
		direct_writes max
		await_word user written=1
	else
		tell user USR2 released=1
	fi
	# The reference may be dropped some time after that.
	check "$what: everything can be moved when it is unpinned" loop_until 10 moved
	check_moves "$what, unpinned" p p/user "$2" "$size" 1
	check_audit "$what, unpinned"
	halt user W
	cg_remove p/user p
	rm -f "$work/mnt/f.0" "$work/disk/g"
}

moved()
{
	[[ $(put p recharge max) == ok ]]
}

for pin in pipe ring direct; do
	one "shared memory" shmem $pin
done
for pin in pipe ring direct; do
	one "anonymous" anon $pin
done

finish
