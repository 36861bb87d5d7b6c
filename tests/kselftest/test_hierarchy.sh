#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# An ancestor's dirty limit bounds the sum over its subtree, and its children share it
# fairly, however many writers each has.
#
#            p  16M                p  16M          p  16M
#     ______/|\______             / \               |
#    c1   c2  ..   c8     4M or 64M  c2             c - g
#
# The disk has half the speed of the disks in other tests: writers should wait for the disk,
# not for a processor, which the writers share regardless of their cgroup.
# vm: --disk 512M,bps=10000000 --disk 64M,bps=1000000 --timeout 90 --alone
# vm-debug: --disk 512M,bps=2000000 --disk 64M,bps=500000 --timeout 90
. "$(dirname "$0")/lib.sh"
setup
# ext2, because a writer that waits for a journal commit does not compete for the limit.
fs_make ext2 mnt
limit=$((16 * M))

# family DESCRIPTION SECONDS WRITERS...: one child per number of writers. All children start
# at the same time, from a frozen parent, so that their shares are comparable, and they end
# only after the last sample, so that the samples do not include their end. The files are 48M
# in all, so that their blocks are soon allocated: without KVM, allocation may be as slow as
# the disk, and then no writer is throttled.
family()
{
	local name=$1 seconds=$2 count child shares=() files=0
	shift 2
	for count in "$@"; do
		files=$((files + count))
	done
	echo 1 >"$top/p/cgroup.freeze"
	child=0
	for count in "$@"; do
		child=$((child + 1))
		cg_make "p/c$child"
		spawn_writers "c$child" "p/c$child" "mnt/c$child" \
			--size $((48 * M / files / PAGE * PAGE)) --seconds 600 \
			--writers "$count"
	done
	for child in $(seq $#); do
		must loop_until 10 grep -q . "$top/p/c$child/cgroup.procs"
	done
	watch_limit sum p $limit --seconds "$seconds"
	echo 0 >"$top/p/cgroup.freeze"
	collect sum S
	for child in $(seq $#); do
		kill -TERM "${running[c$child]}"
	done
	for child in $(seq $#); do
		collect "c$child" W
		shares+=("${W[bytes]}")
	done
	check_limit "$name: the sum" S $limit
	figures W "$("$workload" jain "${shares[@]}")"
	diag "$name: shares ${shares[*]}"
	skip_if "${quick:+on the debug kernel the processor is what they share}" \
		check_num "$name: the children's shares are fair" "${W[jain]}" '>=' 0.95
	for child in $(seq $#); do
		cg_remove "p/c$child"
	done
	rm "$work"/mnt/c*.*
}

cg_make p
set_knob p dirty_limit_in_bytes $limit
[[ $quick ]] || family "2 children" 12 1 1
family "2 children, 4 writers to 1" "$(pick 12 6)" 4 1
family "8 children" "$(pick 12 8)" 1 1 1 1 1 1 1 1

# bounded DESCRIPTION CGROUP LIMIT: write from CGROUP, and sample it and its ancestor p.
bounded()
{
	watch_limit sum p $limit
	hold "$2" "$3" "$(pick 4 3)" mnt/b
	check_limit "$1: the child" S "$3"
	halt sum S
	check_held "$1: the parent" S $limit
	rm "$work"/mnt/b.*
}

cg_make p/c/g
bounded "a grandchild under the grandparent's limit" p/c/g $limit
set_knob p/c dirty_limit_in_bytes 64M
bounded "a looser limit of a child does not help it" p/c/g $limit

# A child's tighter limit holds next to a sibling without one. The child writes to a disk that
# is slower than its share of the other; otherwise its pages might be written before it
# reaches half of its limit.
fs_make ext2 slow "${SCRATCH2-}"
set_knob p/c dirty_limit_in_bytes 4M
cg_make p/sibling
fill p/sibling mnt/sibling 24M
spawn_writers sibling p/sibling mnt/sibling --size 24M --overwrite --seconds 600
watch_limit sum p $limit
hold p/c/g $((4 * M)) "$(pick once:10M once:5M)" slow/b
check_limit "a tighter limit of a child" S $((4 * M))
check_progress "a tighter limit of a child does not stop it" "${W[bytes]}" $((4 * M))
halt sum S
check_limit "the sum with a tighter child" S $limit
halt sibling W

finish
