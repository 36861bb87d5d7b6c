#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A disk stalls, and its writers use up a limit that they share with others. Writers to
# another disk still make progress, whether they are in a sibling or in the same cgroup, and
# however they write, even when no task is left that waits for the stalled disk.
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

# appends DESCRIPTION: append to the good disk for some time, 50 times a second unless throttled.
# W has the figures.
appends()
{
	spawn log append --cgroup "$top/p/works" --file "$work/good/log" --rate 50 --seconds 10
	collect log W
	diag "$1: ops=${W[ops]} p50_us=${W[p50_us]} p99_us=${W[p99_us]} max_us=${W[max_us]}"
}

# check_written DESCRIPTION CGROUP [OPTION...]: write much more to the good disk than the
# reserve for such a case. At one page every three seconds, this would take half an hour.
check_written()
{
	spawn_writers once "$2" good/once --size 2M --block 4k "${@:3}"
	if check "$1" loop_until 40 has_ended once; then
		collect once W
	else
		kill -KILL "${running[once]}"
		diag "$(knob p dirty_stat | paste -s -d ' ')"
	fi
}

appends "no disk is stalled"
alone=${W[ops]} tenth=$((100000 * ${VM_SLOWNESS:-1}))
# On a busy machine, appends take longer in any case.
longest=$((W[p99_us] * 4 > tenth ? W[p99_us] * 4 : tenth))
check_num "the sibling appends to the good disk" "$alone" '>' 0

disk_stalls
watch_limit sum p $limit
# All of them wait ahead of later writers.
spawn_writers hog p/stuck slow/hog --size 4M --block 64k --writers 20 --seconds 600
check "the stalled disk's writers wait" loop_until 60 stat_is p/stuck throttled_now '==' 20
appends "a sibling of the stalled cgroup"
# Without the reserve, there was one append every few seconds.
check_num "a sibling appends to the good disk as before" "${W[ops]}" '>=' $((alone / 2))
check_num "few of the appends take long" "${W[p99_us]}" '<=' "$longest"
check_written "a sibling writes to the good disk" p/works
check_written "a sibling writes through a mapping" p/works --mode mmap
check_written "a sibling writes in large pieces" p/works --block 512k
check_written "a writer in the stalled cgroup writes to the good disk" p/stuck
halt sum S
diag "limit=$limit max=${S[max]} above=${S[above]}/${S[n]}"
check_num "the limit holds meanwhile" "${S[max]}" '<=' $((limit + slack))
check "the stalled disk's writers still wait" stat_is p/stuck throttled_now '==' 20

# Their dirty pages stay.
kill -KILL "${running[hog]}"
reap hog
echo 1 >"$top/p/stuck/cgroup.kill"
check "the stalled disk's writers can be killed" loop_until 5 is_empty "$top/p/stuck"
check_written "a sibling writes to the good disk when no task waits for the stalled one" p/works
check_num "the limit is still full" "$(exactly_dirty p)" '>=' $((limit * 3 / 4))

disk_goes_on
check "everything is written when the disk works again" timeout $((30 * ${VM_SLOWNESS:-1})) sync

finish
