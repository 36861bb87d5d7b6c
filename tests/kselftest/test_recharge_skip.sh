#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Memory that is never recharged: pages of the hugetlb pool, and the kernel's own memory.
# vm: --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
switch mapped 1 access 1

# --- kernel memory ----------------------------------------------------------------------
size=$((8 * M))
cg_make p/user
keep_moved user p/old p/user --size "$size" --kind pipes
check_num "pipes: the old cgroup is charged" "$(memory_of p/old kernel)" '>=' "$size"
cg_remove p/old
# Kernel memory is reparented, as without the module.
must loop_until 10 nothing_dies
check_num "pipes: the parent is charged" \
	$(($(memory_of p kernel) - $(memory_of p/user kernel))) '>=' "$size"
check_num "pipes: kernel memory is not counted as inherited" "$(recharged p inherited)" '<=' $M
check_eq "pipes: kernel memory cannot be moved" "$(put p recharge "$size")" EAGAIN
check_num "pipes: no kernel memory was moved" "$(memory_of p/user kernel)" '<=' $M
check_audit "pipes"
halt user W
check_num "pipes: the charge is released" "$(usage p)" '<=' $((2 * M))
cg_remove p/user p

# --- hugetlb ------------------------------------------------------------------------------
pages=4
echo $pages >/proc/sys/vm/nr_hugepages
at_undo=("put_back /proc/sys/vm/nr_hugepages 0" "${at_undo[@]}")
if [[ $(</proc/sys/vm/nr_hugepages) != "$pages" ]]; then
	skip "hugetlb" "no memory for huge pages"
	finish
fi
cg_make p/user
keep_moved user p/old p/user --size $((pages * 2 * M)) --kind hugetlb
moved=$(total moved)
cg_remove p/old
must loop_until 10 nothing_dies
check_eq "hugetlb: the pages cannot be moved" "$(put p recharge $((pages * 2 * M)))" EAGAIN
tell user USR1 touched=1
check_num "hugetlb: no page was moved" $(($(total moved) - moved)) '<=' $M
check_num "hugetlb: the user is not charged" "$(<"$top/p/user/memory.current")" '<=' $((2 * M))
check_audit "hugetlb"
halt user W
check_eq "hugetlb: all pages are back in the pool" \
	"$(awk '/^HugePages_Free:/ { print $2 }' /proc/meminfo)" "$pages"
cg_remove p/user p

# The memory controller can be configured to charge for them. They are not counted as
# inherited then, either. With a source, mount does not keep the current options.
at_undo=("mount -t cgroup2 -o remount cgroup2 ${top%/*}" "${at_undo[@]}")
must mount -o remount,memory_hugetlb_accounting "${top%/*}"
tmpfs_make mnt
cg_make p/old p/user
fill p/old mnt/f $((4 * M))
keep user p/old --size $((pages * 2 * M)) --kind hugetlb
check_num "hugetlb, charged: p/old pays" "$(<"$top/p/old/memory.current")" '>=' $((pages * 2 * M))
join user p/user
cg_remove p/old
check "hugetlb, charged: other memory is inherited" loop_until 10 inherits p $((4 * M))
check_num "hugetlb, charged: nothing more is" "$(recharged p inherited)" '<=' $((4 * M + M / 8))
halt user W
check "hugetlb, charged: freeing the huge pages changes nothing" inherits p $((4 * M))
rm "$work/mnt/f.0"
check_eq "hugetlb, charged: nothing is left at the end" "$(recharged p inherited)" 0

finish
