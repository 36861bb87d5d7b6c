#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# How closely a limit is held, and how well it is used: small and large limits,
# few and many writers, by write and by mmap, on a disk of 20 MB/s.
# vm: --disk 768M,bps=20000000 --timeout 120 --alone
# vm-debug: --disk 768M,bps=250000 --timeout 120
. "$(dirname "$0")/lib.sh"
setup
# Waiting seconds for a commit of the journal to so slow a disk, a writer does not
# reach its limit on the debug kernel.
fs_make "$(pick ext4 ext2)" mnt

read -ra counts <<<"$(pick "1 4 16" "1 8")"
for mib in $(pick "4 16" 1); do
	for count in "${counts[@]}"; do
		for mode in write mmap; do
			cg_make a
			set_knob a dirty_limit_in_bytes "${mib}M"
			# The disk has nothing left to do of what was before.
			sync
			began=${EPOCHREALTIME/[.,]/}
			hold a $((mib * M)) "$(pick 4 12)" "mnt/$mode" \
				--writers "$count" --mode "$mode"
			took=$((${EPOCHREALTIME/[.,]/} - began))
			name="$mib MiB, $count × $mode"
			check_held "$name" S $((mib * M))
			check_used "$name" S $((mib * M))
			diag "$name: rate=${W[rate]} jain=${W[jain]} longest_us=${W[max_us]}"
			# An eighth is the margin below it, where writers are stopped.
			if [[ $quick ]] && ((S[max] < mib * M * 7 / 8)); then
				skip "$name: it is counted as throttled" "the debug kernel is slower than the disk"
			else
				check_num "$name: it is counted as throttled" \
					"$(stat_of a throttled_count)" '>' 0
				throttled=$(stat_of a throttled_usec)
				check_num "$name: for some of the time" "$throttled" '>' $((took / 100))
				check_num "$name: and each writer for no more than all of it" \
					"$throttled" '<=' $((took * count))
			fi
			cg_remove a
			rm "$work"/mnt/"$mode".*
		done
	done
done

finish
