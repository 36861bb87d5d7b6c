#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A lowered limit is in force at once. The cgroup gets below it in the time that the disk
# needs for the difference, plus one second, and stays below it. A raised limit is used.
#
# The disk's rate is measured before the limit is lowered, while the writers keep the disk
# busy. If a busy host makes the disk slower afterwards, the rate of its busy time is used
# instead. Idle time of the disk, and writes of pages that need not be written, are no excuse.
# vm: --disk 768M,bps=20000000 --timeout 90 --alone
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 mnt
# With a journal, up to 150 MiB of new blocks were seen to count as written only after seconds,
# all at once.
drop_journal mnt
# Keep the system-wide limit out of the way.
system_limit $((700 * M))

# now: the time in microseconds.
now()
{
	echo "${EPOCHREALTIME/[.,]/}"
}

# disk_busy: the milliseconds for which the disk has been busy so far.
disk_busy()
{
	local fields
	read -ra fields <"/sys/class/block/${SCRATCH##*/}/stat"
	echo "${fields[9]}"
}

# lower NAME WRITER FROM TO: lower the limit of NAME (in MiB) while writers in WRITER write.
lower()
{
	local limited=$1 writer=$2 from=$3 to=$4 start begin bytes us busy rate elapsed name drain late
	name="$limited from ${from}M to ${to}M"
	set_knob "$limited" dirty_limit_in_bytes "${from}M"
	set_knob "$limited" dirty_background_limit_in_bytes "$((from * 15 / 16))M"
	spawn_writers load "$writer" "mnt/$from" --size 160M --seconds 600 --writers 2
	must await above "$limited" $((from * M * $(pick 9 8) / 10)) 30

	# The count grows in steps, so both waits end at the end of a step.
	must loop_until 60 disk_has_written $(($(disk_written "$SCRATCH") + 1))
	bytes=$(disk_written "$SCRATCH") us=$(now)
	must loop_until 60 disk_has_written $((bytes + measured))
	bytes=$(($(disk_written "$SCRATCH") - bytes)) us=$(($(now) - us))
	rate=$((bytes * 1000 / us))

	set_knob "$limited" dirty_limit_in_bytes "${to}M"
	begin=$(now)
	# Read this after the limit is set, because the writers continue until then.
	start=$(dirty_of "$limited")
	# Read these together: a slow disk can complete many requests at once.
	bytes=$(disk_written "$SCRATCH") busy=$(disk_busy)
	check_num "$name: the background limit follows at once" \
		"$(stat_of "$limited" background_limit)" '==' $((to * M / 2))
	must await below "$limited" $((to * M)) 60
	elapsed=$((($(now) - begin) / 1000))
	bytes=$(($(disk_written "$SCRATCH") - bytes)) busy=$(($(disk_busy) - busy))
	diag "$name: held $start, below after $elapsed ms; before, the disk wrote $rate kB/s;" \
		"meanwhile $bytes bytes, and was busy for $busy ms"
	((bytes / (busy + 1) >= rate)) || rate=$((bytes / (busy + 1)))
	# Pages that are written together become clean together, up to 30 MiB of them.
	drain=$(((start - W[now]) / rate))
	# A slow debug kernel spends part of the second on starting programs.
	late=$((1000 * (debug ? ${VM_SLOWNESS:-1} : 1)))
	check_num "$name: below in the drain time plus a second" "$elapsed" '<=' $((drain + late))

	watch_limit after "$limited" $((to * M)) --seconds "$(pick 3 2)"
	collect after S
	check_limit "$name, from then on" S $((to * M))

	set_knob "$limited" dirty_limit_in_bytes "$((to * 4))M"
	check "$name, then raised: the new limit is used" await above "$limited" $((to * 2 * M)) 10
	halt load W
	rm "$work"/mnt/"$from".*
}

# The amount that is written while the rate is measured.
measured=$(pick $((60 * M)) $((6 * M)))
cg_make a p/c
lower a a "$(pick 256 32)" "$(pick 16 4)"
# The limit is the parent's, the writers are in its child.
lower p p/c "$(pick 64 16)" "$(pick 8 4)"

finish
