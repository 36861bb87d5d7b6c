#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A reader of memory.recharge_stat that is killed while it counts, or that reads at the same
# time as others, does not change the figures that others read.
# vm: --timeout 90 --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
size=$(pick $((32 * M)) $((8 * M)))
file=$top/p/memory.recharge_stat

tmpfs_make mnt
bequeath p/old mnt/f "$size"
had=$(recharged p inherited)

wrong=0
for ((i = 0; i < $(pick 60 12); i++)); do
	# After each removal, the next reader counts again.
	cg_make p/gone
	cg_remove p/gone
	cat "$file" >/dev/null 2>&1 &
	usleep $((i % 12 * 400))
	kill -KILL $!
	wait $! 2>/dev/null
	[[ $(recharged p inherited) == "$had" ]] || wrong=$((wrong + 1))
done
check_eq "killed readers: the number of wrong figures" "$wrong" 0

wrong=0
for ((i = 0; i < $(pick 30 6); i++)); do
	cg_make p/gone
	cg_remove p/gone
	readers=()
	for reader in 1 2 3; do
		value_in "$file" inherited >"$work/reader.$reader" &
		readers+=($!)
	done
	wait "${readers[@]}"
	for reader in 1 2 3; do
		[[ $(<"$work/reader.$reader") == "$had" ]] || wrong=$((wrong + 1))
	done
done
check_eq "three readers at once: the number of wrong figures" "$wrong" 0
switch adopt 1
cg_make p/old
check "the successor adopts everything" loop_until 10 holds p/old shmem "$size"

finish
