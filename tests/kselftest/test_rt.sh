#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The kernel lets real-time writers exceed its thresholds further than others, but a limit that
# was set holds for them as well.
# vm: --disk 512M,bps=20000000 --alone
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 mnt

for mib in 4 16; do
	cg_make a
	set_knob a dirty_limit_in_bytes "${mib}M"
	hold a $((mib * M)) "$(pick 4 3)" mnt/f --rt 50 --writers 2
	check_limit "SCHED_FIFO writers, $mib MiB" S $((mib * M))
	check_progress "SCHED_FIFO writers, $mib MiB: they make progress" "${W[bytes]}" $((mib * M))
	cg_remove a
	rm "$work"/mnt/f.*
done

finish
