#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Paced writeback: a limited cgroup has no more under writeback than the disk writes within
# the pace, so that fsync() by other cgroups gets through, whether the flusher or the
# cgroup's own fsync() writes. Which cgroups are paced, and by which file. No task hangs behind
# a stalled disk.
#
# The same load is run without and with a pace in the same guest, and the results are compared.
# vm: --disk 512M,bps=2000000 --timeout 150 --alone
# vm-debug: --disk 256M,bps=1000000 --timeout 150
. "$(dirname "$0")/lib.sh"
setup
machine=$SWITCHES/writeback_pace_usec
at_undo=("put_back $machine $(cat "$machine")" "${at_undo[@]}")
system_limit $((32 * M))
cg_make hog victim p/c other

# --- values of the files ---------------------------------------------------------------
# accepts FILE INPUT READ-BACK and refuses FILE INPUT, for any file.
accepts()
{
	check_eq "${1##*/}: '$2' is accepted" "$(put_to "$1" "$2")" ok
	check_eq "${1##*/}: '$2' reads back" "$(cat "$1")" "$3"
}
refuses()
{
	local before
	before=$(cat "$1")
	check_eq "${1##*/}: '$2' is refused" "$(put_to "$1" "$2")" EINVAL
	check_eq "${1##*/}: '$2' changes nothing" "$(cat "$1")" "$before"
}
file=$top/hog/memory.dirty_pace_usec
check_eq "the default of the system-wide pace" "$(cat "$machine")" 7000
while read -r input back; do
	accepts "$file" "$input" "$back"
done <<-END
	1000       1000
	10000000   10000000
	max\n      max
	default\n  default
END
accepts "$machine" 1000 1000
accepts "$machine" '0\n' 0
for input in 999 10000001 -1 25ms '25000 1' 4294968296 Max; do
	refuses "$file" "$input"
	refuses "$machine" "$input"
done
check_eq "dirty_pace_usec: an overflow is refused" "$(put_to "$file" 18446744073709551616)" ERANGE
refuses "$file" 0
refuses "$machine" max
echo 25000 >"$machine"

# --- which cgroups are paced -------------------------------------------------------------
# pace_is DESCRIPTION CGROUP PACE
pace_is()
{
	check_eq "$1" "$(stat_of "$2" pace_usec)" "$3"
}
pace_is "a cgroup without a limit is not paced" p/c max
set_knob p dirty_limit_in_bytes 4M
pace_is "a cgroup with a limit has the system-wide pace" p 25000
pace_is "a cgroup below a limited one has the system-wide pace" p/c 25000
pace_is "a neighbour of a limited cgroup is not paced" other max
set_knob p/c dirty_pace_usec max
pace_is "an ancestor's pace holds for a child with max" p/c 25000
set_knob p/c dirty_pace_usec 100000
pace_is "an ancestor's pace holds for a child with a longer one" p/c 25000
set_knob p/c dirty_pace_usec 5000
pace_is "a child's shorter pace holds for the child" p/c 5000
pace_is "a child's shorter pace does not hold for the parent" p 25000
set_knob p dirty_pace_usec max
pace_is "a limited cgroup with max is not paced" p max
set_knob p/c dirty_pace_usec default
pace_is "a child of a limited cgroup with max is not paced" p/c max
echo 50000 >"$machine"
set_knob p dirty_pace_usec default
pace_is "a change of the system-wide pace has effect" p/c 50000
echo 0 >"$machine"
pace_is "no cgroup is paced if the system-wide pace is 0" p max
echo 25000 >"$machine"
set_knob . dirty_min 16M
set_knob other dirty_min 8M
pace_is "a cgroup without a floor is paced if another has one" victim 25000
pace_is "a cgroup with a floor is not paced" other max
set_knob victim dirty_pace_usec max
pace_is "a cgroup with max is not paced if another has a floor" victim max
set_knob victim dirty_pace_usec default
set_knob other dirty_min 0
set_knob . dirty_min 0
pace_is "a cgroup without a floor is not paced if no other has one" victim max
set_knob p dirty_limit_in_bytes max

# --- the effect of a pace --------------------------------------------------------------
fs_make ext4 mnt
set_knob hog dirty_limit_in_bytes 4M

