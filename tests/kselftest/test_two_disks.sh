#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# One limit for two disks, a fast and a slow one: the sum stays within the limit, and the writer
# to neither disk is stopped because of the other.
# vm: --disk 512M,bps=20000000 --disk 256M,bps=2000000 --alone
# vm-debug: --disk 512M,bps=2000000 --disk 256M,bps=200000
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 fast "$SCRATCH"
fs_make ext4 slow "${SCRATCH2-}"

# The limit is small compared with what the disks write meanwhile, because pages that are only
# dirtied say nothing about the disks.
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
check_num "the fast disk's writer is not held to the slow disk's speed" "$fast" '>=' $((2 * slow))
# The fast disk is ten times as fast as the other while it is kept busy, which the debug
# kernel cannot always do.
check_num "the fast disk writes more" "$fast_disk" '>=' $(($(pick 5 2) * slow_disk))

finish
