#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# memory.dirty_min: while a hog keeps the whole system over its limit, a writer
# below its floor is not slowed. Floors are granted from the top, and all of
# them together claim at most half of the system-wide limit.
#
# The victim appends 125 times a second, half a megabyte, to a disk that takes
# two: less than there is, but more than its share beside a hog of eight. There
# is no journal in which it would wait for other reasons, and blocks are only
# allocated at writeback: on the debug kernel ext2, which allocates them in the
# call, makes eight writers slower than a disk of 1 MB/s.
# vm: --disk 256M,bps=2000000 --timeout 90 --alone
# vm-debug: --disk 256M,bps=1000000 --timeout 90
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 mnt
must umount "$work/mnt"
must tune2fs -O ^has_journal "$SCRATCH" >/dev/null
must mount "$SCRATCH" "$work/mnt"
system=$((16 * M))
system_limit $system

# Floors are handed down, so this test's own cgroup needs one to hand on.
echo max >"$top/memory.dirty_min"
cg_make hog victim p/c
spawn_writers hog hog mnt/hog --size "$(pick 16M 4M)" --writers 8 --seconds 3600
must await above hog $((system * 3 / 4)) 20

# victim CGROUP: appends there. Each time it has a file of its own: to remove
# one means to wait for its writeback.
turn=0
victim()
{
	turn=$((turn + 1))
	spawn victim append --cgroup "$top/$1" --file "$work/mnt/victim.$turn" \
		--seconds "$(pick 8 6)"
	collect victim W
	diag "$1: ${W[ops]} of ${W[scheduled]} appends, p99_us=${W[p99_us]} max_us=${W[max_us]}"
}

# Who is throttled is paused for up to 200 ms at a time, many times in one append
# or in many; 20 ms in one of a hundred are far from that, and far from a write in
# memory. On the debug kernel an append can take that long by itself, and not all
# of them are done in time: there, only what is with a floor and what is without
# is compared.
slowed()
{
	without=${W[ops]}
	check_num "$1" "${W[max_us]}" '>' 100000
}

not_slowed()
{
	with=${W[ops]}
	[[ ! $quick ]] || return 0
	check_num "$1: no pauses" "${W[p99_us]}" '<=' 20000
	check_num "$1: nearly all appends" "$with" '>=' $((W[scheduled] * 95 / 100))
}

floor_helps()
{
	[[ $quick ]] || return 0
	check_num "$1: more appends with a floor than without" "$with" '>' "$without"
}

victim victim
slowed "without a floor the writer is slowed"
set_knob victim dirty_min 8M
victim victim
not_slowed "with a floor the writer is not slowed"
floor_helps victim
set_knob victim dirty_min 0

set_knob p dirty_min 8M
set_knob p/c dirty_min 8M
victim p/c
not_slowed "a floor that the parent hands on"
set_knob p dirty_min 0
victim p/c
slowed "a floor that the parent does not have is not granted"
floor_helps p/c

# An owner of a subtree claims more than it was given, two others more than
# there is. What all writers hold stays within the system-wide limit and what
# the floors may add to it at most. The kernel lets the system-wide limit be
# passed by a little, so there is some room.
total=$((system + system / 2))
set_knob p dirty_min 16M
set_knob p/c dirty_min 1G
set_knob victim dirty_min 64M
spawn_writers c p/c mnt/c --size 24M --writers 2 --seconds 60
spawn_writers v victim mnt/v --size 24M --writers 2 --seconds 60
check "writers with a floor get to hold some of it" await above victim $((2 * M)) 20
# The sum is that of this test's cgroups: nobody else writes.
spawn total sample --cgroup "$top" --seconds "$(pick 6 4)" --rt 99
collect total S
diag "all of them: max=${S[max]} mean=${S[mean]}"
check_num "over-claimed floors add no more than half the system-wide limit" \
	"${S[max]}" '<=' $((total * 9 / 8 + slack))
halt c W
halt v W
halt hog W

finish
