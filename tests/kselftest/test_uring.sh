#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# io_uring: many concurrent buffered writes are held to the limit, whether the kernel's workers
# wait on the caller's behalf or the caller first asks for EAGAIN instead of a wait (which xfs
# supports for buffered writes). The data of writes that waited or got EAGAIN is all written.
# vm: --disk 512M,bps=10000000 --alone
# vm-debug: --disk 512M,bps=2000000
. "$(dirname "$0")/lib.sh"
setup
[[ $(cat /proc/sys/kernel/io_uring_disabled 2>&1) == 0 ]] || skip_all "no io_uring"
# All writers write the same data.
size=$(pick 32M 8M)
spawn data write --file "$work/data" --size "$size" --block 64k
collect data W

for type in ext4 xfs; do
	fs_make $type mnt
	cg_make a
	set_knob a dirty_limit_in_bytes 4M
	hold a $((4 * M)) "$(pick 4 3)" mnt/f --mode uring --writers 2 --size "$size"
	check_limit "$type: io_uring" S $((4 * M))
	check_content "$type: the disk has the data" "$work/mnt/f.0" "$work/data.0"
	if [[ $type == xfs ]]; then
		hold a $((4 * M)) "$(pick 4 3)" mnt/f --mode uring-nowait --writers 2 --size "$size"
		check_limit "$type: RWF_NOWAIT" S $((4 * M))
		check_num "$type: RWF_NOWAIT gets EAGAIN" "${W[again]}" '>' 0
		check_content "$type: the disk has the data that was written after EAGAIN" \
			"$work/mnt/f.0" "$work/data.0"
	fi
	cg_remove a
	fs_remove mnt
done

finish
