#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Pages of a mount with memcg= are the target's by whatever way they come and go:
# read, written, mapped, by huge pages, through swap, by who is forked or sees the
# mount elsewhere; and its ancestor's when it was removed, never the toucher's.
# vm: --disk 512M --timeout 150 --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
size=$(pick $((16 * M)) $((6 * M)))
cg_make above/pod user/one user/two

# is_pods DESCRIPTION KEY BYTES [OWNER]: so much is the pod's, and nothing the users'.
is_pods()
{
	local owner=${4:-above/pod}
	check "$1: all is the target's" loop_until 2 holds "$owner" "$2" "$3"
	check_num "$1: nothing is the user's" "$(memory_of user "$2")" '<=' $((64 * 1024))
	check_eq "$1: nothing is inherited" "$(recharged above inherited)" 0
}

# --- tmpfs -----------------------------------------------------------------------------
tmpfs_make mnt "memcg=$top/above/pod"
fill user/one mnt/f "$size"
is_pods "written" shmem "$size"
keep one user/one --file "$work/mnt/f.0" --size "$size"
keep two user/two --file "$work/mnt/g" --size "$size" --write
is_pods "mapped" shmem $((2 * size))
halt one W
halt two W
mkdir "$work/bind"
must mount --bind "$work/mnt" "$work/bind"
fill user/two bind/h "$size"
is_pods "through a bind mount" shmem $((3 * size))
must umount "$work/bind"
# A shell in the user's cgroup and what it starts.
echo 0 >"$top/user/one/cgroup.procs"
unshare -m dd if=/dev/zero of="$work/mnt/child" bs=64k count=$((size / 65536)) 2>/dev/null
echo 0 >"${top%/*}/cgroup.procs"
is_pods "by a child, in another mount namespace" shmem $((4 * size))
echo 1 >/proc/sys/vm/compact_memory
is_pods "after compaction" shmem $((4 * size))
check_audit "tmpfs"
fs_remove mnt

# --- userfaultfd ---------------------------------------------------------------------------
tmpfs_make mnt "memcg=$top/above/pod"
spawn uffd full --cgroup "$top/user/one" --file "$work/mnt/u" --size "$size" --how uffd
collect uffd W
check_eq "userfaultfd: all came in" "${W[bytes]}" "$size"
is_pods "userfaultfd" shmem "$size"
fs_remove mnt

# --- huge pages, made later out of small ones ----------------------------------------------
if [[ -e /sys/kernel/mm/transparent_hugepage/shmem_enabled ]]; then
	huge=$((8 * M))
	# Mappings are aligned for huge pages, and get none unless they ask.
	tmpfs_make huge "memcg=$top/above/pod,huge=advise"
	keep collapse user/one --file "$work/huge/c" --size "$huge" --write --collapse
	is_pods "collapsed" shmem "$huge"
	check_num "collapsed: these are huge pages" "$(memory_of above/pod shmem_thp)" '>=' $((2 * M))
	check_audit "collapsed"
	halt collapse W
	fs_remove huge
else
	skip "collapsed" "no transparent huge pages"
fi

# --- swap ------------------------------------------------------------------------------------
zram_make 256M
tmpfs_make mnt "memcg=$top/above/pod"
fill user/one mnt/s "$size"
put above/pod reclaim "$size" >/dev/null
check_num "swapped out: it is the target's there" \
	"$(<"$top/above/pod/memory.swap.current")" '>=' $((size / 2))
check_eq "swapped out: and not the user's" "$(<"$top/user/memory.swap.current")" 0
read_as user/two mnt/s.0 "$size"
is_pods "swapped in by another user" shmem "$size"
check_audit "swap"

# --- the target is removed ---------------------------------------------------------------------
put above/pod reclaim "$size" >/dev/null
must rmdir "$top/above/pod"
read_as user/two mnt/s.0 "$size"
check "removed, swapped in: the ancestor pays" loop_until 2 holds above shmem "$size"
check_num "removed, swapped in: the user does not" "$(memory_of user shmem)" '<=' $((64 * 1024))
fill user/one mnt/t "$size"
check "removed, written: the ancestor pays" loop_until 2 holds above shmem $((2 * size))
check_num "removed, written: the user does not" "$(memory_of user shmem)" '<=' $((64 * 1024))
check_eq "removed: the path still shows" \
	"$(sed -n "s|.* $work/mnt .*[ ,]memcg=\([^, ]*\).*|\1|p" /proc/self/mounts)" \
	"/${top##*/}/above/pod"
fs_remove mnt

# What it left is nobody's to take: it is decided who pays. Nobody adopts it, nobody is
# charged for reading or mapping it.
cg_make above/pod
tmpfs_make mnt "memcg=$top/above/pod"
fill user/one mnt/f "$size"
must rmdir "$top/above/pod"
switch scope any
switch mapped 1
switch access 1
switch adopt 1
cg_make above/pod
keep one user/one --file "$work/mnt/f.0" --size "$size"
read_as user/two mnt/f.0 "$size"
put above recharge max >/dev/null
check "removed: recharging comes to rest" loop_until 60 rests
check_num "removed: it is nobody's but the ancestor's" \
	"$(($(memory_of user shmem) + $(memory_of above/pod shmem)))" '<=' $((64 * 1024))
check "removed: it is the ancestor's" holds above shmem "$size"
halt one W
check_audit "removed"
fs_remove mnt
switch mapped 0
switch access 0
switch adopt 0
switch scope subtree
cg_remove above/pod

# --- disks, and a limit of the target's for dirty pages ---------------------------------------
no_periodic_writeback
for fs in ext4 xfs btrfs; do
	cg_make above/pod
	must mkfs.$fs -q "$([[ $fs == ext4 ]] && echo -F || echo -f)" "$SCRATCH" >/dev/null 2>&1
	mkdir -p "$work/disk"
	must mount -t $fs -o "memcg=$top/above/pod" "$SCRATCH" "$work/disk"
	mounts+=("$work/disk")
	fill user/one disk/f "$size"
	check "$fs, written: all is the target's" loop_until 2 holds above/pod file "$size"
	check_num "$fs, written: the dirty pages are the target's" "$(dirty_of above/pod)" '>' 0
	check_num "$fs, written: and not the user's" "$(dirty_of user)" '<=' $((64 * 1024))
	sync
	echo 3 >/proc/sys/vm/drop_caches
	read_as user/two disk/f.0 "$size"
	check "$fs, read: all is the target's" loop_until 2 holds above/pod file "$size"
	set_knob above/pod dirty_limit_in_bytes 4M
	watch_limit samples above/pod $((4 * M))
	fill user/one disk/g "$size"
	halt samples S
	check_num "$fs: the target's dirty limit holds for who is not in it" \
		"${S[max]}" '<=' $((4 * M + slack))
	check_num "$fs, at the end: nothing is the user's" "$(memory_of user file)" '<=' $((256 * 1024))
	sync
	check_audit "$fs"
	fs_remove disk
	cg_remove above/pod
done

# --- memory.high of the target, which the toucher does not reclaim for -------------------------
cg_make above/pod
set_knob above/pod high 8M
tmpfs_make mnt "memcg=$top/above/pod"
fill user/one mnt/f $((32 * M))
# shellcheck disable=SC2317 # loop_until calls it.
swapped()
{
	(($(<"$top/above/pod/memory.swap.current") >= 16 * M))
}
check "memory.high: what is above goes to swap" loop_until 10 swapped
check_num "memory.high: it is counted" "$(events above/pod high)" '>' 0
fs_remove mnt
finish
