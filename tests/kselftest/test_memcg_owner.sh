#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A mount with memcg= holds a reference to the module whose policy it was made under, and to
# no other, even after that policy was unregistered and another module's is in force. A module
# that is not live yet, and whose initialization may still fail, cannot serve mounts.
# vm: --timeout 60 --shared
. "$(dirname "$0")/lib.sh"
setup_unloaded
fleeting=${module%/*}/memcg_fleeting.ko
[[ -r $fleeting ]] || skip_all "no module $fleeting"
mkdir "$work/one" "$work/two"
sysfs=/sys/kernel/mm

# try DIRECTORY: mount there, for the pod.
try()
{
	try_mount "$1" --option "memcg=$top/pod"
}

# uses MODULE: the number of references to the module.
uses()
{
	cat "/sys/module/$1/refcnt"
}

cg_make pod end

# --- a module whose initialization fails ---------------------------------------------
insmod "$fleeting" fail=1 2>"$work/insmod" &
pid=$!
must loop_until 30 test -e "$sysfs/memcg_fleeting"
check_eq "the module is not live yet" "$(cat /sys/module/memcg_fleeting/initstate)" coming
wrong=0
for _ in {1..10}; do
	[[ $(try one) == EINVAL ]] || wrong=$((wrong + 1))
	! mountpoint -q "$work/one" || must umount "$work/one"
done
check_eq "a module that is not live serves no mounts" "$wrong" 0
# busybox's insmod tries twice, by two system calls.
insmod_has_ended()
{
	[[ ! -d $top/end ]] || rmdir "$top/end"
	mkdir "$top/end"
	[[ ! -d /proc/$pid ]]
}
must loop_until 30 insmod_has_ended
wait "$pid"
check "the initialization fails when a cgroup is removed" grep -q canceled "$work/insmod"
must loop_until 30 test ! -e /sys/module/memcg_fleeting
# The next policy must not be told of the cgroups that were removed for this one.
must loop_until 30 grep -qx 'nr_dying_descendants 0' "$top/cgroup.stat"

# --- a policy that ends before its module and its mounts do --------------------------
must insmod "$fleeting"
check_eq "a live module serves mounts" "$(try one)" ok
check_eq "the mount holds the module" "$(uses memcg_fleeting)" 1
check "rmmod fails" grep -q 'temporarily unavailable' <(rmmod memcg_fleeting 2>&1)
check "the mount still works" touch "$work/one/file"
must rmdir "$top/end"
must loop_until 30 test ! -e "$sysfs/memcg_fleeting"

must module_load
check_eq "the next module is not held by that mount" "$(uses memcg_knobs)" 0
check_eq "the next module serves no mounts while that mount exists" "$(try two)" EINVAL
check "the message names another module" grep -q "another module" "$work/log"
diag "$(cat "$work/log")"
must umount "$work/one"
check_eq "the last unmount releases the first module" "$(uses memcg_fleeting)" 0
check_eq "the last unmount does not change the next module's references" "$(uses memcg_knobs)" 0
must rmmod memcg_fleeting

check_eq "the next module then serves mounts" "$(try two)" ok
check_eq "the new mount holds the next module" "$(uses memcg_knobs)" 1
must umount "$work/two"
check_eq "the unmount releases the next module" "$(uses memcg_knobs)" 0
check "the next module can be removed" module_unload
finish
