#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Adoption: a cgroup that is made where one was removed takes back what that one
# left, without touching it. Where is the path: the names from the root down.
# vm: --disk 512M --timeout 150 --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
size=$(pick $((64 * M)) $((8 * M)))
fs_make ext4 disk
tmpfs_make mnt

# adopts DESCRIPTION INHERITOR CGROUP KEY BYTES: once that cgroup is made.
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
# Not written back yet, some of it.
adopts "a restarted service" p p/s file "$size"
check_eq "a restarted service: what came out of one went into the other" \
	"$(recharged p recharged_out)" "$(recharged p/s recharged_in)"
check_audit "a restarted service"

# --- again and again ----------------------------------------------------------------
cg_remove p/s
must loop_until 10 inherits p "$size"
adopts "restarted once more" p p/s file "$size"
fill p/s mnt/f "$size"
cg_remove p/s
must loop_until 10 inherits p $((2 * size))
adopts "with more than the first brought in" p p/s shmem "$size"
check "with more than the first brought in: its file as well" holds p/s file $((2 * size))
cg_remove p/s
rm "$work/disk/f.0" "$work/mnt/f.0"

# Two generations, the second of which did not adopt what the first had left.
switch adopt 0
bequeath p/s mnt/f "$size"
bequeath p/s mnt/g "$size"
switch adopt 1
adopts "twice removed" p p/s shmem $((2 * size))
cg_remove p/s p
rm "$work"/mnt/?.0

# --- the parent was removed as well -------------------------------------------------
bequeath p/a/b mnt/f "$size"
cg_remove p/a
must loop_until 10 inherits p "$size"
# The same name, but not at that place; it is there first.
cg_make p/x/b p/b p/a
check "the same name elsewhere does not adopt" stays 2 inherits p "$size"
adopts "parent removed and made again" p p/a/b shmem "$size"
check_eq "the parent itself has none of it" "$(recharged p/a recharged_in)" 0
check_eq "the same name under another parent adopts nothing" "$(memory_of p/x/b shmem)" 0
check_eq "nor does it one level above" "$(memory_of p/b shmem)" 0

# Beyond that, the parent's parent.
cg_remove p/a/b p/a p/x/b p/x p/b p
must loop_until 10 inherits . "$size"
cg_make p/a
adopts "all up to the top removed and made again" . p/a/b shmem "$size"

# --- cgroups cannot be renamed --------------------------------------------------------
got=$(mv "$top/p/a" "$top/p/c" 2>&1)
check "a cgroup cannot be renamed" test -d "$top/p/a" -a ! -e "$top/p/c"
check "and that is a matter of principle: $got" grep -q 'not permitted' <<<"$got"
cg_remove p/a/b
must loop_until 10 inherits p/a "$size"
adopts "after the attempt to rename" p/a p/a/b shmem "$size"
check_audit "after all that"
cg_remove p/a/b p/a p
rm "$work/mnt/f.0"

# --- many -------------------------------------------------------------------------------
# many COUNT FIRST: cgroups are made and removed, each leaving a page of its own.
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

# gone: all that was left is given back; what is the kernel's is printed, in bytes.
gone()
{
	rm -rf "${work:?}"/mnt/*
	must loop_until 60 nothing_dies
	usage p >/dev/null
	echo 2 >/proc/sys/vm/drop_caches
	awk '/^(SUnreclaim|Percpu):/ { sum += $2 * 1024 } END { print sum }' /proc/meminfo
}

count=$(pick 2000 100)
# With a child, it has a memory controller for those to come.
cg_make p/child
(many "$count" 0)
before=$(gone)
(many "$count" "$count") || bail "cannot make and remove cgroups"
check "$count cgroups left a page each" loop_until 10 inherits p $((count * PAGE))
check_num "and no more" "$(recharged p inherited)" '<=' $((count * PAGE))
cg_make p/s$((count + 7))
check "one of them is made again and adopts its page" loop_until 5 \
	holds p/s$((count + 7)) shmem $PAGE
cg_remove p/s$((count + 7))
after=$(gone)
check_eq "nothing is inherited any more" "$(recharged p inherited)" 0

# Slabs that are partly used and chunks of per-CPU memory come and go by hundreds of
# kilobytes, but what leaks is missing after every round.
# shellcheck disable=SC2317 # check calls it.
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

if [[ $debug ]]; then
	# It finds leaks by itself, and keeps what is freed for a while.
	skip "$count cgroups made and removed take no memory" "the debug kernel keeps freed memory"
else
	check "$count cgroups made and removed take no memory" nothing_leaks
fi

finish
