#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Recharging on a machine with several memory nodes: each page stays on its node,
# and the statistics of each node follow it.
# vm: --append numa=fake=2 --timeout 90
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
		await_noted p p/user
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

finish
