#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Stores into shared mappings are held to the limit as writes are, alone and
# beside writes and O_DIRECT, which is not to be slowed by dirty pages that it
# does not make.
# vm: --disk 512M,bps=20000000 --alone
. "$(dirname "$0")/lib.sh"
setup

for type in ext4 xfs; do
	fs_make $type mnt
	cg_make a
	set_knob a dirty_limit_in_bytes 4M
	hold a $((4 * M)) "$(pick 4 once:1M)" mnt/m --mode mmap --writers 4
	check_held "$type: 4 mappings" S $((4 * M))
	check_used "$type: 4 mappings" S $((4 * M))
	rm "$work"/mnt/m.*

	spawn_writers writes a mnt/w --size 16M --seconds 600
	spawn_writers direct a mnt/d --size 16M --seconds 600 --mode direct --block 64k
	hold a $((4 * M)) "$(pick 4 once:1M)" mnt/m --mode mmap
	check_held "$type: mmap beside write and O_DIRECT" S $((4 * M))
	check_progress "$type: mmap makes progress beside them" "${W[bytes]}" $((2 * M))
	halt writes W
	check_progress "$type: write makes progress beside them" "${W[bytes]}" $((2 * M))
	halt direct W
	# It queues in the disk behind all that the others have there.
	check_progress "$type: O_DIRECT makes progress beside them" "${W[bytes]}" "$M"
	cg_remove a
	fs_remove mnt
done

finish
