#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# How closely a limit is held, and how well it is used: small and large limits, few and many
# writers, with write() and with mmap, on a disk of 20 MB/s.
# vm: --disk 768M,bps=20000000 --timeout 120 --alone
# vm-debug: --disk 768M,bps=250000 --timeout 120
. "$(dirname "$0")/lib.sh"
setup
# On the debug kernel, with its slow disk, writers would wait seconds for a journal commit and
# not reach their limit.
fs_make "$(pick ext4 ext2)" mnt

read -ra counts <<<"$(pick "1 4 16" "1 8")"
for mib in $(pick "4 16" 1); do
	for count in "${counts[@]}"; do
		for mode in write mmap; do
			cg_make a
			set_knob a dirty_limit_in_bytes "${mib}M"
			# Finish the writeback of the previous round.
			sync
			began=${EPOCHREALTIME/[.,]/}
			hold a $((mib * M)) "$(pick 4 12)" "mnt/$mode" \
				--writers "$count" --mode "$mode"
			took=$((${EPOCHREALTIME/[.,]/} - began))
			name="$mib MiB, $count × $mode"
			check_limit "$name" S $((mib * M))
			diag "$name: rate=${W[rate]} jain=${W[jain]} longest_us=${W[max_us]}"
			# Writers stop at an eighth below the limit.
			if [[ $quick ]] && ((S[max] < mib * M * 7 / 8)); then
				skip "$name: throttled_count counts" "the debug kernel is slower than the disk"
			else
				check_num "$name: throttled_count counts" \
					"$(stat_of a throttled_count)" '>' 0
				throttled=$(stat_of a throttled_usec)
				check_num "$name: throttled_usec grows" "$throttled" '>' $((took / 100))
				check_num "$name: throttled_usec is at most that of all writers" \
					"$throttled" '<=' $((took * count))
			fi
			cg_remove a
			rm "$work"/mnt/"$mode".*
		done
	done
done

finish
