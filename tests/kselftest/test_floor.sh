#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# memory.dirty_min: while a hog keeps the whole system over its dirty limit, a writer below
# its floor is not slowed. Floors are granted from the root down, and all floors together
# get at most half of the system-wide limit. Dirty limits still apply to cgroups with floors.
#
# The victim appends 125 times a second, half a megabyte in all, to a disk that takes two:
# less than the disk can write, but more than the victim's share next to a hog with eight
# writers. There is no journal, for which the victim could wait as well. ext4 allocates blocks
# only at writeback; ext2 allocates them in the call, which on the debug kernel makes eight
# writers slower than a disk of 1 MB/s.
# vm: --disk 256M,bps=2000000 --timeout 150 --alone
# vm-debug: --disk 256M,bps=1000000 --timeout 150
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 mnt
drop_journal mnt
system=$((16 * M))
system_limit $system

# Floors are handed down, so the test's own cgroup needs a floor as well.
echo max >"$top/memory.dirty_min"
cg_make hog victim p/c rival limited q/c
# A floor also causes the other cgroups to be paced (see test_pace.sh). With a paced hog, even
# a victim without a floor would hardly wait.
set_knob hog dirty_pace_usec max
# Create the files now: next to a hog, that may wait until the disk has written everything.
touch "$work"/mnt/{limited,q}.0
spawn_writers hog hog mnt/hog --size "$(pick 16M 4M)" --writers 8 --seconds 3600
must await above hog $((system * 3 / 4)) 20
# From this point on, all writers without a floor are throttled.
must loop_until 20 stat_is hog throttled_count '>' 0

# victim CGROUP: append from the cgroup, each time to a new file, because removing a file
# waits for its writeback.
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

# The kernel counts each time that it throttles a writer, for whatever limit. A floor must
# prevent all of that; the other checks show the effect on the writer. A throttled writer
# is paused for up to 200 ms at a time, many times in one append or in many. The bound of
# 20 ms for the slowest appends is far below that, and far above the time of a write to
# memory. On the debug kernel, an append can take that long by itself, and not all are done
# in time.
slowed()
{
	without=${W[max_us]}
	check_num "$1: the writer is throttled" "$throttled" '>' 0
	check_num "$1" "${W[max_us]}" '>' 100000
}

not_slowed()
{
	with=${W[max_us]}
	check_eq "$1: the writer is never throttled" "$throttled" 0
	[[ ! $quick ]] || return 0
	check_num "$1: the writer is not paused" "${W[p99_us]}" '<=' 20000
	check_num "$1: nearly all appends are done" "${W[ops]}" '>=' $((W[scheduled] * 95 / 100))
}

floor_helps()
{
	[[ $quick ]] || return 0
	check_num "$1: the longest stall is shorter with a floor" "$with" '<' "$without"
}

victim victim
slowed "a writer without a floor is slowed"
set_knob victim dirty_min 8M
victim victim
not_slowed "a writer with a floor is not slowed"
floor_helps victim
set_knob victim dirty_min 0

set_knob p dirty_min 8M
set_knob p/c dirty_min 8M
victim p/c
not_slowed "a floor that the parent hands down is granted"
set_knob p dirty_min 0
victim p/c
slowed "a floor that the parent does not have is not granted"
floor_helps p/c

# Both are granted what they ask for: 8M in all, which is all that floors can have. The owner
# of p then claims more inside p.
set_knob p dirty_min 2M
set_knob rival dirty_min 6M
set_knob p/c dirty_min 1G
victim rival
not_slowed "a claim above the parent's floor takes nothing from others"
set_knob rival dirty_min 0
set_knob p dirty_min 0

set_knob hog dirty_pace_usec default

# limit_holds DESCRIPTION LIMITED WRITER: the limit holds with a floor of four times the limit.
limit_holds()
{
	set_knob "$2" dirty_limit_in_bytes 2M dirty_min 8M
	set_knob "$3" dirty_min 8M
	spawn_writers writer "$3" "mnt/$2" --overwrite --size 16M --seconds 3600
	must await above "$2" "$M" 20
	watch_limit limited "$2" $((2 * M)) --seconds "$(pick 4 3)"
	collect limited S
	halt writer W
	check_limit "$1" S $((2 * M))
	set_knob "$2" dirty_min 0
}

limit_holds "a floor beside the cgroup's own limit" limited limited
limit_holds "a floor beside an ancestor's limit" q q/c

# The owner of a subtree claims more than it was granted, and others claim more than there is.
# The dirty pages of all writers stay within the system-wide limit plus the most that floors
# can add to it. The kernel allows the system-wide limit to be exceeded slightly, hence the
# margin. First wait until the pages that were dirtied under the previous floors are written.
must await below limited $slack 20
must await below q $slack 20
total=$((system + system / 2))
set_knob p dirty_min 16M
set_knob p/c dirty_min 1G
set_knob victim dirty_min 64M
spawn_writers c p/c mnt/c --size 24M --writers 2 --seconds 3600
spawn_writers v victim mnt/v --size 24M --writers 2 --seconds 3600
check "writers with a floor can use it" await above victim $((2 * M)) 20
# Only this test's cgroups write, so their sum is that of the system.
spawn total sample --cgroup "$top" --seconds "$(pick 6 4)" --rt 99
collect total S
diag "all of them: max=${S[max]} mean=${S[mean]}"
check_num "over-claimed floors add no more than half the system-wide limit" \
	"${S[max]}" '<=' $((total * 9 / 8 + slack))
halt c W
halt v W
halt hog W

finish
