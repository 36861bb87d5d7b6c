#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What a cgroup has dirtied of another one's pages counts against its own limit until it was
# written, and no longer, also if the folios are moved to another node in the meantime.
# Nothing of it is left that would hold the cgroup once it was removed.
# vm: --disk 512M,bps=20000000 --append numa=fake=2
. "$(dirname "$0")/lib.sh"
[[ -d /sys/devices/system/node/node1 ]] || skip_all "one memory node"
setup
no_periodic_writeback
size=$((3 * M)) limit=$((8 * M))

# wrote CGROUP FILE [OPTION...]: once, in folios as large as the file system makes them.
wrote()
{
	spawn_writers once "p/$1" "$2" --size "$size" --block 512k "${@:3}"
	collect once W
}

# owned FILE: the owner has written files FILE1 to FILE3, as many as would use up the limit.
# They exist before the first is dirtied again, or one could be where another one was.
owned()
{
	for round in {1..3}; do
		wrote owner "$1$round"
	done
	sync
}

# dirtied FILE: the guest has dirtied all of a file whose pages are the owner's.
dirtied()
{
	wrote guest "$1" --overwrite
	check_num "the owner's pages are dirty" "$(exactly_dirty p/owner)" '>=' $((size * 9 / 10))
	check_num "none of them is the guest's" "$(exactly_dirty p/guest)" '<=' $((size / 10))
}

# has_room DESCRIPTION: the guest need not wait for what it has dirtied before.
has_room()
{
	local before
	before=$(stat_of p/guest throttled_count)
	wrote guest mnt/own
	check_eq "$1: the guest has the room that it had" "$(stat_of p/guest throttled_count)" "$before"
	sync
	rm "$work"/mnt/own.*
}

for type in xfs ext4; do
	fs_make $type mnt
	cg_make p/owner p/guest mover
	set_knob p/guest dirty_limit_in_bytes $limit
	has_room "$type"

	owned mnt/moved
	moved=$(value_in /proc/vmstat pgmigrate_success)
	for round in {1..3}; do
		dirtied "mnt/moved$round"
		keep mover mover --file "$work/mnt/moved$round.0" --size "$size" --node 1
		halt mover W
		sync
	done
	moved=$(($(value_in /proc/vmstat pgmigrate_success) - moved))
	check_num "$type: pages were moved" "$moved" '>=' $((size / PAGE))
	has_room "$type, folios that were moved"

	# Dirty, and removed before it is written.
	owned mnt/left
	dirtied mnt/left1
	cg_remove p/guest p/owner
	sync
	rm -r "${work:?}"/mnt/*
	fs_remove mnt
	echo 3 >/proc/sys/vm/drop_caches
	check "$type: no removed cgroup is left" loop_until 30 nothing_dies
done

finish
