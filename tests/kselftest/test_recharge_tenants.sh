#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A tenant that owns a cgroup can make the kernel do only little work at the expense of
# others through recharging and memory.persistent.
# vm: --timeout 150
. "$(dirname "$0")/lib.sh"
setup_recharge
size=$(pick $((32 * M)) $((8 * M)))
tmpfs_make mnt

# --- files that may be delegated are listed --------------------------------------------------
for file in memory.recharge memory.dirty_writeback memory.reclaim cgroup.procs; do
	check "$file is listed as delegatable" grep -qx "$file" /sys/kernel/cgroup/delegate
done
check_eq "no file is listed twice" "$(sort /sys/kernel/cgroup/delegate | uniq -d)" ""

# --- no code patching at each switch ----------------------------------------------------------
cg_make p/user
rounds=200
before=$(ipis)
for ((i = 0; i < rounds; i++)); do
	echo shmem
	echo
done >"$top/p/user/memory.persistent"
after=$(ipis)
check_num "memory.persistent switched $rounds times patches no code" \
	$((after - before)) '<=' $((rounds / 2))

# A failed mount with memcg= causes no more interrupts than a failed mount without it; each
# process causes a few by itself. Patching would take several interrupts to enable the code,
# and as many to disable it.
rounds=$(pick 50 10)

# refused [OPTION...]: set interrupts to the number that the refused mounts cause.
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
# The first mount may patch the code, which stays enabled for some time.
"$workload" mount "$work" --option "memcg=$top/p/user" --option nonsense >"$work/mount" 2>&1
refused --option "memcg=$top/p/user"
if [[ $quick ]]; then
	skip "a refused mount with memcg= patches no code" \
		"on the debug kernel, the number of interrupts per process is larger and varies"
else
	check_num "a mount with memcg= that is refused $rounds times patches no code" \
		"$interrupts" '<=' $((plain + 2 * rounds))
fi

# --- removed cgroups that left nothing cause no pass -------------------------------------------
bequeath p/old mnt/f "$size"
switch mapped 1
check "recharge_mapped: the first pass ends" loop_until 60 rests
before=$(total scanned)
for ((i = 0; i < 20; i++)); do
	mkdir "$top/p/empty$i"
	rmdir "$top/p/empty$i"
done
check "removed empty cgroups cause no scan" stays 2 total_is scanned "$before"

# Cgroups that leave a page each cause passes, but these take only a part of the time.
for ((i = 0; i < 20; i++)); do
	cg_make p/one
	fill p/one mnt/one$i $PAGE
	cg_remove p/one
done
# On the debug kernel, a second passes between two of them, so each may cause a pass, but no
# more, and one may have been under way before.
check_num "20 removed cgroups cause fewer passes" $((($(total scanned) - before) / size)) \
	'<' "$(pick 20 22)"
switch mapped 0

# --- reading figures scans no folios ------------------------------------------------------------
before=$(total scanned)
for ((i = 0; i < 20; i++)); do
	recharged p inherited >/dev/null
done
check_eq "reading memory.recharge_stat causes no scan" "$(total scanned)" "$before"
rm "$work"/mnt/*

# has_failed BYTES: recharging has failed for BYTES in all.
has_failed()
{
	[[ $(recharged p recharge_failed) == "$1" ]]
}

# --- a pinned removed cgroup does not adopt its own memory ---------------------------------------
zram_make 128M
switch adopt 1
cg_make p/pinned
fill p/pinned mnt/f "$size"
put p/pinned reclaim $((size / 4)) >/dev/null
check_num "some memory is swapped out" "$(value_in /proc/vmstat pswpout)" '>' 0
had_failed=$(recharged p recharge_failed)
cg_remove p/pinned
check "swapped out memory pins the removed cgroup" loop_until 5 grep -qx \
	'nr_dying_descendants 1' "$top/p/cgroup.stat"
check "the removed cgroup adopts nothing" stays 3 has_failed "$had_failed"
cg_make p/pinned
check "its successor adopts the memory" loop_until 10 holds p/pinned shmem $((size / 2))
check_eq "recharging has not failed" "$(recharged p recharge_failed)" "$had_failed"
check_audit "after the adoption"

finish
