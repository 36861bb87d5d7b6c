#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A parent's limit for eight children, each with a writer and no limit of its own: the
# sum compared with the limit, and how evenly the children share the disk.
# columns: kernel,limit,mode,samples,max,above,first_above,mean,jain,rate,disk
# vm: --flavor release --insmod --timeout 150 --disk 768M,bps=20000000,fs=ext4 -- 20 4 16 64
. "$(dirname "$0")/lib.sh"
seconds=$1
shift
begin ext4
disk_speed

# The bytes that were written to the disk for each child so far. (Dirtied bytes are no
# measure: the first child to start has the whole limit for itself.)
written()
{
	local child
	for child in "${children[@]}"; do
		written_by "$child"
	done
}

for mib in "$@"; do
	for mode in write mmap; do
		children=()
		for n in 1 2 3 4 5 6 7 8; do
			children+=("parent/$n")
		done
		cg_make "${children[@]}"
		set_knob parent dirty_limit_in_bytes "${mib}M"
		for child in "${children[@]}"; do
			spawn_writers "writer${child#*/}" "$child" "mnt/${child#*/}" --seconds 3600 \
				--size 32M --mode "$mode"
		done
		watch_limit samples parent $((mib * M))
		must await above parent $((mib * M / 2)) 30
		before=$(written)
		rate_meanwhile sleep "$seconds"
		mapfile -t bytes < <(paste <(written) - <<<"$before" | awk '{ print $1 - $2 }')
		halt samples S
		for child in "${children[@]}"; do
			halt "writer${child#*/}" W
		done
		jain=$("$workload" jain "${bytes[@]}")
		row "$VM_FLAVOR" $((mib * M)) "$mode" "${S[held_n]}" "${S[max]}" "${S[above]}" \
			"${S[first_above]}" "${S[held_mean]}" "${jain#*=}" "$rate" "$disk"
		clean "${children[@]}" parent
	done
done
