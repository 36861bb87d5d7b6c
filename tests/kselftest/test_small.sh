#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A limit of a few pages, or a background limit just below the limit: writers make progress
# because their own pages are written, not because they are considered stuck, in which case
# the pages of all cgroups would be written.
# vm: --disk 512M,bps=20000000
. "$(dirname "$0")/lib.sh"
setup
fs_make ext2 mnt
no_periodic_writeback

cg_make bystander
write_as bystander mnt/bystander --size 2M

# small LIMIT BACKGROUND, in bytes
small()
{
	cg_make small
	set_knob small dirty_limit_in_bytes "$1" dirty_background_limit_in_bytes "$2"
	write_as small "mnt/$1" --size 128k --block 4k
	check_eq "$1, background $2: everything was written" "${W[bytes]}" $((128 * 1024))
	check_num "$1, background $2: the writer was throttled" \
		"$(stat_of small throttled_count)" '>' 0
	check_num "$1, background $2: no pages of others were written" \
		"$(exactly_dirty bystander)" '>=' $((2 * M - slack))
	cg_remove small
}

small 8192 max
small 65536 61440

finish
