#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Paced writeback: what a limited cgroup has under writeback is no more than the disk
# writes in the pace, so that whoever syncs beside it gets through; whether the
# flusher writes it, or an fsync() of its own. Who is paced, by which file. Nobody
# is stuck behind a disk that stands still.
#
# The same load is run without a pace and with one, in one guest, and counted.
# vm: --disk 512M,bps=2000000 --timeout 150 --alone
# vm-debug: --disk 256M,bps=1000000 --timeout 150
. "$(dirname "$0")/lib.sh"
setup
machine=$SWITCHES/writeback_pace_usec
at_undo=("put_back $machine $(cat "$machine")" "${at_undo[@]}")
system_limit $((32 * M))
cg_make hog victim p/c other

# --- what the files hold ---------------------------------------------------------------
# accepts FILE INPUT READ-BACK and refuses FILE INPUT: of any file.
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
check_eq "the machine's pace" "$(cat "$machine")" 15000
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
check_eq "dirty_pace_usec: what fits no number is refused" "$(put_to "$file" 18446744073709551616)" ERANGE
refuses "$file" 0
refuses "$machine" max
echo 25000 >"$machine"

# --- who is paced ----------------------------------------------------------------------
# pace_is DESCRIPTION CGROUP PACE
pace_is()
{
	check_eq "$1" "$(stat_of "$2" pace_usec)" "$3"
}
pace_is "nothing is set: not paced" p/c max
set_knob p dirty_limit_in_bytes 4M
pace_is "a limit: the machine's pace" p 25000
pace_is "the limit of a cgroup above it" p/c 25000
pace_is "not for its neighbours" other max
set_knob p/c dirty_pace_usec max
pace_is "max below a limited cgroup: what is above holds" p/c 25000
set_knob p/c dirty_pace_usec 100000
pace_is "a longer one below it: what is above holds" p/c 25000
set_knob p/c dirty_pace_usec 5000
pace_is "a shorter one holds" p/c 5000
pace_is "and not above it" p 25000
set_knob p dirty_pace_usec max
pace_is "max beside a limit: not paced" p max
set_knob p/c dirty_pace_usec default
pace_is "and not below it" p/c max
echo 50000 >"$machine"
set_knob p dirty_pace_usec default
pace_is "the machine's pace is another now" p/c 50000
echo 0 >"$machine"
pace_is "the machine's pace is off" p max
echo 25000 >"$machine"
set_knob . dirty_min 16M
set_knob other dirty_min 8M
pace_is "a floor elsewhere: whoever has none is paced" victim 25000
pace_is "but not the one that has it" other max
set_knob victim dirty_pace_usec max
pace_is "nor one whose file says so" victim max
set_knob victim dirty_pace_usec default
set_knob other dirty_min 0
set_knob . dirty_min 0
pace_is "no floor any more" victim max
set_knob p dirty_limit_in_bytes max

# --- what it does ----------------------------------------------------------------------
fs_make ext4 mnt
set_knob hog dirty_limit_in_bytes 4M

# beside NAME SECONDS: appends and syncs beside the hog, and looks how much of the hog's
# is under writeback: highest, mean.
beside()
{
	local now sum=0 looks=0
	highest=0
	spawn victim append --fsync --cgroup "$top/victim" --file "$work/mnt/victim.$1" \
		--rate 20 --seconds "$2"
	while kill -0 "${running[victim]}" 2>/dev/null; do
		now=$(stat_of hog writeback)
		((now <= highest)) || highest=$now
		sum=$((sum + now)) looks=$((looks + 1))
	done
	collect victim W
	mean=$((sum / looks))
	diag "$1: ${W[ops]} of ${W[scheduled]} appends were synced," \
		"p50_us=${W[p50_us]} p99_us=${W[p99_us]}, the hog's writeback: mean $mean, highest $highest"
}

# compare_hog NAME [OPTION...]: the hog writes with these options, first at no pace.
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
	check_num "$name, not paced: much of it is under writeback" "$highest" '>=' "$M"
	check_eq "$name, not paced: it is not held back" "$(stat_of hog paced_usec)" "$held"

	set_knob hog dirty_pace_usec default
	# What was submitted before is to be written first.
	must await below hog $((4 * M)) 30
	beside "$name-drains" 3
	held=$(stat_of hog paced_usec)
	paced_rate=$(written_by hog)
	beside "$name-paced" "$(pick 10 16)"
	paced_rate=$(($(written_by hog) - paced_rate))
	diag "$name: hog wrote $rate without a pace, $paced_rate with it"
	check_num "$name, paced: it is held back" "$(stat_of hog paced_usec)" '>' "$held"
	held=$(stat_of hog paced_usec)
	check_num "$name, paced: the mean under writeback is a few pieces" "$mean" '<=' $((192 * 1024))
	check_num "$name, paced: the neighbour's syncs get through" \
		"${W[ops]}" '>=' $((unpaced * 3))
	check_num "$name, paced: the hog gets on" "$paced_rate" '>=' $((M / 2))
	halt hog W
	rm "$work"/mnt/*
	sync
}
compare_hog flusher --size 64M
compare_hog fsync --size 8M --block 64k --fsync

check_eq "the cgroups above it are told" "$(stat_of . paced_usec)" "$(stat_of hog paced_usec)"

# A queue that somebody else fills as he likes is no shorter for what others hold back.
set_knob hog dirty_limit_in_bytes max
set_knob other dirty_limit_in_bytes 4M
spawn_writers hog hog mnt/hog --seconds 3600 --size 64M
must await above hog $((8 * M)) 60
spawn_writers other other mnt/other --seconds 3600 --size 64M
must await above other $((3 * M)) 60
# shellcheck disable=SC2317 # loop_until calls it.
hog_wrote()
{
	compare $(($(written_by hog) - hog_before)) '>=' "$1"
}
hog_before=$(written_by hog) other_before=$(written_by other)
must loop_until 120 hog_wrote $((16 * M))
diag "hog, not paced, wrote $(($(written_by hog) - hog_before)), other, paced, $(($(written_by other) - other_before))"
# It takes a second until that is known, and then it doubles what it submits. Without
# that it has a hundredth.
check_num "beside a hog that is not paced: at least a tenth as much is written" \
	$((($(written_by other) - other_before) * 10)) '>=' $(($(written_by hog) - hog_before))
halt other W
halt hog W
rm "$work"/mnt/*
sync
set_knob other dirty_limit_in_bytes max
set_knob hog dirty_limit_in_bytes 4M

# --- nobody is stuck -------------------------------------------------------------------
device=$(<"/sys/class/block/${SCRATCH##*/}/dev")
spawn_writers hog hog mnt/hog --seconds 3600 --size 64M
must await above hog $((3 * M)) 30
echo "$device wbps=1" >"$top/hog/io.max"
# shellcheck disable=SC2317 # loop_until calls it.
held_back()
{
	compare "$(stat_of hog writeback)" '>' 0 && compare "$(stat_of hog throttled_count)" '>' 0
}
must loop_until 20 held_back
check "beside a disk that stands still: a pace can be set" \
	timeout 10 bash -c "echo 1000 >$top/hog/memory.dirty_pace_usec && echo default >$top/hog/memory.dirty_pace_usec"
echo 1 >"$top/hog/cgroup.kill"
check "beside a disk that stands still: its writer can be killed" loop_until 30 is_empty "$top/hog"
unset "running[hog]"
echo "$device wbps=max" >"$top/hog/io.max"
check "what it left is written" timeout 60 sync

finish
