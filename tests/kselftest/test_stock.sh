#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# With the module loaded and nothing set a cgroup is throttled as it is
# without the module. The kernel's own tracepoint tells the limit and the set
# point that its writers were held to: once without, once with the module.
# vm: --disk 512M,bps=20000000
. "$(dirname "$0")/lib.sh"
setup_unloaded
tracing=/sys/kernel/tracing
event=$tracing/events/writeback/balance_dirty_pages
[[ -e $event/enable ]] || skip_all "no tracepoint balance_dirty_pages in $tracing"
fs_make ext4 mnt

# greatest KEY: of the traced values. They fall for a moment now and then, as what
# the cgroup has in memory comes and goes.
greatest()
{
	sed -n "/cgroup_ino=$inode\$/s/.* $1=\([0-9]*\) .*/\1/p" "$tracing/trace" | sort -n |
		tail -n 1
}

# often NAME: was it throttled so often that the figures tell something? The kernel
# derives the limit from statistics that may be seconds old, unless someone asks.
# shellcheck disable=SC2317 # loop_until calls it.
often()
{
	dirty_of "$1" >/dev/null
	(($(grep -c "cgroup_ino=$inode$" "$tracing/trace") >= enough))
}
enough=$(pick 100 20)

# has_paused: sets paused to how often a look at the limits meant a pause.
# shellcheck disable=SC2317 # loop_until calls it.
has_paused()
{
	paused=$(grep -c " pause=[1-9].*cgroup_ino=$inode\$" "$tracing/trace")
	((paused > 0))
}

# throttled NAME: writes there until throttled for a while; sets limit, setpoint, paused.
throttled()
{
	cg_make "$1"
	inode=$(stat -c %i "$top/$1")
	echo 64M >"$top/$1/memory.max"
	: >"$tracing/trace"
	echo 1 >"$event/enable"
	spawn_writers load "$1" "mnt/$1" --size 32M --seconds 600 --writers 2
	# Once to fill its memory, once for the figures.
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
near "system-wide threshold as without the module" \
	"$(value_in /proc/vmstat nr_dirty_threshold)" "$thresh" 3
near "system-wide background threshold as without the module" \
	"$(value_in /proc/vmstat nr_dirty_background_threshold)" "$bg" 3
throttled with
near "limit of an unset cgroup as without the module" "$limit" "$limit_without" 10
near "set point of an unset cgroup as without the module" "$setpoint" "$setpoint_without" 10
check_num "an unset cgroup that is over its derived limit is still throttled" "$paused" '>' 0

# Of two cgroups alike one has been limited before: then they are alike again.
cg_make never before
for name in never before; do
	echo 64M >"$top/$name/memory.max"
done
set_knob before dirty_limit_in_bytes 4M
check_eq "a set limit is in force" "$(stat_of before limit)" $((4 * M))
set_knob before dirty_limit_in_bytes max
near "set and put back, the limit in force is as if never set" \
	"$(stat_of before limit)" "$(stat_of never limit)" 1
near "set and put back, so is the background limit" \
	"$(stat_of before background_limit)" "$(stat_of never background_limit)" 1

# Far below what the kernel derives nobody is throttled.
cg_make free
spawn_writers load free mnt/free --size 8M
collect load W
check_eq "a writer far below every limit is not throttled" "$(stat_of free throttled_count)" 0

finish
