#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Stores into shared mappings are held to the limit as writes are, alone and
# beside writes and O_DIRECT, which is not to be slowed by dirty pages that it
# does not make.
# vm: --disk 512M,bps=20000000 --alone
# The debug kernel dirties pages at a few megabytes a second.
# vm-debug: --disk 512M,bps=2000000
. "$(dirname "$0")/lib.sh"
setup

# direct_has_written BYTES: to the disk, so far.
# shellcheck disable=SC2317 # loop_until calls it.
direct_has_written()
{
	(($(written_by p/direct) >= $1))
}

# Four mappings of 1M, once each, are twice the debug kernel's limit.
limit=$(pick $((4 * M)) $((2 * M)))
for type in ext4 xfs; do
	fs_make $type mnt
	cg_make p/a p/direct
	set_knob p dirty_limit_in_bytes "$limit"
	hold p/a "$limit" "$(pick 4 once:1M)" mnt/m --mode mmap --writers 4
	check_held "$type: 4 mappings" S "$limit"
	check_used "$type: 4 mappings" S "$limit"
	rm "$work"/mnt/m.*

	spawn_writers writes p/a mnt/w --size 16M --seconds 600
	spawn_writers direct p/direct mnt/d --size 16M --seconds 600 --mode direct --block 64k
	watch_limit sum p "$limit"
	hold p/a "$limit" "$(pick 4 once:1M)" mnt/m --mode mmap
	halt sum S
	check_held "$type: mmap beside write and O_DIRECT" S "$limit"
	check_progress "$type: mmap makes progress beside them" "${W[bytes]}" $((2 * M))
	# It queues in the disk behind all that the others have there, up to the limit
	# for each block, which leaves it little.
	check "$type: O_DIRECT makes progress beside them" loop_until 30 direct_has_written "$M"
	halt writes W
	check_progress "$type: write makes progress beside them" "${W[bytes]}" $((2 * M))
	halt direct W
	check_num "$type: the others are throttled" "$(stat_of p/a throttled_count)" '>' 0
	diag "$type: O_DIRECT wrote ${W[bytes]} bytes, throttled $(stat_of p/direct throttled_count) times"
	check_eq "$type: O_DIRECT is not" "$(stat_of p/direct throttled_count)" 0
	cg_remove p/a p/direct p
	fs_remove mnt
done

finish
