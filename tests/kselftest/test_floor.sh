#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# memory.dirty_min: while a hog keeps the whole system over its limit, a writer
# below its floor is not slowed. Floors are granted from the top, and all of
# them together claim at most half of the system-wide limit. Limits hold beside
# them.
#
# The victim appends 125 times a second, half a megabyte, to a disk that takes
# two: less than there is, but more than its share beside a hog of eight. There
# is no journal in which it would wait for other reasons, and blocks are only
# allocated at writeback: on the debug kernel ext2, which allocates them in the
# call, makes eight writers slower than a disk of 1 MB/s.
# vm: --disk 256M,bps=2000000 --timeout 150 --alone
# vm-debug: --disk 256M,bps=1000000 --timeout 150
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 mnt
drop_journal mnt
system=$((16 * M))
system_limit $system

# Floors are handed down, so this test's own cgroup needs one to hand on.
echo max >"$top/memory.dirty_min"
cg_make hog victim p/c rival limited q/c
# A floor has the others paced as well, which is another test's concern, and leaves
# a victim without a floor with little to wait for.
set_knob hog dirty_pace_usec max
# To make a file beside a hog can mean to wait for all that the disk has to write.
touch "$work"/mnt/{limited,q}.0
spawn_writers hog hog mnt/hog --size "$(pick 16M 4M)" --writers 8 --seconds 3600
must await above hog $((system * 3 / 4)) 20
# From then on everybody is.
# shellcheck disable=SC2317 # loop_until calls it.
hog_is_throttled()
{
	compare "$(stat_of hog throttled_count)" '>' 0
}
must loop_until 20 hog_is_throttled

# victim CGROUP: appends there. Each time it has a file of its own: to remove
# one means to wait for its writeback.
turn=0
victim()
{
	turn=$((turn + 1))
	throttled=$(stat_of "$1" throttled_count)
	spawn victim append --cgroup "$top/$1" --file "$work/mnt/victim.$turn" \
		--seconds "$(pick 8 4)"
	collect victim W
	throttled=$(($(stat_of "$1" throttled_count) - throttled))
	diag "$1: ${W[ops]} of ${W[scheduled]} appends, ${W[on_time]} of them on time," \
		"p99_us=${W[p99_us]} max_us=${W[max_us]}, throttled $throttled times"
}

# The kernel counts each time that it makes a writer wait, whatever the limit.
# That is what a floor is to prevent, all of it; the rest shows that this is what
# the writer sees of it. Who is throttled is paused for up to 200 ms at a time,
# many times in one append or in many; 20 ms in one of a hundred are far from that,
# and far from a write in memory. On the debug kernel an append can take that long
# by itself, and not all of them are done in time.
slowed()
{
	without=${W[max_us]}
	check_num "$1: it is throttled" "$throttled" '>' 0
	check_num "$1" "${W[max_us]}" '>' 100000
}

not_slowed()
{
	with=${W[max_us]}
	check_eq "$1: it is never throttled" "$throttled" 0
	[[ ! $quick ]] || return 0
	check_num "$1: no pauses" "${W[p99_us]}" '<=' 20000
	check_num "$1: nearly all appends" "${W[ops]}" '>=' $((W[scheduled] * 95 / 100))
}

floor_helps()
{
	[[ $quick ]] || return 0
	check_num "$1: a shorter longest stall with a floor than without" "$with" '<' "$without"
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

# Both have been granted what they ask for, 8M in all, which is all there is. The
# owner of p then claims more, inside of p.
set_knob p dirty_min 2M
set_knob rival dirty_min 6M
set_knob p/c dirty_min 1G
victim rival
not_slowed "a claim that exceeds what is granted above it takes nothing from others"
set_knob rival dirty_min 0
set_knob p dirty_min 0

set_knob hog dirty_pace_usec default

# limit_holds DESCRIPTION LIMITED WRITER: with a floor that is four times the limit.
limit_holds()
{
	set_knob "$2" dirty_limit_in_bytes 2M
	set_knob "$2" dirty_min 8M
	set_knob "$3" dirty_min 8M
	spawn_writers writer "$3" "mnt/$2" --overwrite --size 16M --seconds 3600
	must await above "$2" "$M" 20
	watch_limit limited "$2" $((2 * M)) --seconds "$(pick 4 3)"
	collect limited S
	halt writer W
	check_held "$1" S $((2 * M))
	check_used "$1" S $((2 * M))
	set_knob "$2" dirty_min 0
}

limit_holds "a floor beside the cgroup's own limit" limited limited
limit_holds "a floor beside an ancestor's limit" q q/c

# An owner of a subtree claims more than it was given, two others more than
# there is. What all writers hold stays within the system-wide limit and what
# the floors may add to it at most. The kernel lets the system-wide limit be
# passed by a little, so there is some room. What was dirtied below floors that are
# taken back is still there, and is written first.
must await below limited $slack 20
must await below q $slack 20
total=$((system + system / 2))
set_knob p dirty_min 16M
set_knob p/c dirty_min 1G
set_knob victim dirty_min 64M
spawn_writers c p/c mnt/c --size 24M --writers 2 --seconds 3600
spawn_writers v victim mnt/v --size 24M --writers 2 --seconds 3600
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
