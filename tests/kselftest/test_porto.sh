#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The test of the container manager porto for its dirty limit: with a limit of 10M, dd writes
# 100M, and never more than 10M are dirty. All data of the throttled writer is on the disk
# afterwards.
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
check_held "the kernel's statistics" S $limit
halt module S
check_eq "${mib}M were written" "$status $(stat -c %s "$work/mnt/f")" "0 $((mib * M))"
check_num "memory.dirty_stat: never above the limit" "${S[max]}" '<=' $limit
check_used "memory.dirty_stat" S $limit
check_content "the disk has the data that was written" "$work/mnt/f" "$work/data"

finish
