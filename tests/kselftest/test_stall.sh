#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A disk that takes nothing for a while: the writers of a limited cgroup wait for it, and
# nobody else does. They can be killed, limits can be changed, what waits in a file can be
# interrupted, the module comes out; and when the disk goes on all can be unmounted.
# vm: --disk 256M,fs=ext4 --disk 256M,fs=ext4 --timeout 150 --shared
. "$(dirname "$0")/lib.sh"
setup
stalling_disk

limit=$((4 * M))
cg_make p/stuck p/other
set_knob p/stuck dirty_limit_in_bytes $limit
set_knob p/other dirty_limit_in_bytes $limit

disk_stalls
spawn_writers hog p/stuck slow/hog --size 32M --block 64k --writers 3 --seconds 600
# shellcheck disable=SC2317 # loop_until calls it.
all_wait()
{
	(($(stat_of p/stuck throttled_now) == 3))
}
check "the writers wait" loop_until 60 all_wait

# For the time that it lasts somebody else, who has a limit as well, goes on, on another disk.
lasts=$(pick 60 20)
begin=$SECONDS
spawn other append --cgroup "$top/p/other" --file "$work/good/log" --rate 20 --seconds "$lasts"

# took SECONDS COMMAND...: no longer than that.
took()
{
	local begin=${EPOCHREALTIME/[.,]/} status=0 us
	"${@:2}" || status=$?
	us=$((${EPOCHREALTIME/[.,]/} - begin))
	diag "${*:2:3}: $((us / 1000)) ms"
	((status == 0 && us <= $1 * 1000000 * ${VM_SLOWNESS:-1}))
}
check "a limit can be raised" took 1 set_knob p/stuck dirty_limit_in_bytes $((8 * M))
check "and lowered" took 1 set_knob p/stuck dirty_limit_in_bytes $limit
check "and set above" took 1 set_knob p dirty_limit_in_bytes $((64 * M))
check "and removed there" took 1 set_knob p dirty_limit_in_bytes max
check "and a pace" took 1 set_knob p/stuck dirty_pace_usec 5000
# shellcheck disable=SC2317 # took calls it.
look()
{
	knob p/stuck dirty_stat >"$work/stat"
}
check "the statistics can be read" took 1 look
check "a cgroup can be made and removed beside" took 1 cg_make p/new
check "and removed" took 2 rmdir "$top/p/new"

# What is asked to write it all back waits for the disk, until a signal comes.
"$workload" put --file "$top/p/stuck/memory.dirty_writeback" --value max >"$work/put" 2>&1 &
running[writeback]=$!
check "writing back waits" stays 2 kill -0 "${running[writeback]}"
kill -USR1 "${running[writeback]}"
collect_put()
{
	wait "${running[writeback]}"
	unset "running[writeback]"
}
check "and ends at a signal" took 2 collect_put
figures W "$(<"$work/put")"
check "with what it has come to" grep -qxE 'EINTR|EAGAIN|ERESTART.*' <<<"${W[result]}"

collect other W
diag "beside: ops=${W[ops]} max_us=${W[max_us]} p99_us=${W[p99_us]}"
check_num "whoever writes elsewhere does not wait" "${W[max_us]}" '<' $((1000000 * ${VM_SLOWNESS:-1}))
check_num "the disk took nothing meanwhile" "$(exactly_dirty p/stuck)" '>' $((limit / 2))
diag "the disk has stood still for $((SECONDS - begin)) s"

kill -KILL "${running[hog]}"
wait "${running[hog]}" 2>/dev/null
unset "running[hog]"
echo 1 >"$top/p/stuck/cgroup.kill"
check "writers that wait can be killed" loop_until 5 is_empty "$top/p/stuck"
check "the module comes out while the disk stands still" took 5 module_unload
check "and goes in again" took 5 module_load
# What is dirty and under writeback is counted anew.
set_knob p/stuck dirty_limit_in_bytes $limit
held=$(($(stat_of p/stuck dirty) + $(stat_of p/stuck writeback)))
check_num "what is dirty still counts" $held '>' $((limit / 2))
check "a cgroup whose pages are stuck can be removed" took 2 rmdir "$top/p/stuck"
check "and the module comes out after that" took 5 module_unload
loaded=''

check "the disk goes on" disk_goes_on
check "and all is written" took 30 sync
check "and unmounted" took 10 umount "$work/slow"
mounts=("${mounts[@]:1}")

finish
