#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A task waits in memory.dirty_writeback for a slow disk while the cgroup is removed, its
# controllers are disabled and enabled again, or the module is removed. None of these
# operations waits for the task, the task returns, and no reference is left.
# vm: --disk 512M,bps=100000 --timeout 180 --shared
. "$(dirname "$0")/lib.sh"
setup
module_stays=$loaded
fs_make ext2 mnt
no_periodic_writeback

# wait_for_disk: dirty more in $top/a than the disk can write meanwhile, and start a task that
# waits for it.
turn=0
wait_for_disk()
{
	turn=$((turn + 1))
	cg_make a
	set_knob a dirty_background_limit_in_bytes 256M
	fill a "mnt/f$turn" $M
	spawn flush put --file "$top/a/memory.dirty_writeback" --value max
	must loop_until 10 grep -q memcg_dirty_writeback "/proc/${running[flush]}/wchan"
}

# comes_out DESCRIPTION: the waiting task returns long before the disk is done.
comes_out()
{
	check "$1: the waiting task returns" loop_until 5 has_ended flush
	collect flush W
	check "$1: the waiting task gets an error" test "${W[result]}" != ok
	rm "$work/mnt/f$turn.0"
}

# is_gone DESCRIPTION: the cgroup can be removed, and only inodes that it dirtied hold a
# reference to it, which go away when the file system is unmounted.
is_gone()
{
	[[ ! -d $top/a ]] || must rmdir "$top/a"
	must umount "$work/mnt"
	check "$1: no removed cgroup is left" loop_until 10 nothing_dies
	must mount "$SCRATCH" "$work/mnt"
}

wait_for_disk
check "a cgroup can be removed while a task waits in its file" rmdir "$top/a"
comes_out "removed"
is_gone "removed"

# The memcg is destroyed with its files, and a new one is created later.
wait_for_disk
check "the controllers can be disabled" put_back "$top/cgroup.subtree_control" "-io -memory"
comes_out "without controllers"
must put_back "$top/cgroup.subtree_control" "+io +memory"
set_knob a dirty_limit_in_bytes 4M
is_gone "without controllers"

# The files go and come back, but the memcg stays, because the io controller depends on it.
# The task stays as well.
wait_for_disk
check "the memory controller can be disabled" put_back "$top/cgroup.subtree_control" -memory
must put_back "$top/cgroup.subtree_control" +memory
check_eq "hidden: the background limit is reset" "$(knob a dirty_background_limit_in_bytes)" max
kill -USR1 "${running[flush]}"
comes_out "hidden"
is_gone "hidden"

wait_for_disk
check "the module can be removed" module_unload
comes_out "unloaded"
is_gone "unloaded"
must module_load
loaded=$module_stays
wait_for_disk
kill -USR1 "${running[flush]}"
comes_out "loaded again"
is_gone "loaded again"

finish
