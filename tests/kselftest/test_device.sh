#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A dirty limit also holds for a writer to the block device itself, whose pages belong to no
# file system.
# vm: --disk 512M,bps=20000000 --shared
. "$(dirname "$0")/lib.sh"
setup
limit=$((4 * M))

cg_make p
set_knob p dirty_limit_in_bytes $limit
watch_limit samples p $limit
(
	echo 0 >"$top/p/cgroup.procs"
	exec dd if=/dev/zero of="$SCRATCH" bs=64k count="$(pick 1600 320)" conv=notrunc
) 2>"$work/dd"
check "the writer wrote everything" grep -q copied "$work/dd"
halt samples S
check_held "a block device" S $limit
check_num "the writer was throttled" "$(stat_of p throttled_count)" '>' 0

finish
