#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Recharging on a machine with several memory nodes: each page stays on its node, and the
# statistics of each node follow. Pages that the kernel migrates, to another node or within a
# node, keep their inherited or recharged state.
# vm: --append numa=fake=2 --timeout 90 --shared
. "$(dirname "$0")/lib.sh"
[[ -d /sys/devices/system/node/node1 ]] || skip_all "one memory node"
setup_recharge
size=$(pick $((32 * M)) $((8 * M)))
tmpfs_make mnt mpol=interleave:0-1

# on_node NAME KEY NODE: bytes, from memory.numa_stat.
on_node()
{
	# This flushes the statistics.
	memory_of "$1" "$2" >/dev/null
	sed -n "s/^$2 .*N$3=\([0-9]*\).*/\1/p" "$top/$1/memory.numa_stat"
}

# nodes NAME KEY
nodes()
{
	echo "$(on_node "$1" "$2" 0) $(on_node "$1" "$2" 1)"
}

# one HOW KEY
one()
{
	local what=$1 key=$2 before node
	before=$(nodes p "$key")
	for node in 0 1; do
		check_num "$what: node $node has its share" "$(on_node p "$key" $node)" '>=' \
			$((size * 45 / 100))
	done
	case $1 in
	"on demand")
		keep user p/user --file "$work/mnt/f.0" --size "$size"
		check_eq "$what: everything can be moved" "$(put p recharge max)" ok
		;;
	"on access")
		switch access 1
		read_as p/user mnt/f.0 "$size"
		;;
	adopt)
		switch adopt 1
		cg_make p/user
		;;
	esac
	check_moves "$what" p p/user "$key" "$size" 5
	check_eq "$what: the total of each node is the same" "$(nodes p "$key")" "$before"
	for node in 0 1; do
		check_num "$what: the user's on node $node" "$(on_node p/user "$key" $node)" '>=' \
			$((size * 45 / 100))
	done
	check_audit "$what"
	switch access 0 adopt 0
}

cg_make p/user
bequeath p/old mnt/f "$size"
one "on demand" shmem
halt user W
rm "$work/mnt/f.0"
bequeath p/old mnt/f "$size"
one "on access" shmem
rm "$work/mnt/f.0"
cg_remove p/user
bequeath p/user mnt/f "$size"
one adopt shmem
cg_remove p/user
rm "$work/mnt/f.0"
fs_remove mnt

# --- pages that are migrated to another node -------------------------------------------------
# move_to DESCRIPTION NODE: migrate the whole file to NODE.
move_to()
{
	local what=$1
	keep mover other --file "$work/mnt/f.0" --size "$size" --node "$2"
	halt mover W
	check_num "$what: now on node $2" "$(on_node p shmem "$2")" '>=' $((size * 99 / 100))
}

tmpfs_make mnt mpol=bind:0
cg_make other
bequeath p/user mnt/f "$size"
before=$(nodes p shmem)
move_to "inherited pages" 1
check_eq "inherited pages: the total is the same" "$(nodes p shmem)" "${before#* } ${before% *}"
check "inherited pages: they are still inherited" inherits p "$size"
check_num "inherited pages: no more is inherited" "$(recharged p inherited)" '<=' "$size"
moved=$(value_in /proc/vmstat pgmigrate_success)
echo 1 >/proc/sys/vm/compact_memory
diag "compaction moved $(($(value_in /proc/vmstat pgmigrate_success) - moved)) pages"
check "compacted pages: they are still inherited" inherits p "$size"
check_num "compacted pages: no more is inherited" "$(recharged p inherited)" '<=' "$size"

# The pages still record which cgroup left them.
switch adopt 1
cg_make p/user
check_moves "inherited pages: a successor" p p/user shmem "$size" 5
check_num "inherited pages: still on node 1" "$(on_node p/user shmem 1)" '>=' $((size * 99 / 100))
check_audit "inherited pages"

# The pages also record that they were recharged and may have to be given back.
move_to "recharged pages" 0
check "recharged pages: they stay with the successor" holds p/user shmem "$size"
set_knob p/user max $((size / 2))
check_num "recharged pages: a limit causes them to be given back" "$(memory_of p/user shmem)" '<=' \
	$((size / 16))
check "recharged pages: the parent gets them back" inherits p $((size * 15 / 16))
check_num "recharged pages: the user has none on node 1" "$(on_node p/user shmem 1)" '<=' $M
set_knob p/user max max
check "recharged pages: they move again when there is room" loop_until 10 holds p/user shmem "$size"
check_audit "recharged pages"

finish
