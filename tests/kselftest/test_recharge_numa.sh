#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Recharging on a machine with several memory nodes: each page stays on its node,
# and the statistics of each node follow it. What the kernel itself moves to another
# node, or elsewhere on its node, is as inherited, or recharged, as it was.
# vm: --append numa=fake=2 --timeout 90 --shared
. "$(dirname "$0")/lib.sh"
[[ -d /sys/devices/system/node/node1 ]] || skip_all "one memory node"
setup_recharge
size=$(pick $((32 * M)) $((8 * M)))
tmpfs_make mnt mpol=interleave:0-1

# on_node NAME KEY NODE: bytes, from memory.numa_stat.
on_node()
{
	# For what it flushes.
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
		check_eq "$what: all can be moved" "$(put p recharge max)" ok
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
	switch access 0
	switch adopt 0
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

# --- pages that come to another node ---------------------------------------------------------
# move_to NODE: all of the file, which it is on then.
move_to()
{
	local what=$1
	keep mover other --file "$work/mnt/f.0" --size "$size" --node "$2"
	halt mover W
	check_num "$what: it is on node $2" "$(on_node p shmem "$2")" '>=' $((size * 99 / 100))
}

tmpfs_make mnt mpol=bind:0
cg_make other
bequeath p/user mnt/f "$size"
before=$(nodes p shmem)
move_to "what was left" 1
check_eq "what was left: the total is the same" "$(nodes p shmem)" "${before#* } ${before% *}"
check "what was left: it is inherited still" inherits p "$size"
check_num "what was left: and no more than that" "$(recharged p inherited)" '<=' "$size"
moved=$(value_in /proc/vmstat pgmigrate_success)
echo 1 >/proc/sys/vm/compact_memory
diag "compaction moved $(($(value_in /proc/vmstat pgmigrate_success) - moved)) pages"
check "compacted: it is inherited still" inherits p "$size"
check_num "compacted: and no more than that" "$(recharged p inherited)" '<=' "$size"

# It has not forgotten whose it was.
switch adopt 1
cg_make p/user
check_moves "what was left: a successor" p p/user shmem "$size" 5
check_num "what was left: it has it on node 1" "$(on_node p/user shmem 1)" '>=' $((size * 99 / 100))
check_audit "what was left"

# Nor that it was recharged, and has to be given back.
move_to "what was recharged" 0
check "what was recharged: it stays with the successor" holds p/user shmem "$size"
set_knob p/user max $((size / 2))
check_num "what was recharged: for a limit it is given back" "$(memory_of p/user shmem)" '<=' \
	$((size / 16))
check "what was recharged: to the one above" inherits p $((size * 15 / 16))
check_num "what was recharged: on the node where it is" "$(on_node p/user shmem 1)" '<=' $M
set_knob p/user max max
check "what was recharged: it comes back as there is room" \
	loop_until 10 holds p/user shmem "$size"
check_audit "what was recharged"

finish
