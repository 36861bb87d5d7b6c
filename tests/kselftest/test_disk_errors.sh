#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A disk on which every request fails. Pages that could not be written are clean afterwards,
# so no task waits for them for ever. Writers of a limited cgroup continue and can be killed;
# writers to another disk are not affected; limits can be changed, the module can be removed,
# and the file system can be unmounted.
# vm: --disk 128M,fs=ext2 --disk 128M,fs=ext2 --io-errors --timeout 120 --shared
. "$(dirname "$0")/lib.sh"
inject=/sys/kernel/debug/fail_make_request
[[ -d $inject ]] || skip_all "no fault injection in this kernel"
setup
audited=1
mount_at "$SCRATCH" bad
mount_at "$SCRATCH2" good
must put_back $inject/probability 100
must put_back $inject/times -1
must put_back $inject/verbose 0
mend()
{
	echo 0 >"/sys/block/${SCRATCH##*/}/make-it-fail"
}
limit=$((2 * M))
cg_make p/bad p/good
set_knob p dirty_limit_in_bytes $((8 * M))
set_knob p/bad dirty_limit_in_bytes $limit
set_knob p/good dirty_limit_in_bytes $limit
# Write the files once: block lookups later would need the disk.
fill p/bad bad/f $((4 * M))
fill p/good good/f $((1 * M))
sync

must put_back "/sys/block/${SCRATCH##*/}/make-it-fail" 1
at_undo+=(mend)
spawn hog write --cgroup "$top/p/bad" --file "$work/bad/f" --overwrite --size 4M --block 64k \
	--writers 1 --seconds 600
spawn other append --cgroup "$top/p/good" --file "$work/good/log" --rate 10 --seconds "$(pick 20 10)"
has_passed_the_limit()
{
	stat_is p/bad writeback_started '>' 0 && kill -0 "${running[hog]}"
}
check "writeback is started, and the writer continues" loop_until 30 has_passed_the_limit
watch_limit samples p/bad $limit
collect other W
diag "beside: ops=${W[ops]} p99_us=${W[p99_us]} max_us=${W[max_us]}"
check_num "writers to the other disk do not wait" "${W[max_us]}" '<' $((1000000 * ${VM_SLOWNESS:-1}))
check "the writer to the failing disk continues" kill -0 "${running[hog]}"
halt samples S
check_num "the limit holds" "${S[max]}" '<=' $((limit + slack))
check_eq "limits can be changed" "$(put p/bad dirty_limit_in_bytes 4M)" ok
check_eq "the new limit is in force" "$(stat_of p/bad limit)" $((4 * M))
put p/bad dirty_writeback max >"$work/put"
check "a write to memory.dirty_writeback returns" grep -qxE 'ok|EAGAIN' "$work/put"
kill -KILL "${running[hog]}"
echo 1 >"$top/p/bad/cgroup.kill"
check "the writer can be killed" loop_until 10 is_empty "$top/p/bad"
reap hog
sync
nothing_is_dirty()
{
	compare "$(exactly_dirty p/bad)" '==' 0 && stat_is p/bad dirty '==' 0 &&
		stat_is p/bad writeback '==' 0
}
check "pages that could not be written are not counted as dirty" loop_until 20 nothing_is_dirty
check "the module can be removed" loop_until 10 module_unload
check "the module can be loaded again" module_load
mend
check "the file system can be unmounted" loop_until 10 umount "$work/bad"
mounts=("$work/good")

finish
