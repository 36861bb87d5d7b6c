#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Recharging and swap: memory that is swapped out when its cgroup is removed, after it was
# inherited, and after it was recharged; shared and anonymous memory.
# vm: --timeout 120 --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
zram_make 256M
size=$(pick $((32 * M)) $((8 * M)))
tmpfs_make mnt

# swap_out NAME: swap out at least half of the cgroup's memory.
swap_out()
{
	local want=$(($(memory_of "$1" anon) + $(memory_of "$1" shmem)))
	# The kernel may reclaim less than requested; this test does not check that.
	put "$1" reclaim $want >/dev/null
	check_num "$1: half of it is in swap" "$(<"$top/$1/memory.swap.current")" '>=' $((want / 2))
}

# shared_memory: tests of shared memory that is swapped out.
shared_memory()
{
	# Memory is swapped out, and then its cgroup is removed.
	switch access 1
	cg_make p/old p/user
	fill p/old mnt/f "$size"
	swap_out p/old
	cg_remove p/old
	read_as p/user mnt/f.0 "$size"
	check "removed while in $swap: the user is charged" loop_until 5 holds p/user shmem "$size"
	check_eq "removed while in $swap: only the user is charged for swap" \
		"$(<"$top/p/memory.swap.current")" "$(<"$top/p/user/memory.swap.current")"
	check_audit "removed while in $swap"
	rm "$work/mnt/f.0"

	# Memory is inherited, and then swapped out.
	bequeath p/old mnt/f "$size"
	swap_out p
	read_as p/user mnt/f.0 "$size"
	# A swap entry records the cgroup that is charged, but not the one that left the
	# memory: from then on it is the inheritor's own.
	check "inherited, then in $swap: none is inherited" loop_until 5 has_left p $((size / 100))
	check_eq "inherited, then in $swap: no charge is lost" "$(memory_of p shmem)" "$size"
	check_audit "inherited, then in $swap"
	rm "$work/mnt/f.0"

	# Memory is recharged, and then swapped out.
	bequeath p/old mnt/f "$size"
	read_as p/user mnt/f.0 "$size"
	check_moves "recharged, then in $swap" p p/user shmem "$size" 5
	swap_out p/user
	check_num "recharged, then in $swap: the user is charged for swap" \
		"$(<"$top/p/user/memory.swap.current")" '>=' $((size / 2))
	read_as p/user mnt/f.0 "$size"
	check "recharged, then in $swap: swapped in again" loop_until 1 holds p/user shmem "$size"
	rm "$work/mnt/f.0"
	switch access 0
}

swap=swap
shared_memory
zswap=/sys/module/zswap/parameters/enabled
if [[ -w $zswap ]]; then
	cg_remove p/user p
	at_undo=("put_back $zswap $(<$zswap)" "${at_undo[@]}")
	must put_back $zswap Y
	stored=$(value_in /proc/vmstat zswpout)
	swap=zswap
	shared_memory
	check_num "zswap: pages were stored there" "$(value_in /proc/vmstat zswpout)" '>' "$stored"
	must put_back $zswap N
else
	skip "zswap" "not in this kernel"
fi

# --- anonymous memory, whose process was moved ---------------------------------------------------
keep_moved user p/old p/user --size "$size"
swap_out p/old
switch mapped 1
cg_remove p/old
tell user USR1 touched=1
check "anonymous, removed while in swap: the user is charged" loop_until 5 holds p/user anon "$size"
check_audit "anonymous, removed while in swap"
halt user W

switch mapped 0
keep_moved user p/old p/user --size "$size"
cg_leave p/old "$size"
before=$(memory_of p anon)
swap_out p
switch mapped 1
check "anonymous, inherited, then in swap: the request returns" \
	test "$(put p recharge max)" != EINVAL
tell user USR1 touched=1
check "anonymous, inherited, then in swap: none inherited" loop_until 5 has_left p $((size / 100))
check_eq "anonymous, inherited, then in swap: no loss" "$(memory_of p anon)" "$before"
check_audit "anonymous, inherited, then in swap"
halt user W

# --- recharged while it is swapped out and in -------------------------------------------------
switch mapped 0 access 1
for round in $(seq "$(pick 8 3)"); do
	cg_make p/old
	fill p/old "mnt/$round" $((size / 4))
	cg_remove p/old
	spawn reclaim put --file "$top/p/memory.reclaim" --value $((size / 4))
	spawn reader read --cgroup "$top/p/user" --file "$work/mnt/$round.0" --size $((size / 4))
	put p recharge max >/dev/null
	collect reclaim W
	collect reader W
done
for ((i = 1; i <= round; i++)); do
	read_as p/user "mnt/$i.0" $((size / 4))
done
loop_until 5 has_left p $((round * size / 4 / 100))
check_num "in transit: nothing is left" "$(recharged p inherited)" '<=' $((round * size / 4 / 100))
check_eq "in transit: no loss" "$(memory_of p shmem)" $((round * size / 4))
check_audit "in transit"

rm -rf "${work:?}"/mnt/*
cg_remove p/user
check "no swap is charged when all files are removed" loop_until 10 \
	grep -qx 0 "$top/p/memory.swap.current"

finish
