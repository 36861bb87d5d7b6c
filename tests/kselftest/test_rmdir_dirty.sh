#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A cgroup is removed while it holds dirty pages. The pages count against the parent's limit
# until they are clean, and no longer; after many rounds, the parent's limit can still be
# used in full.
# vm: --disk 512M,bps=20000000 --shared
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 mnt
limit=$((8 * M))

cg_make p
set_knob p dirty_limit_in_bytes $limit
watch_limit rounds p $limit
dirty=0
for round in $(seq "$(pick 20 8)"); do
	cg_make p/c
	# Every second child has a limit of its own.
	((round % 2)) || set_knob p/c dirty_limit_in_bytes 6M
	write_as p/c "mnt/$round" --size 6M
	must loop_until 10 is_empty "$top/p/c"
	held=$(dirty_of p/c)
	must rmdir "$top/p/c"
	((held == 0)) || dirty=$((dirty + 1))
done
halt rounds S
check_num "dirty cgroups were removed" "$dirty" '>=' 4
check_held "the parent's limit over removed children" S $limit

# Everything becomes clean, and no counts are left behind.
check_eq "everything can be flushed" "$(put p dirty_writeback max)" ok
check_num "nothing is dirty" "$(exactly_dirty p)" '<=' "$slack"
cg_make p/c
watch_limit after p $limit
hold p/c $limit "$(pick 4 3)" mnt/after
halt after S
check_limit "a new child afterwards" S $limit

finish
