#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# memory.dirty_writeback: writes back that much of this subtree, and of nobody
# else's, and says so if there was less. memory.dirty_stat agrees with the
# kernel's own statistics meanwhile.
# vm: --disk 512M,bps=8000000
# vm-debug: --disk 512M,bps=1000000
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 mnt
no_periodic_writeback
# To write what is in nobody's file all that is dirty is written.
no_periodic_commit mnt
cg_make p/a neighbour

# dirty NAME MIB: makes pages dirty that nothing else will clean. They are those
# of a new file, since what replaces another one ext4 writes when it is closed.
dirty()
{
	set_knob "$1" dirty_limit_in_bytes 128M
	set_knob "$1" dirty_background_limit_in_bytes 120M
	spawn_writers writers "$1" "mnt/${1//\//_}.$2" --size "${2}M"
	collect writers W
}

# near DESCRIPTION BYTES WANTED: as near as the statistics are.
near()
{
	check_num "$1 (not less)" "$2" '>=' $(($3 - slack))
	check_num "$1 (not more)" "$2" '<=' $(($3 + slack))
}

# The debug kernel is slow to make pages dirty, and so is the disk then.
few=$(pick 4 2)
many=$(pick 16 6)
dirty p/a "$many"
dirty neighbour "$few"
near "memory.stat: dirty" "$(exactly_dirty p/a)" $((many * M))
near "dirty_stat: dirty" "$(stat_of p/a dirty)" $((many * M))
near "dirty_stat: the parent's include them" "$(stat_of p dirty)" $((many * M))
near "dirty_stat: writeback" "$(stat_of p/a writeback)" 0

check_eq "${few}M of ${many}M can be written" "$(put p/a dirty_writeback "${few}M\n")" ok
check_num "${few}M were written" "$(exactly_dirty p/a)" '<=' $(((many - few) * M + slack))
check_num "and it is counted" "$(stat_of p/a writeback_started)" '>' 0
check_eq "all can be written, from the parent" "$(put p dirty_writeback max)" ok
check_num "all were written" "$(exactly_dirty p/a)" '<=' "$slack"
near "dirty_stat: dirty, afterwards" "$(stat_of p/a dirty)" 0
near "the neighbour's are still dirty" "$(exactly_dirty neighbour)" $((few * M))

check_eq "more than there is: EAGAIN" "$(put neighbour dirty_writeback 64M)" EAGAIN
check_num "but what there was is written" "$(exactly_dirty neighbour)" '<=' "$slack"
check_eq "nothing there: EAGAIN" "$(put neighbour dirty_writeback 1M)" EAGAIN

# A signal ends the wait long before the slow disk has taken all of it: that takes
# it five seconds, and ten on the debug kernel.
dirty p/a "$(pick 40 10)"
before=$(stat_of p/a writeback_started)
# shellcheck disable=SC2317 # loop_until calls it.
is_flushing()
{
	[[ $(stat_of p/a writeback_started) -gt $before ]]
}
spawn put put --file "$top/p/a/memory.dirty_writeback" --value max
must loop_until 10 is_flushing
kill -USR1 "${running[put]}"
collect put W
check_eq "a signal interrupts it" "${W[result]}" EINTR
check_num "long before all is written" "$(dirty_of p/a)" '>=' "$(pick $((8 * M)) $M)"

finish
