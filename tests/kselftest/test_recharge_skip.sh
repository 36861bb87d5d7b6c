#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What is never recharged: pages of the hugetlb pool, and the kernel's own memory.
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

finish
