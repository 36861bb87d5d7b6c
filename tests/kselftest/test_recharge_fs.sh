#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Recharging of clean and dirty page cache on each file system that attributes writeback to
# cgroups. Afterwards, the I/O for the user's writes is attributed to the user.
# vm: --disk 512M --timeout 150 --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
size=$(pick $((24 * M)) $((6 * M)))

# make FS
make()
{
	fs_make "${1% *}" mnt
	[[ $1 != *" nojournal" ]] || drop_journal mnt
}

# writes_itself: the I/O for the user's writes is attributed to the user. An inode changes its
# owner only after several rounds of writes.
writes_itself()
{
	fill p/user mnt/clean $((2 * M)) --overwrite
	sync
	(($(written_by p/user) > M))
}

# can_go: all can be reclaimed. Recently used pages may need more than one round.
can_go()
{
	put p/user reclaim $((4 * size)) >/dev/null
	compare "$(memory_of p file)" '<=' $((size / 10))
}

for fs in ext4 "ext4 nojournal" xfs btrfs; do
	make "$fs"
	cg_make p/user
	bequeath p/old mnt/clean "$size"
	sync
	bequeath p/old mnt/dirty "$size"
	before=$(memory_of p file)
	switch access 1
	read_as p/user mnt/clean.0 "$size"
	read_as p/user mnt/dirty.0 "$size"
	check_moves "$fs, on access" p p/user file $((2 * size)) 5
	check_eq "$fs, on access: the parent's total is the same" "$(memory_of p file)" "$before"
	check_audit "$fs, on access"
	switch access 0

	cg_leave p/user $((2 * size))
	cg_make p/user
	keep one p/user --file "$work/mnt/clean.0" --size "$size"
	keep two p/user --file "$work/mnt/dirty.0" --size "$size" --write
	sync
	check_eq "$fs, on demand: everything can be moved" "$(put p recharge $((2 * size)))" ok
	check_moves "$fs, on demand" p p/user file $((2 * size)) 1
	halt one W
	halt two W
	check_audit "$fs, on demand"

	cg_leave p/user $((2 * size))
	# Pages that are moved to a cgroup while it is removed may be missing from the count of
	# what it leaves behind, so move nothing meanwhile.
	bequeath p/user mnt/more "$size"
	switch adopt 1
	cg_make p/user
	check_moves "$fs, adoption" p p/user file $((3 * size)) 5
	switch adopt 0
	check "$fs: the user's writes are attributed to the user" loop_until 20 writes_itself
	check_audit "$fs, adoption"

	# Truncate, remove and reclaim: the pages are on LRU lists where reclaim finds them.
	: >"$work/mnt/dirty.0"
	rm "$work/mnt/clean.0"
	sync
	check "$fs: everything can be reclaimed" loop_until 20 can_go
	cg_remove p/user p
	fs_remove mnt
done

finish
