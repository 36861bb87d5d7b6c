#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# On every file system that attributes writeback to cgroups, a dirty limit holds and most of
# it is used.
# vm: --disk 512M,bps=10000000 --timeout 90 --alone
# vm-debug: --disk 512M,bps=2000000 --timeout 90
. "$(dirname "$0")/lib.sh"
setup

for type in ext2 ext4 xfs btrfs; do
	fs_make $type mnt
	cg_make a
	set_knob a dirty_limit_in_bytes 8M
	hold a $((8 * M)) "$(pick 4 3)" mnt/f --writers 2
	check_limit $type S $((8 * M))
	check_progress "$type: the writers make progress" "${W[bytes]}" $((16 * M))
	cg_remove a
	fs_remove mnt
done

finish
