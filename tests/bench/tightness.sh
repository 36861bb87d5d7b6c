#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# How closely a limit is held and how well it is used: the highest and the mean
# dirty+writeback, sampled every 10 ms, and the part of the disk's speed that is used.
# Limit 0 stands for no limit, so that only the system-wide limits apply.
# columns: kernel,limit,mode,writers,samples,max,above,first_above,mean,rate,disk
# vm: --flavor stock --timeout 90 --disk 768M,bps=20000000,fs=ext4 -- 10 0
# vm: --flavor release --insmod --timeout 120 --disk 768M,bps=20000000,fs=ext4 -- 10 4
# vm: --flavor release --insmod --timeout 120 --disk 768M,bps=20000000,fs=ext4 -- 30 16
# vm: --flavor release --insmod --timeout 120 --disk 768M,bps=20000000,fs=ext4 -- 30 64
. "$(dirname "$0")/lib.sh"
seconds=$1 limit=$(($2 * M))
begin ext4
disk_speed

for mode in write mmap; do
	for count in 1 4 16; do
		cg_make hog
		# Without a limit, sample against one that is never reached.
		watched=$((limit ? limit : 100 * M))
		((limit == 0)) || set_knob hog dirty_limit_in_bytes "$limit"
		spawn_writers writers hog mnt/hog --seconds 3600 --mode "$mode" \
			--writers "$count" --size $((256 * M / count))
		watch_limit samples hog "$watched"
		must await above hog $((watched / 2)) 30
		rate_meanwhile sleep "$seconds"
		halt samples S
		halt writers W
		above=${S[above]} first_above=${S[first_above]}
		((limit > 0)) || above=0 first_above=0
		row "$VM_FLAVOR" "$limit" "$mode" "$count" "${S[held_n]}" "${S[max]}" \
			"$above" "$first_above" "${S[held_mean]}" "$rate" "$disk"
		clean hog
	done
done
