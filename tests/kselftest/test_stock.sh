#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# With the module loaded and nothing set, a cgroup is throttled as without the module. The
# kernel's own tracepoint shows the limit and the set point that its writers were held to,
# once without and once with the module.
# vm: --disk 512M,bps=20000000
. "$(dirname "$0")/lib.sh"
setup_unloaded
tracing=/sys/kernel/tracing
event=$tracing/events/writeback/balance_dirty_pages
[[ -e $event/enable ]] || skip_all "no tracepoint balance_dirty_pages in $tracing"
fs_make ext4 mnt

# greatest KEY: the greatest traced value. The values drop for a moment now and then, as the
# cgroup's memory use varies.
greatest()
{
	sed -n "/cgroup_ino=$inode\$/s/.* $1=\([0-9]*\) .*/\1/p" "$tracing/trace" | sort -n |
		tail -n 1
}

# often NAME: the cgroup was throttled often enough for meaningful figures. The kernel derives
# the limit from statistics that may be seconds old, unless a reader flushes them.
often()
{
	dirty_of "$1" >/dev/null
	(($(grep -c "cgroup_ino=$inode$" "$tracing/trace") >= enough))
}
enough=$(pick 100 20)

# has_paused: set paused to the number of limit checks that led to a pause.
has_paused()
{
	paused=$(grep -c " pause=[1-9].*cgroup_ino=$inode\$" "$tracing/trace")
	((paused > 0))
}

# throttled NAME: write from the cgroup until it has been throttled for some time; sets limit,
# setpoint and paused.
throttled()
{
	cg_make "$1"
	inode=$(stat -c %i "$top/$1")
	echo 64M >"$top/$1/memory.max"
	: >"$tracing/trace"
	echo 1 >"$event/enable"
	spawn_writers load "$1" "mnt/$1" --size 32M --seconds 600 --writers 2
	# First fill the memory, then collect the figures.
	must loop_until 30 often "$1"
	: >"$tracing/trace"
	must loop_until 30 often "$1"
	loop_until 10 has_paused
	halt load W
	echo 0 >"$event/enable"
	limit=$(greatest limit)
	setpoint=$(greatest setpoint)
	diag "$1: limit=$limit setpoint=$setpoint, $paused pauses, bytes=${W[bytes]}"
}

# near DESCRIPTION A B PERCENT
near()
{
	check_num "$1 (not less)" "$2" '>=' "$(awk "BEGIN { printf \"%d\", $3 * (100 - $4) / 100 }")"
	check_num "$1 (not more)" "$2" '<=' "$(awk "BEGIN { printf \"%d\", $3 * (100 + $4) / 100 }")"
}

throttled without
limit_without=$limit setpoint_without=$setpoint
rm "$work"/mnt/without.*
thresh=$(value_in /proc/vmstat nr_dirty_threshold) bg=$(value_in /proc/vmstat nr_dirty_background_threshold)

must module_load
near "the system-wide threshold is as without the module" \
	"$(value_in /proc/vmstat nr_dirty_threshold)" "$thresh" 3
near "the system-wide background threshold is as without the module" \
	"$(value_in /proc/vmstat nr_dirty_background_threshold)" "$bg" 3
throttled with
near "the limit of an unset cgroup is the same" "$limit" "$limit_without" 10
near "the set point of an unset cgroup is the same" "$setpoint" "$setpoint_without" 10
check_num "an unset cgroup that is over its derived limit is still throttled" "$paused" '>' 0

# One of two equal cgroups had a limit before. Afterwards they are equal again.
cg_make never before
for name in never before; do
	echo 64M >"$top/$name/memory.max"
done
set_knob before dirty_limit_in_bytes 4M
check_eq "a set limit is in force" "$(stat_of before limit)" $((4 * M))
set_knob before dirty_limit_in_bytes max
near "a limit that was removed leaves the limit in force unchanged" \
	"$(stat_of before limit)" "$(stat_of never limit)" 1
near "a limit that was removed leaves the background limit unchanged" \
	"$(stat_of before background_limit)" "$(stat_of never background_limit)" 1

# A writer far below the derived limit is not throttled.
cg_make free
write_as free mnt/free --size 8M
check_eq "a writer far below every limit is not throttled" "$(stat_of free throttled_count)" 0

finish
