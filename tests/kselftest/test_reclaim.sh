#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A cgroup full of dirty pages reaches its memory.max, or memory.reclaim is written: reclaim
# starts the cgroup's writeback instead of failing, no task is OOM-killed, and no writeback of
# other cgroups is started. Reclaim gives up at last if the disk takes too long.
# vm: --disk 512M,bps=20000000
# vm-debug: --disk 512M,bps=8000000
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 mnt
no_periodic_writeback
# Keep the system-wide limit from causing writeback of the neighbour's pages.
system_limit $((200 * M))
# A commit dirties pages that belong to no file; their writeback would write all dirty pages.
no_periodic_commit mnt

# full NAME: a cgroup of 48M with 24M of dirty pages, below its background limit.
full()
{
	cg_make "$1"
	set_knob "$1" max 48M dirty_limit_in_bytes 32M dirty_background_limit_in_bytes 31M
	write_as "$1" "mnt/$1" --size 24M
	check_num "$1: many pages are dirty" "$(exactly_dirty "$1")" '>=' $((24 * M - slack))
	started=$(stat_of "$1" writeback_started)
}

# A neighbour with dirty pages, far below its limits.
cg_make neighbour
set_knob neighbour dirty_limit_in_bytes 32M
write_as neighbour mnt/neighbour --size 6M

full max
# Room for shared memory, which cannot be swapped out, must come from reclaim.
write_as max shmem --size 36M
ok "at memory.max: reclaim makes room"
check_num "at memory.max: dirty pages were written" "$(dirty_of max)" '<=' $((16 * M))
check_num "at memory.max: this cgroup's writeback was started" \
	"$(stat_of max writeback_started)" '>' "$started"
check_eq "at memory.max: no task was killed" "$(events max oom_kill)" 0
rm "$work/shmem.0"

full asked
put asked reclaim 40M >"$work/ignored"
check "memory.reclaim: dirty pages were written" await below asked $((12 * M)) 10
check_num "memory.reclaim: this cgroup's writeback was started" \
	"$(stat_of asked writeback_started)" '>' "$started"
check_eq "memory.reclaim: no task was killed" "$(events asked oom_kill)" 0
check_num "a neighbour's pages stay dirty" "$(exactly_dirty neighbour)" '>=' $((6 * M - slack))
check_eq "a neighbour's writeback is not started" "$(stat_of neighbour writeback_started)" 0

finish
