#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Writers are moved between cgroups while they write. Every limit holds, even if a writer
# comes from an unlimited cgroup, where it may dirty many pages before the kernel checks its
# limit again.
# vm: --disk 512M,bps=20000000
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 mnt

# move SECONDS CGROUP...: keep moving the tasks in these cgroups from one to the next.
move()
{
	local seconds=$1
	shift
	spawn migrate migrate --every-ms 20 --seconds "$seconds" --to "${@/#/$top/}"
	collect migrate W
	check_num "writers were moved" "${W[moves]}" '>=' "$(pick 50 10)"
}

# Files have one owner, so these writers dirty foreign files half of the time.
cg_make p/a p/b free
set_knob p dirty_limit_in_bytes 8M
set_knob p/a dirty_limit_in_bytes 4M
set_knob p/b dirty_limit_in_bytes 6M
watch_limit a p/a $((4 * M))
watch_limit b p/b $((6 * M))
watch_limit sum p $((8 * M))
spawn_writers one p/a mnt/one --size 32M --seconds 600 --writers 2
spawn_writers two p/b mnt/two --size 32M --seconds 600 --writers 2
move "$(pick 6 5)" p/a p/b
halt a S
check_held "the first cgroup" S $((4 * M))
halt b S
check_held "the second cgroup" S $((6 * M))
halt sum S
check_held "their parent" S $((8 * M))
halt one W
check_progress "the writers make progress" "${W[bytes]}" $((8 * M))
halt two W

# In and out of a cgroup with no limit.
watch_limit a p/a $((4 * M))
spawn_writers one free mnt/one --size 32M --seconds 600 --writers 2
move "$(pick 6 5)" p/a free
halt a S
check_held "a cgroup that unlimited writers move into" S $((4 * M))
halt one W
check_progress "the moved writers make progress" "${W[bytes]}" $((8 * M))

finish
