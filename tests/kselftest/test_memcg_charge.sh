#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Pages of a mount with memcg= are charged to the target however they are brought in: by
# reads, writes or mappings, as huge pages, through swap, by a child process or through
# another mount point. After the target is removed, they are charged to its nearest living
# ancestor, never to the cgroup that touches them.
# vm: --disk 512M --timeout 150 --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
size=$(pick $((16 * M)) $((6 * M)))
cg_make above/pod user/one user/two

# is_pods DESCRIPTION KEY BYTES [OWNER]: BYTES are charged to the pod (or OWNER), and nothing
# to the users.
is_pods()
{
	local owner=${4:-above/pod}
	check "$1: the target pays for all of it" loop_until 2 holds "$owner" "$2" "$3"
	check_num "$1: the user pays for nothing" "$(memory_of user "$2")" '<=' $((64 * 1024))
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
# A shell in the user's cgroup and a child of it.
echo 0 >"$top/user/one/cgroup.procs"
unshare -m dd if=/dev/zero of="$work/mnt/child" bs=64k count=$((size / 65536)) 2>/dev/null
echo 0 >"${top%/*}/cgroup.procs"
is_pods "written by a child in another mount namespace" shmem $((4 * size))
echo 1 >/proc/sys/vm/compact_memory
is_pods "after compaction" shmem $((4 * size))
check_audit "tmpfs"
fs_remove mnt

# --- userfaultfd ---------------------------------------------------------------------------
tmpfs_make mnt "memcg=$top/above/pod"
spawn uffd full --cgroup "$top/user/one" --file "$work/mnt/u" --size "$size" --how uffd
collect uffd W
check_eq "userfaultfd: all pages were filled" "${W[bytes]}" "$size"
is_pods "userfaultfd" shmem "$size"
fs_remove mnt

# --- huge pages that are collapsed from small ones -----------------------------------------
if [[ -e /sys/kernel/mm/transparent_hugepage/shmem_enabled ]]; then
	huge=$((8 * M))
	# Mappings are aligned for huge pages, but get them only on request.
	tmpfs_make huge "memcg=$top/above/pod,huge=advise"
	keep collapse user/one --file "$work/huge/c" --size "$huge" --write --collapse
	is_pods "collapsed" shmem "$huge"
	check_num "collapsed: the pages are huge" "$(memory_of above/pod shmem_thp)" '>=' $((2 * M))
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
check_num "swapped out: the target pays for swap" \
	"$(<"$top/above/pod/memory.swap.current")" '>=' $((size / 2))
check_eq "swapped out: the user pays for no swap" "$(<"$top/user/memory.swap.current")" 0
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
check_eq "removed: the mount still shows the path" \
	"$(sed -n "s|.* $work/mnt .*[ ,]memcg=\([^, ]*\).*|\1|p" /proc/self/mounts)" \
	"/${top##*/}/above/pod"
fs_remove mnt

# Memory that the target left behind is not recharged, because memcg= determines who pays:
# no cgroup adopts it, and none is charged for reading or mapping it.
cg_make above/pod
tmpfs_make mnt "memcg=$top/above/pod"
fill user/one mnt/f "$size"
must rmdir "$top/above/pod"
switch scope any mapped 1 access 1 adopt 1
cg_make above/pod
keep one user/one --file "$work/mnt/f.0" --size "$size"
read_as user/two mnt/f.0 "$size"
put above recharge max >/dev/null
check "removed: recharging stops scanning" loop_until 60 rests
check_num "removed: no other cgroup is charged" \
	"$(($(memory_of user shmem) + $(memory_of above/pod shmem)))" '<=' $((64 * 1024))
check "removed: the ancestor is charged" holds above shmem "$size"
halt one W
check_audit "removed"
fs_remove mnt
switch mapped 0 access 0 adopt 0 scope subtree
cg_remove above/pod

# --- disks, and the target's dirty limit -----------------------------------------------------
no_periodic_writeback
for fs in ext4 xfs btrfs; do
	cg_make above/pod
	fs_make $fs disk '' "memcg=$top/above/pod"
	fill user/one disk/f "$size"
	check "$fs, written: the target pays" loop_until 2 holds above/pod file "$size"
	check_num "$fs, written: the target has dirty pages" "$(dirty_of above/pod)" '>' 0
	check_num "$fs, written: the user has none" "$(dirty_of user)" '<=' $((64 * 1024))
	sync
	echo 3 >/proc/sys/vm/drop_caches
	read_as user/two disk/f.0 "$size"
	check "$fs, read: the target pays" loop_until 2 holds above/pod file "$size"
	set_knob above/pod dirty_limit_in_bytes 4M
	watch_limit samples above/pod $((4 * M))
	fill user/one disk/g "$size"
	halt samples S
	check_num "$fs: the target's dirty limit holds for writers outside of it" \
		"${S[max]}" '<=' $((4 * M + slack))
	check_num "$fs: the user pays for nothing" "$(memory_of user file)" '<=' $((256 * 1024))
	sync
	check_audit "$fs"
	fs_remove disk
	cg_remove above/pod
done

# --- memory.high of the target: the writing task does not reclaim -------------------------------
cg_make above/pod
set_knob above/pod high 8M
tmpfs_make mnt "memcg=$top/above/pod"
fill user/one mnt/f $((32 * M))
check "memory.high: the excess is swapped out" \
	loop_until 10 knob_is above/pod swap.current '>=' $((16 * M))
check_num "memory.high: an event is counted" "$(events above/pod high)" '>' 0
fs_remove mnt
finish
