#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# One limit over two disks, a fast and a slow one: the sum holds, and neither
# disk's writer is stopped for the other's sake.
# vm: --disk 512M,bps=20000000 --disk 256M,bps=2000000 --alone
# vm-debug: --disk 512M,bps=2000000 --disk 256M,bps=200000
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 fast "$SCRATCH"
fs_make ext4 slow "${SCRATCH2-}"

# What the limit lets them have at once tells nothing of the disks, so it is little
# beside what these take meanwhile.
limit=$(pick $((8 * M)) $((2 * M)))
cg_make a
set_knob a dirty_limit_in_bytes "$limit"
fast_before=$(disk_written "$SCRATCH") slow_before=$(disk_written "$SCRATCH2")
watch_limit sum a "$limit"
spawn_writers slow a slow/f --size 32M --seconds "$(pick 6 12)"
spawn_writers fast a fast/f --size 32M --seconds "$(pick 6 12)"
collect slow W
slow=${W[bytes]}
collect fast W
fast=${W[bytes]}
fast_disk=$(($(disk_written "$SCRATCH") - fast_before))
slow_disk=$(($(disk_written "$SCRATCH2") - slow_before))
halt sum S
diag "written by the fast disk's writer $fast, by the slow one's $slow; by the disks $fast_disk, $slow_disk"
check_held "the sum over both disks" S "$limit"
check_progress "the slow disk's writer makes progress" "$slow" $((2 * M))
check_num "the fast disk's writer is not held to the slow disk's speed" \
	"$fast" '>=' $((2 * slow))
# One is ten times as fast as the other, if there is always something for it to do;
# the debug kernel cannot always see to that.
check_num "the fast disk writes more" "$fast_disk" '>=' $(($(pick 5 2) * slow_disk))

finish
