#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A cgroup full of dirty pages comes to its memory.max, or is asked to give
# memory back: reclaim starts its writeback instead of failing, and nobody is
# OOM-killed. That of others it does not start.
# Reclaim gives up in the end if the disk takes too long.
# vm: --disk 512M,bps=20000000
# vm-debug: --disk 512M,bps=8000000
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 mnt
no_periodic_writeback
# Nor does anybody else write what a neighbour has dirty.
system_limit $((200 * M))
# To write what is in nobody's file all that is dirty is written.
no_periodic_commit mnt

# full NAME: with 24M of dirty pages of 48M, below its background limit.
full()
{
	cg_make "$1"
	echo 48M >"$top/$1/memory.max"
	set_knob "$1" dirty_limit_in_bytes 32M
	set_knob "$1" dirty_background_limit_in_bytes 31M
	spawn_writers writers "$1" "mnt/$1" --size 24M
	collect writers W
	check_num "$1: full of dirty pages" "$(exactly_dirty "$1")" '>=' $((24 * M - slack))
	started=$(stat_of "$1" writeback_started)
}

# A neighbour who has dirty pages as well, far below its limits.
cg_make neighbour
set_knob neighbour dirty_limit_in_bytes 32M
spawn_writers writers neighbour mnt/neighbour --size 6M
collect writers W

full max
# Shared memory that cannot be swapped out has to find room.
spawn_writers shmem max shmem --size 36M
collect shmem W
ok "at memory.max: memory is found"
check_num "at memory.max: dirty pages were written" "$(dirty_of max)" '<=' $((16 * M))
check_num "at memory.max: this cgroup's writeback was started" \
	"$(stat_of max writeback_started)" '>' "$started"
check_eq "at memory.max: nobody was killed" "$(events max oom_kill)" 0
rm "$work/shmem.0"

full asked
put asked reclaim 40M >"$work/ignored"
check "memory.reclaim: dirty pages were written" await below asked $((12 * M)) 10
check_num "memory.reclaim: this cgroup's writeback was started" \
	"$(stat_of asked writeback_started)" '>' "$started"
check_eq "memory.reclaim: nobody was killed" "$(events asked oom_kill)" 0
check_num "what a neighbour has dirty is left alone" "$(exactly_dirty neighbour)" '>=' $((6 * M - slack))
check_eq "its writeback was not started" "$(stat_of neighbour writeback_started)" 0

finish
