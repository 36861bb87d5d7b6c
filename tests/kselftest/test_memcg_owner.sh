#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Mounts with memcg= keep the module whose policy they rely on, and no other, also when
# that policy has ended and another module's is there; and a module that is not live
# yet, whose initialization may fail, gives none.
# vm: --timeout 60 --shared
. "$(dirname "$0")/lib.sh"
setup_unloaded
fleeting=${module%/*}/memcg_fleeting.ko
[[ -r $fleeting ]] || skip_all "no module $fleeting"
mkdir "$work/one" "$work/two"
sysfs=/sys/kernel/mm

# try DIRECTORY: mounts there; prints "ok" or the name of the errno, and leaves what the
# kernel had to say in $work/log.
try()
{
	local line
	line=$("$workload" mount "$work/$1" --option "memcg=$top/pod" 2>&1)
	echo "${line#*log=}" >"$work/log"
	line=${line#result=}
	echo "${line%% *}"
}

# uses MODULE: how many references there are to it.
uses()
{
	cat "/sys/module/$1/refcnt"
}

is_gone()
{
	[[ ! -e $1 ]]
}

cg_make pod end

# --- a module whose initialization fails ---------------------------------------------
insmod "$fleeting" fail=1 2>"$work/insmod" &
pid=$!
must loop_until 30 test -e "$sysfs/memcg_fleeting"
check_eq "its state meanwhile" "$(cat /sys/module/memcg_fleeting/initstate)" coming
wrong=0
for _ in {1..10}; do
	[[ $(try one) == EINVAL ]] || wrong=$((wrong + 1))
	! mountpoint -q "$work/one" || must umount "$work/one"
done
check_eq "it gives no mounts while it is not live" "$wrong" 0
# busybox's insmod tries twice, by two system calls.
has_ended()
{
	[[ ! -d $top/end ]] || rmdir "$top/end"
	mkdir "$top/end"
	[[ ! -d /proc/$pid ]]
}
must loop_until 30 has_ended
wait "$pid"
check "it fails when a cgroup is removed" grep -q canceled "$work/insmod"
must loop_until 30 is_gone /sys/module/memcg_fleeting

# --- a policy that ends before its module, and its mounts ----------------------------
must insmod "$fleeting"
check_eq "a live one gives mounts" "$(try one)" ok
check_eq "which keep it" "$(uses memcg_fleeting)" 1
check "and rmmod refuses" grep -q 'temporarily unavailable' <(rmmod memcg_fleeting 2>&1)
check "so the mount stays, and works" touch "$work/one/file"
must rmdir "$top/end"
must loop_until 30 is_gone "$sysfs/memcg_fleeting"

must module_load
check_eq "the next one keeps none of them" "$(uses memcg_knobs)" 0
check_eq "and gives none as long as they are there" "$(try two)" EINVAL
check "the reason" grep -q "another module" "$work/log"
diag "$(cat "$work/log")"
must umount "$work/one"
check_eq "the last one gone lets go of who gave it" "$(uses memcg_fleeting)" 0
check_eq "and not of the next one" "$(uses memcg_knobs)" 0
must rmmod memcg_fleeting

check_eq "which gives mounts then" "$(try two)" ok
check_eq "that keep it" "$(uses memcg_knobs)" 1
must umount "$work/two"
check_eq "as long as they are there" "$(uses memcg_knobs)" 0
check "and goes" module_unload
finish
