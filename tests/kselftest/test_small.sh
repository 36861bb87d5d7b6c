#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A limit of a few pages, or a background limit just below the limit: writers get on by
# what is written for them, and not because they are taken for stuck, for then
# everybody's pages are written.
# vm: --disk 512M,bps=20000000
. "$(dirname "$0")/lib.sh"
setup
fs_make ext2 mnt
no_periodic_writeback

cg_make bystander
spawn_writers writers bystander mnt/bystander --size 2M
collect writers W

# small LIMIT BACKGROUND, in bytes
small()
{
	cg_make small
	set_knob small dirty_limit_in_bytes "$1"
	set_knob small dirty_background_limit_in_bytes "$2"
	spawn_writers writers small "mnt/$1" --size 128k --block 4k
	collect writers W
	check_eq "$1, background $2: all was written" "${W[bytes]}" $((128 * 1024))
	check_num "$1, background $2: its writer was throttled" \
		"$(stat_of small throttled_count)" '>' 0
	check_num "$1, background $2: nobody else's pages were written" \
		"$(exactly_dirty bystander)" '>=' $((2 * M - slack))
	cg_remove small
}

small 8192 max
small 65536 61440

finish
