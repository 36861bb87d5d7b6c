#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The test that porto, a container manager, has for this knob: limit 10M, 100M
# written by dd, and never more than 10M dirty. And what the writer was stopped
# with so often has all arrived.
# vm: --disk 512M,bps=20000000 --timeout 120 --shared
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 mnt
limit=$((10 * M)) mib=100
dd if=/dev/urandom of="$work/random" bs=1M count=1 status=none
for ((i = 0; i < mib; i++)); do
	echo "$work/random"
done | xargs cat >"$work/data"

cg_make a
set_knob a dirty_limit_in_bytes 10M
watch_limit kernel a $limit
watch_limit module a $limit --source dirty-stat
(
	echo 0 >"$top/a/cgroup.procs"
	exec dd if="$work/data" of="$work/mnt/f" bs=1M count="$mib" status=none
)
status=$?
halt kernel S
check_held "by the kernel's statistics" S $limit
halt module S
check_eq "${mib}M were written" "$status $(stat -c %s "$work/mnt/f")" "0 $((mib * M))"
check_num "by memory.dirty_stat: never above" "${S[max]}" '<=' $limit
check_used "by memory.dirty_stat" S $limit
check_content "the disk has what was written" "$work/mnt/f" "$work/data"

finish
