#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A pace is a time, so what a cgroup has under writeback follows the speed of the device: it
# is measured from the first pages on, falls if the device becomes slow, and rises again,
# even after the device has written next to nothing for a while. A device that takes longer
# than the pace for any request, however small, is not slow for that.
# vm: --disk 512M,bps=4000000 --append null_blk.nr_devices=0 --timeout 120 --shared
. "$(dirname "$0")/lib.sh"
setup
at_undo=("put_back $SWITCHES/writeback_pace_usec $(<$SWITCHES/writeback_pace_usec)" "${at_undo[@]}")
# The disk writes 800 kB in that time. If its speed is unknown, 16 KiB are allowed.
echo 200000 >$SWITCHES/writeback_pace_usec
system_limit $((64 * M))
cg_make hog
set_knob hog dirty_limit_in_bytes 16M
device=$(<"/sys/class/block/${SCRATCH##*/}/dev")

# submits AT-LEAST AT-MOST: whether the highest of ten samples of the hog's pages under
# writeback is between these.
submits()
{
	local now _
	highest=0
	for _ in {1..10}; do
		now=$(stat_of hog writeback)
		((now <= highest)) || highest=$now
	done
	((highest >= $1 && highest <= $2))
}

# follows DESCRIPTION AT-LEAST AT-MOST
follows()
{
	check "$1" loop_until 40 submits "$2" "$3"
	diag "the hog had up to $highest under writeback"
}

for fs in ext4 xfs; do
	fs_make $fs mnt
	spawn_writers hog hog mnt/hog --seconds 3600 --size 128M --block 64k
	must await above hog $((8 * M)) 60
	follows "$fs: a paced cgroup has under writeback what the disk writes within the pace" \
		$((400 * 1024)) $((1200 * 1024))
	check "$fs: and never much more" stays 3 submits 0 $((1600 * 1024))
	echo "$device wbps=262144" >"$top/hog/io.max"
	follows "$fs: little, if the disk becomes slow" 4096 $((128 * 1024))
	# Less than a page in the time from which an estimate is made.
	echo "$device wbps=8192" >"$top/hog/io.max"
	check "$fs: and no more after a while" stays 3 submits 0 $((128 * 1024))
	echo "$device wbps=max" >"$top/hog/io.max"
	follows "$fs: and as much as before, if the disk is fast again" \
		$((400 * 1024)) $((1200 * 1024))
	halt hog W
	fs_remove mnt
done

# --- a device with a latency -------------------------------------------------------------
remove_device()
{
	echo 0 >"$work/config/nullb/slow/power"
	rmdir "$work/config/nullb/slow" && umount "$work/config"
}

# wrote: the bytes that the hog writes in four seconds.
wrote()
{
	local before
	before=$(written_by hog)
	sleep 4
	echo $(($(written_by hog) - before))
}

must mkdir "$work/config"
must mount -t configfs configfs "$work/config"
if ! mkdir "$work/config/nullb/slow" 2>"$work/error"; then
	must umount "$work/config"
	skip "a device with a latency of 10 ms" "no null_blk"
	finish
fi
at_undo=(remove_device "${at_undo[@]}")
while read -r attribute value; do
	must put_back "$work/config/nullb/slow/$attribute" "$value"
done <<-END
	memory_backed   1
	size            300
	irqmode         2
	completion_nsec 10000000
	power           1
END
echo 7000 >$SWITCHES/writeback_pace_usec
fs_make ext4 slow /dev/slow
spawn_writers hog hog slow/hog --seconds 3600 --size 64M --block 64k
must await above hog $((4 * M)) 60
set_knob hog dirty_pace_usec max
unpaced=$(wrote)
set_knob hog dirty_pace_usec default
# If the latency were taken for slowness, it would be less than a hundredth; on the debug kernel,
# where a piece costs more than its latency, a fiftieth.
part=$(pick 3 10)
writes_enough()
{
	paced=$(wrote)
	((paced * part >= unpaced))
}
check "a latency of 10 ms: a paced hog writes 1/$part of what it writes without a pace" \
	loop_until 40 writes_enough
diag "$paced bytes with a pace of 7 ms, $unpaced without"
halt hog W

finish
