#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# How closely a limit is held, and how well it is used: small and large limits,
# few and many writers, by write and by mmap, on a disk of 20 MB/s.
# vm: --disk 768M,bps=20000000 --timeout 120 --alone
# vm-debug: --disk 768M,bps=500000 --timeout 120
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 mnt

read -ra counts <<<"$(pick "1 4 16" "1 8")"
for mib in $(pick "4 16" 1); do
	for count in "${counts[@]}"; do
		for mode in write mmap; do
			cg_make a
			set_knob a dirty_limit_in_bytes "${mib}M"
			# The disk has nothing left to do of what was before.
			sync
			hold a $((mib * M)) "$(pick 4 8)" "mnt/$mode" \
				--writers "$count" --mode "$mode"
			name="$mib MiB, $count × $mode"
			check_held "$name" S $((mib * M))
			check_used "$name" S $((mib * M))
			diag "$name: rate=${W[rate]} jain=${W[jain]} longest_us=${W[max_us]}"
			if [[ $quick && ${S[held_n]} == 0 ]]; then
				skip "$name: it is counted as throttled" "the debug kernel is slower than the disk"
			else
				check_num "$name: it is counted as throttled" \
					"$(stat_of a throttled_count)" '>' 0
			fi
			cg_remove a
			rm "$work"/mnt/"$mode".*
		done
	done
done

finish
