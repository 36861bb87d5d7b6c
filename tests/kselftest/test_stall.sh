#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A disk stalls for some time. Only the writers of the limited cgroup that write to it wait.
# They can be killed, limits can be changed, a write to memory.dirty_writeback can be
# interrupted, and the module can be removed. When the disk works again, everything can be
# unmounted.
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
check "the writers wait" loop_until 60 stat_is p/stuck throttled_now '==' 3

# Meanwhile another cgroup, which also has a limit, writes to another disk.
lasts=$(pick 60 20)
begin=$SECONDS
spawn other append --cgroup "$top/p/other" --file "$work/good/log" --rate 20 --seconds "$lasts"

# took SECONDS COMMAND...: the command succeeds within SECONDS.
took()
{
	local begin=${EPOCHREALTIME/[.,]/} status=0 us
	"${@:2}" || status=$?
	us=$((${EPOCHREALTIME/[.,]/} - begin))
	diag "${*:2:3}: $((us / 1000)) ms"
	((status == 0 && us <= $1 * 1000000 * ${VM_SLOWNESS:-1}))
}
check "a limit can be raised" took 1 set_knob p/stuck dirty_limit_in_bytes $((8 * M))
check "a limit can be lowered" took 1 set_knob p/stuck dirty_limit_in_bytes $limit
check "a limit can be set on the parent" took 1 set_knob p dirty_limit_in_bytes $((64 * M))
check "a limit can be removed from the parent" took 1 set_knob p dirty_limit_in_bytes max
check "a pace can be set" took 1 set_knob p/stuck dirty_pace_usec 5000
look()
{
	knob p/stuck dirty_stat >"$work/stat"
}
check "the statistics can be read" took 1 look
check "a sibling can be created" took 1 cg_make p/new
check "a sibling can be removed" took 2 rmdir "$top/p/new"

# A write to memory.dirty_writeback waits for the disk until a signal arrives.
spawn writeback put --file "$top/p/stuck/memory.dirty_writeback" --value max
check "a write to memory.dirty_writeback waits" stays 2 kill -0 "${running[writeback]}"
kill -USR1 "${running[writeback]}"
check "a signal ends the wait" took 2 collect writeback W
check "the interrupted write returns an error" grep -qxE 'EINTR|EAGAIN|ERESTART.*' <<<"${W[result]}"

collect other W
diag "beside: ops=${W[ops]} max_us=${W[max_us]} p99_us=${W[p99_us]}"
check_num "writers to the other disk do not wait" "${W[max_us]}" '<' $((1000000 * ${VM_SLOWNESS:-1}))
check_num "the stalled disk wrote nothing meanwhile" "$(exactly_dirty p/stuck)" '>' $((limit / 2))
diag "the disk has been stalled for $((SECONDS - begin)) s"

kill -KILL "${running[hog]}"
reap hog
echo 1 >"$top/p/stuck/cgroup.kill"
check "waiting writers can be killed" loop_until 5 is_empty "$top/p/stuck"
check "the module can be removed while the disk is stalled" took 5 module_unload
check "the module can be loaded while the disk is stalled" took 5 module_load
# Dirty pages and pages under writeback are counted again.
set_knob p/stuck dirty_limit_in_bytes $limit
held=$(($(stat_of p/stuck dirty) + $(stat_of p/stuck writeback)))
check_num "dirty pages still count" $held '>' $((limit / 2))
check "a cgroup whose pages are stuck can be removed" took 2 rmdir "$top/p/stuck"
check "the module can be removed after that" took 5 module_unload
loaded=''

check "the disk works again" disk_goes_on
check "everything is written" took 30 sync
check "the file system can be unmounted" took 10 umount "$work/slow"
mounts=("${mounts[@]:1}")

finish
