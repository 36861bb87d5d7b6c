#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Adoption: a cgroup that is created at the path of a removed one takes over the memory that
# its predecessor left behind, without accessing it. The path consists of the names from the
# root down.
# vm: --disk 512M --timeout 150 --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
size=$(pick $((64 * M)) $((8 * M)))
fs_make ext4 disk
tmpfs_make mnt

# adopts DESCRIPTION INHERITOR CGROUP KEY BYTES: create CGROUP; it adopts BYTES from INHERITOR.
adopts()
{
	local before after
	before=$(memory_of "$2" "$4")
	cg_make "$3"
	check_moves "$1" "$2" "$3" "$4" "$5" 5
	after=$(memory_of "$2" "$4")
	check_eq "$1: the total above is the same" "$after" "$before"
}

# --- a service is restarted ---------------------------------------------------------
bequeath p/s disk/f "$size"
cg_make p/s
check "switched off, nothing is adopted" stays 2 inherits p "$size"
cg_remove p/s
switch adopt 1
# Some of it is not written back yet.
adopts "a restarted service" p p/s file "$size"
check_eq "a restarted service: recharged_out equals recharged_in" \
	"$(recharged p recharged_out)" "$(recharged p/s recharged_in)"
check_audit "a restarted service"

# --- several restarts ---------------------------------------------------------------
cg_leave p/s "$size"
adopts "restarted once more" p p/s file "$size"
fill p/s mnt/f "$size"
cg_leave p/s $((2 * size))
adopts "restarted with more memory" p p/s shmem "$size"
check "restarted with more memory: the file is adopted as well" holds p/s file $((2 * size))
cg_remove p/s
rm "$work/disk/f.0" "$work/mnt/f.0"

# Two generations, of which the second did not adopt the memory of the first.
switch adopt 0
bequeath p/s mnt/f "$size"
bequeath p/s mnt/g "$size"
switch adopt 1
adopts "twice removed" p p/s shmem $((2 * size))
cg_remove p/s p
rm "$work"/mnt/?.0

# --- the parent was removed as well -------------------------------------------------
bequeath p/a/b mnt/f "$size"
cg_leave p/a "$size"
# Cgroups with the same name at other paths, created first.
cg_make p/x/b p/b p/a
check "the same name elsewhere does not adopt" stays 2 inherits p "$size"
adopts "parent removed and created again" p p/a/b shmem "$size"
check_eq "the parent itself adopts nothing" "$(recharged p/a recharged_in)" 0
check_eq "the same name under another parent adopts nothing" "$(memory_of p/x/b shmem)" 0
check_eq "the same name one level above adopts nothing" "$(memory_of p/b shmem)" 0

# The grandparent is removed as well.
cg_remove p/a/b p/a p/x/b p/x p/b p
must loop_until 10 inherits . "$size"
cg_make p/a
adopts "all ancestors removed and created again" . p/a/b shmem "$size"

# --- cgroups cannot be renamed --------------------------------------------------------
got=$(mv "$top/p/a" "$top/p/c" 2>&1)
check "a cgroup cannot be renamed" test -d "$top/p/a" -a ! -e "$top/p/c"
check "renaming is not permitted: $got" grep -q 'not permitted' <<<"$got"
cg_leave p/a/b "$size"
adopts "after the attempt to rename" p/a p/a/b shmem "$size"
check_audit "after several adoptions"
cg_remove p/a/b p/a p
rm "$work/mnt/f.0"

# --- many -------------------------------------------------------------------------------
# many COUNT FIRST: create and remove cgroups, each of which leaves a page behind.
many()
{
	local i batch dirs
	for ((batch = $2; batch < $2 + $1; batch += 50)); do
		dirs=()
		for ((i = batch; i < batch + 50; i++)); do
			dirs+=("$top/p/s$i")
		done
		mkdir "${dirs[@]}" || return
		for ((i = batch; i < batch + 50; i++)); do
			echo $BASHPID >"$top/p/s$i/cgroup.procs" || return
			echo x >"$work/mnt/$i"
		done
		echo $BASHPID >"${top%/*}/cgroup.procs" || return
		rmdir "${dirs[@]}" || return
	done
}

# gone: free all that the cgroups left, and print the kernel's own memory in bytes.
gone()
{
	rm -rf "${work:?}"/mnt/*
	must loop_until 60 nothing_dies
	usage p >/dev/null
	echo 2 >/proc/sys/vm/drop_caches
	awk '/^(SUnreclaim|Percpu):/ { sum += $2 * 1024 } END { print sum }' /proc/meminfo
}

count=$(pick 2000 100)
# With a child, p's other children will have a memory controller.
cg_make p/child
(many "$count" 0)
before=$(gone)
(many "$count" "$count") || bail "cannot make and remove cgroups"
check "$count cgroups leave a page each" loop_until 10 inherits p $((count * PAGE))
check_num "$count cgroups leave no more" "$(recharged p inherited)" '<=' $((count * PAGE))
cg_make p/s$((count + 7))
check "one of them is created again and adopts its page" loop_until 5 \
	holds p/s$((count + 7)) shmem $PAGE
cg_remove p/s$((count + 7))
after=$(gone)
check_eq "nothing is left to inherit" "$(recharged p inherited)" 0

# Partly used slabs and chunks of per-CPU memory come and go by hundreds of kilobytes, but a
# leak grows with each round.
nothing_leaks()
{
	local round
	for round in 1 2 3 4 5; do
		diag "kernel memory: $before before, $after after"
		((after - before > count * 64)) || return 0
		before=$after
		(many "$count" $(((round + 1) * count))) || bail "cannot make and remove cgroups"
		after=$(gone)
	done
	return 1
}

# The debug kernel detects leaks by itself, and delays the freeing of memory.
skip_if "${debug:+the debug kernel keeps freed memory}" \
	check "$count cgroups made and removed take no memory" nothing_leaks

finish
