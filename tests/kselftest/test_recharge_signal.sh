#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A reader of memory.recharge_stat that is killed while all is counted takes nothing
# from what others find there, nor does one that reads at the same time.
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
	# After each removal the next reader counts anew.
	cg_make p/gone
	cg_remove p/gone
	cat "$file" >/dev/null 2>&1 &
	usleep $((i % 12 * 400))
	kill -KILL $!
	wait $! 2>/dev/null
	[[ $(recharged p inherited) == "$had" ]] || wrong=$((wrong + 1))
done
check_eq "with readers that are killed: how often the figure is another" "$wrong" 0

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
check_eq "with three at once: how often the figure is another" "$wrong" 0
switch adopt 1
cg_make p/old
check "all of it goes to who comes back" loop_until 10 holds p/old shmem "$size"

finish
