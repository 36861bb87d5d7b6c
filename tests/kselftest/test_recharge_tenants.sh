#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What a tenant, who owns a cgroup, can have the kernel do at others' expense by way of
# recharging and memory.persistent: little.
# vm: --timeout 150
. "$(dirname "$0")/lib.sh"
setup_recharge
size=$(pick $((32 * M)) $((8 * M)))
tmpfs_make mnt

# --- what may be delegated is listed ---------------------------------------------------------
for file in memory.recharge memory.dirty_writeback memory.reclaim cgroup.procs; do
	check "$file is listed as delegatable" grep -qx "$file" /sys/kernel/cgroup/delegate
done
check_eq "and nothing twice" "$(sort /sys/kernel/cgroup/delegate | uniq -d)" ""

# --- code is not patched each time ------------------------------------------------------------
cg_make p/user
rounds=200
before=$(ipis)
for ((i = 0; i < rounds; i++)); do
	echo shmem
	echo
done >"$top/p/user/memory.persistent"
after=$(ipis)
check_num "memory.persistent switched $rounds times has no code patched" \
	$((after - before)) '<=' $((rounds / 2))

# A mount that names its payer, and comes to nothing, costs others no more interrupts than
# one that names nobody: a process takes some for itself. Patching would take several to have
# the code in force, and as many again not to.
rounds=$(pick 50 10)

# refused [OPTION...]: sets interrupts to those that so many refused mounts take.
refused()
{
	local before i
	before=$(ipis)
	for ((i = 0; i < rounds; i++)); do
		"$workload" mount "$work" "$@" --option nonsense >"$work/mount" 2>&1
		grep -q "^result=EINVAL" "$work/mount" || bail "not refused: $(cat "$work/mount")"
	done
	interrupts=$(($(ipis) - before))
}
refused
plain=$interrupts
# The first one may have the code patched; it stays so for the time.
"$workload" mount "$work" --option "memcg=$top/p/user" --option nonsense >"$work/mount" 2>&1
refused --option "memcg=$top/p/user"
if [[ $quick ]]; then
	skip "a mount with memcg= that is refused has no code patched" \
		"on the debug kernel processes take more interrupts for themselves, now so many, now others"
else
	check_num "a mount with memcg= that is refused $rounds times has no code patched" \
		"$interrupts" '<=' $((plain + 2 * rounds))
fi

# --- what left nothing is no reason for a pass -------------------------------------------------
bequeath p/old mnt/f "$size"
switch mapped 1
check "recharge_mapped: the first pass ends" loop_until 60 rests
before=$(total scanned)
for ((i = 0; i < 20; i++)); do
	mkdir "$top/p/empty$i"
	rmdir "$top/p/empty$i"
done
check "empty cgroups come and go, and nothing is looked at" stays 2 total_is scanned "$before"

# Those that leave a page each make passes, but no more than a part of the time.
for ((i = 0; i < 20; i++)); do
	cg_make p/one
	fill p/one mnt/one$i $PAGE
	cg_remove p/one
done
# On the debug kernel a second lies between two of them, so each may have a pass, but no
# more, and one may have been under way.
check_num "what 20 left is found by fewer passes" $((($(total scanned) - before) / size)) \
	'<' "$(pick 20 22)"
switch mapped 0

# --- who reads figures looks at no folio --------------------------------------------------------
before=$(total scanned)
for ((i = 0; i < 20; i++)); do
	recharged p inherited >/dev/null
done
check_eq "memory.recharge_stat is read, and nothing is looked at" "$(total scanned)" "$before"
rm "$work"/mnt/*

# has_failed BYTES: so much, in all.
# shellcheck disable=SC2317 # stays calls it.
has_failed()
{
	[[ $(recharged p recharge_failed) == "$1" ]]
}

# --- a removed cgroup that something pins does not adopt its own ---------------------------------
zram_make 128M
switch adopt 1
cg_make p/pinned
fill p/pinned mnt/f "$size"
put p/pinned reclaim $((size / 4)) >/dev/null
check_num "some of it is swapped out" "$(value_in /proc/vmstat pswpout)" '>' 0
had_failed=$(recharged p recharge_failed)
cg_remove p/pinned
check "a removed cgroup stays, for what is swapped out is its own" loop_until 5 grep -qx \
	'nr_dying_descendants 1' "$top/p/cgroup.stat"
check "it adopts nothing of what it left" stays 3 has_failed "$had_failed"
cg_make p/pinned
check "who comes after it does" loop_until 10 holds p/pinned shmem $((size / 2))
check_eq "and nothing failed" "$(recharged p recharge_failed)" "$had_failed"
check_audit "after that"

finish
