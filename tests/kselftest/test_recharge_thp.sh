#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Recharging of huge pages, whole and split: shared memory with punched holes, and anonymous
# memory of which every second page was freed.
# vm: --timeout 90 --shared
. "$(dirname "$0")/lib.sh"
[[ -e /sys/kernel/mm/transparent_hugepage/shmem_enabled ]] || skip_all "no huge pages"
setup_recharge
size=$(pick $((32 * M)) $((8 * M)))
tmpfs_make mnt huge=always
cg_make p/user

# --- shared memory, whole ---------------------------------------------------------------
bequeath p/old mnt/f "$size" --block 2M
check_eq "shmem: the inherited pages are huge" "$(memory_of p shmem_thp)" "$size"
keep user p/user --file "$work/mnt/f.0" --size "$size"
check_eq "shmem: everything can be moved" "$(put p recharge max)" ok
check_moves "shmem" p p/user shmem "$size" 1
check_eq "shmem: the pages are still huge" "$(memory_of p/user shmem_thp)" "$size"
check_audit "shmem"
# The pages are split after recharging.
halt user W
"$workload" punch --file "$work/mnt/f.0" --size "$size" --stretch 64k >/dev/null ||
	bail "cannot punch holes"
check_eq "shmem, split afterwards: half is left" "$(memory_of p/user shmem)" $((size / 2))
check_audit "shmem, split afterwards"
rm "$work/mnt/f.0"

# --- shared memory, split before it is recharged --------------------------------------------
bequeath p/old mnt/f "$size" --block 2M
"$workload" punch --file "$work/mnt/f.0" --size "$size" >/dev/null || bail "cannot punch holes"
check_eq "shmem, split before: half is left" "$(memory_of p shmem)" $((size / 2))
check "shmem, split before: half is inherited" inherits p $((size / 2))
check_num "shmem, split before: no more is inherited" "$(recharged p inherited)" '<=' $((size / 2))
switch access 1
# This fills the holes again; the new pages are charged to the user.
keep user p/user --file "$work/mnt/f.0" --size "$size"
check_moves "shmem, split before" p p/user shmem "$size" 5
check_audit "shmem, split before"
switch access 0
halt user W
rm "$work/mnt/f.0"

# --- anonymous memory -------------------------------------------------------------------------
keep_moved user p/old p/user --size "$size" --kind huge
check_eq "anon: the pages are huge" "$(memory_of p/old anon_thp)" "$size"
cg_leave p/old "$size"
check_eq "anon: everything can be moved" "$(put p recharge max)" ok
check_moves "anon" p p/user anon "$size" 1
check_audit "anon"
tell user USR1 touched=1
halt user W

# Folios on the deferred split queue: every second page was freed.
keep_moved user p/old p/user --size "$size" --kind huge --sparse
before=$(memory_of p/old anon)
cg_leave p/old $((size / 2))
put p recharge max >/dev/null
check "anon, to be split: the user is charged" loop_until 5 holds p/user anon "$before"
check_audit "anon, to be split"
# Reclaim splits them, now on behalf of the user's cgroup.
put p/user reclaim "$size" >/dev/null
check_audit "anon, split by reclaim"
tell user USR1 touched=1
halt user W

# Folios that are split while they are inherited.
keep_moved user p/old p/user --size "$size" --kind huge --sparse
cg_leave p/old $((size / 2))
put p reclaim "$size" >/dev/null
put p recharge max >/dev/null
check "anon, split while inherited: the user is charged" loop_until 5 \
	holds p/user anon $((size / 2))
check_audit "anon, split while inherited"

halt user W

# Large folios that are mapped page by page: removing the mappings one by one must not make
# the folios look partially mapped, or they would be split.
sizes=/sys/kernel/mm/transparent_hugepage
if [[ -d $sizes/hugepages-64kB ]]; then
	for setting in hugepages-64kB/enabled:always hugepages-2048kB/enabled:never; do
		file=$sizes/${setting%:*}
		at_undo=("put_back $file $(sed 's/.*\[\(.*\)\].*/\1/' "$file")" "${at_undo[@]}")
		echo "${setting#*:}" >"$file" || bail "cannot set $file"
	done
	stats=$sizes/hugepages-64kB/stats
	keep_moved user p/old p/user --size "$size" --kind huge
	check_num "anon, 64 KiB: the folios are large" "$(<"$stats/nr_anon")" '>=' $((size / 65536))
	cg_leave p/old "$size"
	check_eq "anon, 64 KiB: everything can be moved" "$(put p recharge max)" ok
	check_moves "anon, 64 KiB" p p/user anon "$size" 1
	check_eq "anon, 64 KiB: no folio is counted as partially mapped" \
		"$(<"$stats/nr_anon_partially_mapped")" 0
	check_audit "anon, 64 KiB"
	halt user W
else
	skip "anon, 64 KiB" "no large folios of that size"
fi

finish
