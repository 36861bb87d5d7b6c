#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Somebody waits in memory.dirty_writeback for a slow disk while the cgroup is removed,
# its controllers are taken away and given back, or the module is removed: none of these
# waits for him, he comes out, and neither he nor they leave anything behind.
# vm: --disk 512M,bps=100000 --timeout 180 --shared
. "$(dirname "$0")/lib.sh"
setup
module_stays=$loaded
fs_make ext2 mnt
no_periodic_writeback

# wait_for_disk: $top/a has more than the disk takes in this time, and somebody waits for it.
turn=0
wait_for_disk()
{
	turn=$((turn + 1))
	cg_make a
	set_knob a dirty_background_limit_in_bytes 256M
	fill a "mnt/f$turn" $M
	spawn flush put --file "$top/a/memory.dirty_writeback" --value max
	must loop_until 10 is_waiting
}

# shellcheck disable=SC2317 # loop_until calls it.
is_waiting()
{
	grep -q memcg_dirty_writeback "/proc/${running[flush]}/wchan"
}

# shellcheck disable=SC2317 # loop_until calls it.
has_ended()
{
	! kill -0 "${running[flush]}" 2>/dev/null
}

# comes_out DESCRIPTION: long before the disk is done.
comes_out()
{
	check "$1: who waited comes out" loop_until 5 has_ended
	collect flush W
	check "$1: having been told that it is not all" test "${W[result]}" != ok
	rm "$work/mnt/f$turn.0"
}

# is_gone DESCRIPTION: the cgroup can be removed, and nothing holds on to it but the
# inodes that it made dirty, which are gone with the file system.
is_gone()
{
	[[ ! -d $top/a ]] || must rmdir "$top/a"
	must umount "$work/mnt"
	check "$1: nothing of it stays" loop_until 10 nothing_dies
	must mount "$SCRATCH" "$work/mnt"
}

wait_for_disk
check "a cgroup with somebody in its file is removed" rmdir "$top/a"
comes_out "removed"
is_gone "removed"

# The memcg goes with its files, and another one comes.
wait_for_disk
check "so are its controllers" put_back "$top/cgroup.subtree_control" "-io -memory"
comes_out "without controllers"
must put_back "$top/cgroup.subtree_control" "+io +memory"
set_knob a dirty_limit_in_bytes 4M
is_gone "without controllers"

# The files go and come back, but where io needs it the memcg stays. So does he.
wait_for_disk
check "so are its files" put_back "$top/cgroup.subtree_control" -memory
must put_back "$top/cgroup.subtree_control" +memory
check_eq "hidden: nothing is set any more" "$(knob a dirty_background_limit_in_bytes)" max
kill -USR1 "${running[flush]}"
comes_out "hidden"
is_gone "hidden"

wait_for_disk
check "so is the module" module_unload
comes_out "unloaded"
is_gone "unloaded"
must module_load
loaded=$module_stays
wait_for_disk
kill -USR1 "${running[flush]}"
comes_out "loaded again"
is_gone "loaded again"

finish
