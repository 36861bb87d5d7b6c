#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Pages of another cgroup that a cgroup dirties count against the limit of the dirtier until
# they are written, and no longer, even if the folios are migrated to another node meanwhile.
# No record of them keeps a removed cgroup alive.
# vm: --disk 512M,bps=20000000 --append numa=fake=2
. "$(dirname "$0")/lib.sh"
[[ -d /sys/devices/system/node/node1 ]] || skip_all "one memory node"
setup
no_periodic_writeback
size=$((3 * M)) limit=$((8 * M))

# wrote CGROUP FILE [OPTION...]: write the file once, in large blocks, so that the file system
# can use large folios.
wrote()
{
	write_as "p/$1" "$2" --size "$size" --block 512k "${@:3}"
}

# owned FILE: write FILE1 to FILE3 as the owner, together as much as uses up the guest's limit.
# All exist before the first is dirtied again; otherwise one could reuse the folios of another.
owned()
{
	for round in {1..3}; do
		wrote owner "$1$round"
	done
	sync
}

# dirtied FILE: as the guest, dirty all of a file whose pages are charged to the owner.
dirtied()
{
	wrote guest "$1" --overwrite
	check_num "the owner's pages are dirty" "$(exactly_dirty p/owner)" '>=' $((size * 9 / 10))
	check_num "the guest's pages are not dirty" "$(exactly_dirty p/guest)" '<=' $((size / 10))
}

# has_room DESCRIPTION: the guest does not wait for pages that it dirtied before.
has_room()
{
	local before
	before=$(stat_of p/guest throttled_count)
	wrote guest mnt/own
	check_eq "$1: the guest does not wait" "$(stat_of p/guest throttled_count)" "$before"
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
	check_num "$type: pages were migrated" "$moved" '>=' $((size / PAGE))
	has_room "$type, migrated folios"

	# Both cgroups are removed before the dirty pages are written.
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
