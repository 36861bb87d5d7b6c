#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A disk stands still, and its writers hold all that they may of a limit which others are
# under as well. Who writes to another disk goes on, whether it is a sibling, or is in the
# same cgroup, and however it writes; and once it goes on when nobody is left who waits for
# the disk.
#
#        p  8M
#       /     \
#   stuck     works
# vm: --disk 256M,fs=ext4 --disk 256M,fs=ext4 --timeout 180
. "$(dirname "$0")/lib.sh"
setup
stalling_disk

limit=$((8 * M))
cg_make p/stuck p/works
set_knob p dirty_limit_in_bytes $limit

# appends DESCRIPTION: append to the good disk for a while, 50 times a second if nothing is in the
# way. W has the figures.
appends()
{
	spawn log append --cgroup "$top/p/works" --file "$work/good/log" --rate 50 --seconds 10
	collect log W
	diag "$1: ops=${W[ops]} p50_us=${W[p50_us]} p99_us=${W[p99_us]} max_us=${W[max_us]}"
}

# shellcheck disable=SC2317 # loop_until calls it.
all_wait()
{
	(($(stat_of p/stuck throttled_now) == 20))
}

# shellcheck disable=SC2317 # loop_until calls it.
has_ended()
{
	! kill -0 "${running[$1]}" 2>/dev/null
}

# check_written DESCRIPTION CGROUP [OPTION...]: a good deal more than what is kept for such a
# case is written to the good disk. One page each three seconds would take half an hour.
check_written()
{
	spawn_writers once "$2" good/once --size 2M --block 4k "${@:3}"
	if loop_until 40 has_ended once; then
		collect once W
		ok "$1"
	else
		kill -KILL "${running[once]}"
		not_ok "$1"
		diag "$(knob p dirty_stat | paste -s -d ' ')"
	fi
}

appends "no disk stands still"
alone=${W[ops]} tenth=$((100000 * ${VM_SLOWNESS:-1}))
# On a machine that is busy with other things, appends take their time in any case.
longest=$((W[p99_us] * 4 > tenth ? W[p99_us] * 4 : tenth))
check_num "appends to the good disk" "$alone" '>' 0

disk_stalls
watch_limit sum p $limit
# All of them wait in front of whoever comes later.
spawn_writers hog p/stuck slow/hog --size 4M --block 64k --writers 20 --seconds 600
check "the stalled disk's writers wait" loop_until 60 all_wait
appends "a sibling of theirs"
# One in some seconds is what it was.
check_num "a sibling appends to the good disk as before" "${W[ops]}" '>=' $((alone / 2))
check_num "and few of the appends take long" "${W[p99_us]}" '<=' "$longest"
check_written "a sibling writes to the good disk" p/works
check_written "so it does through a mapping" p/works --mode mmap
check_written "and in large pieces" p/works --block 512k
check_written "whoever is in the same cgroup writes there, too" p/stuck
halt sum S
diag "limit=$limit max=${S[max]} above=${S[above]}/${S[n]}"
check_num "the limit holds meanwhile" "${S[max]}" '<=' $((limit + slack))
check "the stalled disk's writers still wait" all_wait

# They leave what they have dirtied.
kill -KILL "${running[hog]}"
wait "${running[hog]}" 2>/dev/null
unset "running[hog]"
echo 1 >"$top/p/stuck/cgroup.kill"
check "they can be killed" loop_until 5 is_empty "$top/p/stuck"
check_written "with nobody left who waits for the stalled disk, a sibling writes to the good one" p/works
check_num "the limit is still full" "$(exactly_dirty p)" '>=' $((limit * 3 / 4))

disk_goes_on
check "the disk goes on, and all is written" timeout $((30 * ${VM_SLOWNESS:-1})) sync

finish
