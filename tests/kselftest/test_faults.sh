#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# For whatever the kernel finds no memory, at each place where it asks for some, or
# cannot copy from or to the caller: the call fails with ENOMEM or EFAULT and has
# changed nothing, or it does without. That nothing leaks is for the debug kernel to
# find when the test has ended, and that nothing is held, for the module: it comes out.
#
# Every way into the module and the series is tried: loading and removing, cgroups that
# are made, removed and joined, each file, each step of a mount by both APIs, writes and
# faults that are charged, recharging.
# vm: --disk 128M,fs=ext4 --append kunit.enable=0 --timeout 240 --shared
. "$(dirname "$0")/lib.sh"
inject=/sys/kernel/debug
[[ -e /proc/self/fail-nth && -d $inject/failslab ]] ||
	skip_all "no fault injection in this kernel"
setup_unloaded
# Nearly all of them may wait for memory; those do not fail unless asked to.
for file in failslab/ignore-gfp-wait fail_page_alloc/ignore-gfp-{wait,highmem}; do
	must put_back "$inject/$file" N
done
must put_back $inject/fail_page_alloc/min-order 0
for file in failslab fail_page_alloc fail_usercopy; do
	must put_back $inject/$file/verbose 0
done

# bears DESCRIPTION [OPTION...] CALL...: whatever fails, it does without or changes nothing.
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
	check_num "$what: something was refused each time" "${W[calls]}" '>' 1
	check "$what: what failed did so for want of memory" \
		grep -qxE "(($want):[0-9]+,?)*" <<<"${W[errnos]}"
	check_eq "$what: and then has changed nothing" "${W[changed]}" 0
}

# survives DESCRIPTION [OPTION...] CALL...: the same, and some of it cannot be done without.
survives()
{
	bears "$@" && check_num "$1: it can fail" "${W[failed]}" '>' 0
}

# survives_mounting: the same, and whatever failed nobody is left who holds the module.
survives_mounting()
{
	survives "$@"
	check "$1: nobody holds the module" loop_until 10 grep -qx 0 /sys/module/memcg_knobs/refcnt
}

# What a call that needs memory may fail with.
want='EFAULT|ENOMEM'
cg_make a/b
# Before those are the loader's own.
survives "loading the module" --last 150 insmod "$module" memcg_knobs

must module_load
survives "making a cgroup" mkdir "$top/a/new"
survives "setting a limit" put "$top/a/b/memory.dirty_limit_in_bytes" 4M max
survives "setting a ratio" put "$top/a/b/memory.dirty_ratio" 10 max
survives "setting a floor" put "$top/a/b/memory.dirty_min" 4M 0
survives "setting a background limit" put "$top/a/b/memory.dirty_background_limit_in_bytes" 4M max
survives "setting a background ratio" put "$top/a/b/memory.dirty_background_ratio" 10 max
survives "setting a pace" put "$top/a/b/memory.dirty_pace_usec" 5000 default
survives "paying for those below" put "$top/a/memory.persistent" file $'\n'
for name in mapped access adopt; do
	survives "the switch recharge_$name" put "$SWITCHES/recharge_$name" 1 0
done
survives "the scope" put "$SWITCHES/recharge_scope" any subtree
survives "the pace of the machine" put "$SWITCHES/writeback_pace_usec" 30000 "$(<"$SWITCHES/writeback_pace_usec")"
survives "reading memory.dirty_stat" read "$top/a/b/memory.dirty_stat"
survives "reading memory.recharge_stat" read "$top/a/b/memory.recharge_stat"
survives "reading recharge_stat" read "$SWITCHES/recharge_stat"

# With something to keep in force, and pages to give back.
set_knob a dirty_limit_in_bytes 8M
set_knob a dirty_min 1M
survives "making a cgroup below a limit" mkdir "$top/a/new"
cg_make a/c
bears "removing a cgroup" rmdir "$top/a/c"
bears "joining another cgroup" join "$top/a/b" "${top%/*}"
must mkdir "$work/disk"
must mount "$SCRATCH" "$work/disk"
mounts+=("$work/disk")
# Without a journal there is nobody else whose allocations these are.
drop_journal disk
: >"$work/disk/f"
bears "a write that is charged first" write "$work/disk/f"
bears "stores that are charged first" touch "$work/disk/f"
set_knob a dirty_limit_in_bytes max
set_knob a dirty_min 0


# What is mapped here goes to this cgroup; what finds no memory for that is left.
want='EAGAIN|EFAULT|ENOMEM'
must mkdir "$work/left"
must mount -t tmpfs tmpfs "$work/left"
mounts=("$work/left" "${mounts[@]}")
echo $$ >"$top/a/b/cgroup.procs"
before=$(recharged a/b recharged_in)
survives "recharging" recharge "$top/a" "$work/left/f"
check_num "recharging: what was mapped went to who maps it" "$(recharged a/b recharged_in)" '>' "$before"
echo $$ >"${top%/*}/cgroup.procs"

# That is what tmpfs has to say when there is no inode.
want='EFAULT|ENOMEM|ENOSPC'
must mkdir "$work/mnt"
survives_mounting "a mount that names its payer" mount --option "memcg=$top/a" "$work/mnt"
survives_mounting "one that names it by a descriptor" mount --descriptor "memcg=$top/a" "$work/mnt"
survives_mounting "one by mount(2)" mount-old "$work/mnt" "memcg=$top/a,size=1M"
must umount "$work/disk"
mounts=("$work/left")
# Of some things ext4 does not say that there was no memory for them.
want+='|EINVAL'
survives_mounting "one of a disk" mount --fs ext4 --source "$SCRATCH" --option "memcg=$top/a" "$work/disk"
want='EFAULT|ENOMEM'
must "$workload" mount --option "memcg=$top/a" "$work/mnt" >/dev/null
mounts=("$work/mnt" "${mounts[@]}")
survives "a remount" mount --remount --option size=2M --option "memcg=$top/a" "$work/mnt"
: >"$work/mnt/f"
want+='|ENOSPC'
survives "a write that another pays for" write "$work/mnt/f"
bears "stores that another pays for" touch "$work/mnt/f"
must umount "$work/mnt"
mounts=("${mounts[@]:1}")
must "$workload" mount --option "memcg=$top/a" "$work/mnt" >/dev/null
bears "unmounting it" umount --option "memcg=$top/a" "$work/mnt"
must umount "$work/mnt"

bears "removing the module" rmmod "$module" memcg_knobs
check "after all that the module comes out" loop_until 10 module_unload
must module_load

finish
