#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A writer of a block device itself, whose pages are no file's: its limit holds, too.
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
check "all was written" grep -q copied "$work/dd"
halt samples S
check_held "a block device" S $limit
check_num "its writer was throttled" "$(stat_of p throttled_count)" '>' 0

finish