# beside NAME SECONDS: append and fsync next to the hog, and sample the hog's pages under
# writeback: sets highest and mean.
beside()
{
	local now sum=0 looks=0
	highest=0
	spawn victim append --fsync --cgroup "$top/victim" --file "$work/mnt/victim.$1" \
		--rate 20 --seconds "$2"
	until has_ended victim; do
		now=$(stat_of hog writeback)
		((now <= highest)) || highest=$now
		sum=$((sum + now)) looks=$((looks + 1))
	done
	collect victim W
	mean=$((sum / looks))
	diag "$1: ${W[ops]} of ${W[scheduled]} appends were synced," \
		"p50_us=${W[p50_us]} p99_us=${W[p99_us]}, the hog's writeback: mean $mean, highest $highest"
}

# compare_hog NAME [OPTION...]: the hog writes with these options, first without a pace.
compare_hog()
{
	local name=$1 unpaced rate
	shift
	set_knob hog dirty_pace_usec max
	spawn_writers hog hog mnt/hog --seconds 3600 "$@"
	must await above hog $((3 * M)) 30
	held=$(stat_of hog paced_usec)
	rate=$(written_by hog)
	beside "$name-unpaced" "$(pick 10 16)"
	rate=$(($(written_by hog) - rate))
	unpaced=${W[ops]}
	check_num "$name, not paced: much is under writeback" "$highest" '>=' "$M"
	check_eq "$name, not paced: writeback is not held back" "$(stat_of hog paced_usec)" "$held"

	set_knob hog dirty_pace_usec default
	# Wait until the pages that were submitted before are written.
	must await below hog $((4 * M)) 30
	beside "$name-drains" 3
	held=$(stat_of hog paced_usec)
	paced_rate=$(written_by hog)
	beside "$name-paced" "$(pick 10 16)"
	paced_rate=$(($(written_by hog) - paced_rate))
	diag "$name: hog wrote $rate without a pace, $paced_rate with it"
	check_num "$name, paced: writeback is held back" "$(stat_of hog paced_usec)" '>' "$held"
	held=$(stat_of hog paced_usec)
	check_num "$name, paced: little is under writeback on average" "$mean" '<=' $((128 * 1024))
	check_num "$name, paced: the neighbour's syncs get through" \
		"${W[ops]}" '>=' $((unpaced * 3))
	check_num "$name, paced: the hog makes progress" "$paced_rate" '>=' $((M / 2))
	halt hog W
	rm "$work"/mnt/*
	sync
}
compare_hog flusher --size 64M
compare_hog fsync --size 8M --block 64k --fsync

check_eq "ancestors count paced_usec, too" "$(stat_of . paced_usec)" "$(stat_of hog paced_usec)"

# If an unpaced cgroup fills the disk's queue, pacing the others does not shorten the queue.
set_knob hog dirty_limit_in_bytes max
set_knob other dirty_limit_in_bytes 4M
spawn_writers hog hog mnt/hog --seconds 3600 --size 64M
must await above hog $((8 * M)) 60
spawn_writers other other mnt/other --seconds 3600 --size 64M
must await above other $((3 * M)) 60
hog_before=$(written_by hog) other_before=$(written_by other)
# io.stat counts what is submitted, which may be all of the hog's at once.
disk_before=$(disk_written "$SCRATCH")
must loop_until 120 disk_has_written $((disk_before + $(pick 32 20) * M))
diag "hog, not paced, wrote $(($(written_by hog) - hog_before)), other, paced, $(($(written_by other) - other_before))"
# The paced cgroup detects that after a second, and then doubles the amount it submits.
# Without that it gets a hundredth.
check_num "a paced cgroup gets at least a tenth of an unpaced hog's writeback" \
	$((($(written_by other) - other_before) * 10)) '>=' $(($(written_by hog) - hog_before))
halt other W
halt hog W
rm "$work"/mnt/*
sync
set_knob other dirty_limit_in_bytes max
set_knob hog dirty_limit_in_bytes 4M

# --- no task hangs behind a stalled disk -----------------------------------------------
device=$(<"/sys/class/block/${SCRATCH##*/}/dev")
spawn_writers hog hog mnt/hog --seconds 3600 --size 64M
must await above hog $((3 * M)) 30
echo "$device wbps=1" >"$top/hog/io.max"
held_back()
{
	stat_is hog writeback '>' 0 && stat_is hog throttled_count '>' 0
}
must loop_until 20 held_back
check "a stalled disk: a pace can be set" \
	timeout 10 bash -c "echo 1000 >$top/hog/memory.dirty_pace_usec && echo default >$top/hog/memory.dirty_pace_usec"
echo 1 >"$top/hog/cgroup.kill"
check "a stalled disk: the writer can be killed" loop_until 30 is_empty "$top/hog"
unset "running[hog]"
echo "$device wbps=max" >"$top/hog/io.max"
check "a stalled disk: the rest is written when the disk works again" timeout 60 sync

finish
