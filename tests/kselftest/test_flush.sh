#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# memory.dirty_writeback writes back the given amount of this subtree's dirty pages and
# nothing else, and returns an error if there was less. Meanwhile memory.dirty_stat agrees with
# the kernel's own statistics.
# vm: --disk 512M,bps=8000000
# vm-debug: --disk 512M,bps=1000000
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 mnt
no_periodic_writeback
# A commit dirties pages that belong to no file; their writeback would write all dirty pages.
no_periodic_commit mnt
cg_make p/a neighbour

# dirty NAME MIB: dirty pages that nothing else will clean. The file must be new: ext4 writes a
# truncated and rewritten file when it is closed.
dirty()
{
	set_knob "$1" dirty_limit_in_bytes 128M dirty_background_limit_in_bytes 120M
	write_as "$1" "mnt/${1//\//_}.$2" --size "${2}M"
}

# near DESCRIPTION BYTES WANTED: equal within the error of the statistics.
near()
{
	check_num "$1 (not less)" "$2" '>=' $(($3 - slack))
	check_num "$1 (not more)" "$2" '<=' $(($3 + slack))
}

# The debug kernel dirties pages slowly, so its disk is slow as well.
few=$(pick 4 2)
many=$(pick 16 6)
dirty p/a "$many"
dirty neighbour "$few"
near "memory.stat: dirty" "$(exactly_dirty p/a)" $((many * M))
near "dirty_stat: dirty" "$(stat_of p/a dirty)" $((many * M))
near "dirty_stat: the parent's figure includes them" "$(stat_of p dirty)" $((many * M))
near "dirty_stat: writeback" "$(stat_of p/a writeback)" 0

check_eq "${few}M of ${many}M can be written" "$(put p/a dirty_writeback "${few}M\n")" ok
check_num "${few}M were written" "$(exactly_dirty p/a)" '<=' $(((many - few) * M + slack))
check_num "writeback_started counts it" "$(stat_of p/a writeback_started)" '>' 0
check_eq "the parent's file can write the rest" "$(put p dirty_writeback max)" ok
check_num "the rest was written" "$(exactly_dirty p/a)" '<=' "$slack"
near "dirty_stat: dirty, after that" "$(stat_of p/a dirty)" 0
near "the neighbour's pages are still dirty" "$(exactly_dirty neighbour)" $((few * M))

check_eq "a request for too much returns EAGAIN" "$(put neighbour dirty_writeback 64M)" EAGAIN
check_num "a request for too much writes everything" "$(exactly_dirty neighbour)" '<=' "$slack"
check_eq "a request with nothing dirty returns EAGAIN" "$(put neighbour dirty_writeback 1M)" EAGAIN

# A signal ends the wait long before the slow disk has written everything, which takes five
# seconds, ten on the debug kernel.
dirty p/a "$(pick 40 10)"
before=$(stat_of p/a writeback_started)
spawn put put --file "$top/p/a/memory.dirty_writeback" --value max
must loop_until 10 stat_is p/a writeback_started '>' "$before"
kill -USR1 "${running[put]}"
collect put W
check_eq "a signal interrupts the request" "${W[result]}" EINTR
check_num "much is not written yet" "$(dirty_of p/a)" '>=' "$(pick $((8 * M)) $M)"

finish
