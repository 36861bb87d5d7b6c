#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# io_uring: many buffered writes at a time are held to the limit, whether the
# kernel's workers wait on the caller's behalf, or the caller first asks for
# EAGAIN instead of a wait (xfs can do that for buffered writes). What was told
# to wait, or to come back, is written all the same.
# vm: --disk 512M,bps=10000000 --alone
# vm-debug: --disk 512M,bps=2000000
. "$(dirname "$0")/lib.sh"
setup
[[ $(cat /proc/sys/kernel/io_uring_disabled 2>&1) == 0 ]] || skip_all "no io_uring"
# All writers write the same.
size=$(pick 32M 8M)
spawn data write --file "$work/data" --size "$size" --block 64k
collect data W

for type in ext4 xfs; do
	fs_make $type mnt
	cg_make a
	set_knob a dirty_limit_in_bytes 4M
	hold a $((4 * M)) "$(pick 4 3)" mnt/f --mode uring --writers 2 --size "$size"
	check_held "$type: io_uring" S $((4 * M))
	check_used "$type: io_uring" S $((4 * M))
	check_content "$type: the disk has what was written" "$work/mnt/f.0" "$work/data.0"
	if [[ $type == xfs ]]; then
		hold a $((4 * M)) "$(pick 4 3)" mnt/f --mode uring-nowait --writers 2 --size "$size"
		check_held "$type: RWF_NOWAIT" S $((4 * M))
		check_used "$type: RWF_NOWAIT" S $((4 * M))
		check_num "$type: RWF_NOWAIT is told EAGAIN" "${W[again]}" '>' 0
		check_content "$type: the disk has what was written after EAGAIN" \
			"$work/mnt/f.0" "$work/data.0"
	fi
	cg_remove a
	fs_remove mnt
done

finish
