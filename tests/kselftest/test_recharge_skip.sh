#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What is never recharged: pages of the hugetlb pool, and the kernel's own memory.
# vm: --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
switch mapped 1
switch access 1

# --- kernel memory ----------------------------------------------------------------------
size=$((8 * M))
cg_make p/old p/user
keep user p/old --size "$size" --kind pipes
join user p/user
check_num "pipes: they are the old one's" "$(memory_of p/old kernel)" '>=' "$size"
cg_remove p/old
# It is the parent's now, and that is no news.
must loop_until 10 nothing_dies
check_num "pipes: they are the parent's" \
	$(($(memory_of p kernel) - $(memory_of p/user kernel))) '>=' "$size"
check_num "pipes: nothing of it counts as inherited" "$(recharged p inherited)" '<=' $M
check_eq "pipes: it cannot be moved" "$(put p recharge "$size")" EAGAIN
check_num "pipes: and was not" "$(memory_of p/user kernel)" '<=' $M
check_audit "pipes"
halt user W
check_num "pipes: all of it is given back" "$(usage p)" '<=' $((2 * M))
cg_remove p/user p

# --- hugetlb ------------------------------------------------------------------------------
pages=4
echo $pages >/proc/sys/vm/nr_hugepages
at_undo=("put_back /proc/sys/vm/nr_hugepages 0" "${at_undo[@]}")
if [[ $(</proc/sys/vm/nr_hugepages) != "$pages" ]]; then
	skip "hugetlb" "no memory for huge pages"
	finish
fi
cg_make p/old p/user
keep user p/old --size $((pages * 2 * M)) --kind hugetlb
join user p/user
moved=$(total moved)
cg_remove p/old
must loop_until 10 nothing_dies
check_eq "hugetlb: it cannot be moved" "$(put p recharge $((pages * 2 * M)))" EAGAIN
tell user USR1 touched=1
check_num "hugetlb: and was not" $(($(total moved) - moved)) '<=' $M
check_num "hugetlb: nor does its user have it" "$(<"$top/p/user/memory.current")" '<=' $((2 * M))
check_audit "hugetlb"
halt user W
check_eq "hugetlb: the pool has all of it again" \
	"$(awk '/^HugePages_Free:/ { print $2 }' /proc/meminfo)" "$pages"
cg_remove p/user p

# The memory controller may be told to charge for them. They are not counted then, either.
# With a source it does not take over the options that are in force.
at_undo=("mount -t cgroup2 -o remount cgroup2 ${top%/*}" "${at_undo[@]}")
must mount -o remount,memory_hugetlb_accounting "${top%/*}"
tmpfs_make mnt
cg_make p/old p/user
fill p/old mnt/f $((4 * M))
keep user p/old --size $((pages * 2 * M)) --kind hugetlb
check_num "hugetlb, charged: it is" "$(<"$top/p/old/memory.current")" '>=' $((pages * 2 * M))
join user p/user
cg_remove p/old
check "hugetlb, charged: inherited is what is not huge" loop_until 10 inherits p $((4 * M))
check_num "hugetlb, charged: and no more" "$(recharged p inherited)" '<=' $((4 * M + M / 8))
halt user W
check "hugetlb, charged: also when the huge pages are freed" inherits p $((4 * M))
rm "$work/mnt/f.0"
check_eq "hugetlb, charged: nothing is left in the end" "$(recharged p inherited)" 0

finish
