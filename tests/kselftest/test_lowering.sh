#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Rule 4: a lowered limit is in force at once. The cgroup is below it in the
# time that the disk needs for the difference, at the rate that the disk had
# meanwhile, plus one second; and it stays there. A raised one is used.
# vm: --disk 768M,bps=20000000 --timeout 90 --alone
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 mnt
# The system-wide limits are to be out of the way.
system_limit $((700 * M))

# lower NAME WRITER FROM TO: limits in MiB on NAME, the writers are in WRITER.
lower()
{
	local limited=$1 writer=$2 from=$3 to=$4 start before bytes elapsed name
	name="$limited from ${from}M to ${to}M"
	set_knob "$limited" dirty_limit_in_bytes "${from}M"
	set_knob "$limited" dirty_background_limit_in_bytes "$((from * 15 / 16))M"
	spawn_writers load "$writer" "mnt/$from" --size 160M --seconds 600 --writers 2
	must await above "$limited" $((from * M * 9 / 10)) 30

	before=$(disk_written "$SCRATCH")
	set_knob "$limited" dirty_limit_in_bytes "${to}M"
	# Not before: until then the writers went on.
	start=$(dirty_of "$limited")
	check_num "$name: the background limit follows at once" \
		"$(stat_of "$limited" background_limit)" '==' $((to * M / 2))
	must await below "$limited" $((to * M)) 60
	bytes=$(($(disk_written "$SCRATCH") - before))
	elapsed=${W[ms]}
	diag "$name: held $start, below after $elapsed ms in which the disk wrote $bytes"
	if [[ $quick ]]; then
		skip "$name: below in drain time and a second" \
			"the debug kernel is slower than the disk"
	else
		check_num "$name: below in drain time and a second" "$elapsed" '<=' \
			"$(awk "BEGIN { print 1000 + ($start - $to * $M) * $elapsed / ($bytes + 1) }")"
	fi

	watch_limit after "$limited" $((to * M)) --seconds "$(pick 3 2)"
	collect after S
	check_held "$name, from then on" S $((to * M))
	check_used "$name, from then on" S $((to * M))

	set_knob "$limited" dirty_limit_in_bytes "$((to * 4))M"
	check "$name, then raised: it is used" await above "$limited" $((to * 2 * M)) 10
	halt load W
	rm "$work"/mnt/"$from".*
}

cg_make a p/c
lower a a "$(pick 256 64)" "$(pick 16 8)"
# The parent's limit, its child's writers.
lower p p/c 64 8

finish
