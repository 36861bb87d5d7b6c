#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Stores to shared mappings are held to the dirty limit like writes, both alone and next to
# write() and O_DIRECT. O_DIRECT dirties no pages and must not be throttled.
# vm: --disk 512M,bps=20000000 --alone
# The debug kernel dirties pages at a few megabytes a second.
# vm-debug: --disk 512M,bps=2000000
. "$(dirname "$0")/lib.sh"
setup

# On the debug kernel, four mappings of 1M that are written once are twice the limit.
limit=$(pick $((4 * M)) $((2 * M)))
for type in ext4 xfs; do
	fs_make $type mnt
	cg_make p/a p/direct
	set_knob p dirty_limit_in_bytes "$limit"
	hold p/a "$limit" "$(pick 4 once:1M)" mnt/m --mode mmap --writers 4
	check_limit "$type: 4 mappings" S "$limit"
	rm "$work"/mnt/m.*

	spawn_writers writes p/a mnt/w --size 16M --seconds 600
	spawn_writers direct p/direct mnt/d --size 16M --seconds 600 --mode direct --block 64k
	watch_limit sum p "$limit"
	hold p/a "$limit" "$(pick 4 once:1M)" mnt/m --mode mmap
	halt sum S
	check_held "$type: mmap beside write and O_DIRECT" S "$limit"
	check_progress "$type: mmap makes progress beside them" "${W[bytes]}" $((2 * M))
	# Each of its blocks queues behind the writeback of the others, up to the limit, so
	# it makes little progress.
	check "$type: O_DIRECT makes progress beside them" loop_until 30 has_written p/direct "$M"
	halt writes W
	check_progress "$type: write makes progress beside them" "${W[bytes]}" $((2 * M))
	halt direct W
	check_num "$type: the other writers are throttled" "$(stat_of p/a throttled_count)" '>' 0
	diag "$type: O_DIRECT wrote ${W[bytes]} bytes, throttled $(stat_of p/direct throttled_count) times"
	check_eq "$type: O_DIRECT is not throttled" "$(stat_of p/direct throttled_count)" 0
	cg_remove p/a p/direct p
	fs_remove mnt
done

finish
