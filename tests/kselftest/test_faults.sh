#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Failing allocations and user copies, at every place where a call makes one: the call
# either fails with ENOMEM or EFAULT and has changed nothing, or it succeeds without the
# memory. The debug kernel detects leaks when the test has ended; references that are still
# held would keep the module from being removed.
#
# Every entry point of the module and of the series is tried: loading and removing the
# module, creating, removing and joining cgroups, each file, each step of a mount with both
# APIs, writes and faults that are charged, and recharging.
# vm: --disk 128M,fs=ext4 --append kunit.enable=0 --timeout 240 --shared
. "$(dirname "$0")/lib.sh"
inject=/sys/kernel/debug
[[ -e /proc/self/fail-nth && -d $inject/failslab ]] ||
	skip_all "no fault injection in this kernel"
setup_unloaded
# By default, faults are not injected into allocations that may sleep, as nearly all may.
for file in failslab/ignore-gfp-wait fail_page_alloc/ignore-gfp-{wait,highmem}; do
	must put_back "$inject/$file" N
done
must put_back $inject/fail_page_alloc/min-order 0
for file in failslab fail_page_alloc fail_usercopy; do
	must put_back $inject/$file/verbose 0
done

# bears DESCRIPTION [OPTION...] CALL...: whichever allocation fails, the call succeeds or
# changes nothing.
bears()
{
	local what=$1
	shift
	W=()
	if ! "$workload" fail "$@" >"$work/fail" 2>"$work/fail.err"; then
		not_ok "$what"
		diag "$(cat "$work/fail.err")"
		return 1
	fi
	figures W "$(cat "$work/fail")"
	diag "$what: $(cat "$work/fail" "$work/fail.err")"
	check_num "$what: faults are injected" "${W[calls]}" '>' 1
	check "$what: the errno of each failure is expected" \
		grep -qxE "(($want):[0-9]+,?)*" <<<"${W[errnos]}"
	check_eq "$what: failed calls change nothing" "${W[changed]}" 0
}

# survives DESCRIPTION [OPTION...] CALL...: the same, and some of the faults make it fail.
survives()
{
	bears "$@" && check_num "$1: some faults make the call fail" "${W[failed]}" '>' 0
}

# survives_mounting: the same, and no reference to the module is left.
survives_mounting()
{
	survives "$@"
	check "$1: the module is unused" loop_until 10 grep -qx 0 /sys/module/memcg_knobs/refcnt
}

# The errnos with which a call may fail.
want='EFAULT|ENOMEM'
cg_make a/b
# The allocations before the last 150 are the module loader's.
survives "loading the module" --last 150 insmod "$module" memcg_knobs

must module_load
survives "creating a cgroup" mkdir "$top/a/new"
survives "setting a limit" put "$top/a/b/memory.dirty_limit_in_bytes" 4M max
survives "setting a ratio" put "$top/a/b/memory.dirty_ratio" 10 max
survives "setting a floor" put "$top/a/b/memory.dirty_min" 4M 0
survives "setting a background limit" put "$top/a/b/memory.dirty_background_limit_in_bytes" 4M max
survives "setting a background ratio" put "$top/a/b/memory.dirty_background_ratio" 10 max
survives "setting a pace" put "$top/a/b/memory.dirty_pace_usec" 5000 default
survives "setting memory.persistent" put "$top/a/memory.persistent" file $'\n'
for name in mapped access adopt; do
	survives "setting the switch recharge_$name" put "$SWITCHES/recharge_$name" 1 0
done
survives "setting recharge_scope" put "$SWITCHES/recharge_scope" any subtree
survives "the system-wide pace" put "$SWITCHES/writeback_pace_usec" 30000 "$(<"$SWITCHES/writeback_pace_usec")"
survives "reading memory.dirty_stat" read "$top/a/b/memory.dirty_stat"
survives "reading memory.recharge_stat" read "$top/a/b/memory.recharge_stat"
survives "reading recharge_stat" read "$SWITCHES/recharge_stat"

# Again with a limit and a floor that hold for the new cgroup.
set_knob a dirty_limit_in_bytes 8M dirty_min 1M
survives "creating a cgroup below a limit" mkdir "$top/a/new"
cg_make a/c
bears "removing a cgroup" rmdir "$top/a/c"
bears "joining another cgroup" join "$top/a/b" "${top%/*}"
mount_at "$SCRATCH" disk
# Without a journal, no other task makes allocations on behalf of the file system.
drop_journal disk
: >"$work/disk/f"
bears "a write that is charged first" write "$work/disk/f"
bears "stores that are charged first" touch "$work/disk/f"
set_knob a dirty_limit_in_bytes max dirty_min 0

# Pages that are mapped here are recharged to this cgroup; if memory for that is missing, they
# stay with the parent.
want='EAGAIN|EFAULT|ENOMEM'
mount_at tmpfs left -t tmpfs
echo $$ >"$top/a/b/cgroup.procs"
before=$(recharged a/b recharged_in)
survives "recharging" recharge "$top/a" "$work/left/f"
check_num "recharging: the mapping cgroup was charged" "$(recharged a/b recharged_in)" '>' "$before"
echo $$ >"${top%/*}/cgroup.procs"

# tmpfs returns ENOSPC if it cannot allocate an inode.
want='EFAULT|ENOMEM|ENOSPC'
must mkdir "$work/mnt"
survives_mounting "a mount with memcg=" mount --option "memcg=$top/a" "$work/mnt"
survives_mounting "a mount with a descriptor" mount --descriptor "memcg=$top/a" "$work/mnt"
survives_mounting "a mount by mount(2)" mount-old "$work/mnt" "memcg=$top/a,size=1M"
must umount "$work/disk"
mounts=("$work/left")
# ext4 returns EINVAL for some failed allocations.
want+='|EINVAL'
survives_mounting "a disk" mount --fs ext4 --source "$SCRATCH" --option "memcg=$top/a" "$work/disk"
want='EFAULT|ENOMEM'
must "$workload" mount --option "memcg=$top/a" "$work/mnt" >/dev/null
mounts=("$work/mnt" "${mounts[@]}")
survives "a remount" mount --remount --option size=2M --option "memcg=$top/a" "$work/mnt"
: >"$work/mnt/f"
want+='|ENOSPC'
survives "a write charged to the target" write "$work/mnt/f"
bears "stores charged to the target" touch "$work/mnt/f"
must umount "$work/mnt"
mounts=("${mounts[@]:1}")
must "$workload" mount --option "memcg=$top/a" "$work/mnt" >/dev/null
bears "unmounting with memcg=" umount --option "memcg=$top/a" "$work/mnt"
must umount "$work/mnt"

bears "removing the module" rmmod "$module" memcg_knobs
check "the module can be removed after all faults" loop_until 10 module_unload
must module_load

finish
