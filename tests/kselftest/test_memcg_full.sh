#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A mount whose memcg= target is full: if reclaim cannot make room, writers get ENOSPC and
# page faults SIGBUS, in bounded time. No task is killed or loops, and the rest of the system
# is not affected. As in the selftest that Almasry posted, the limit is 10 MiB, and a writer
# writes 11.
# vm: --disk 512M --timeout 150 --shared
. "$(dirname "$0")/lib.sh"
setup
audited=1
set_sysctl vm.swappiness 60
cg_make pod user
limit=$((10 * M))
set_knob pod max "$limit"

watch_kills pod

# fill_up FILE SIZE [OPTION...]: write to it as the user, until the target is full.
fill_up()
{
	spawn full full --cgroup "$top/user" --file "$work/$1" --size "$2" "${@:3}"
	collect full W
}

# full DESCRIPTION WORD [OPTION...]: write until the target is full; the writer gets WORD.
full()
{
	local before
	before=$(events pod max)
	fill_up mnt/f 60M "${@:3}"
	check_eq "$1: the writer gets $2" "${W[result]}" "$2"
	# The rest of the limit is charge that is cached in the per-CPU stocks.
	check_num "$1: nearly all of the limit is used" "${W[bytes]}" '>=' $((limit * 9 / 10))
	check_num "$1: no more than the limit is used" "${W[bytes]}" '<=' "$limit"
	check_num "$1: the limit holds" "$(<"$top/pod/memory.current")" '<=' "$limit"
	check_num "$1: an event is counted" "$(events pod max)" '>' "$before"
	check_num "$1: the user pays for none of it" "$(memory_of user shmem)" '<' $PAGE
	no_kill "$1"
	rm "$work/mnt/f.0"
}

# --- tmpfs, where reclaim needs swap to make room ---------------------------------------
for options in "" ",huge=always"; do
	tmpfs_make mnt "memcg=$top/pod,size=64M$options"
	full "write${options:+, huge pages}" ENOSPC
	full "mmap${options:+, huge pages}" SIGBUS --how mmap
	full "userfaultfd${options:+, huge pages}" ENOSPC --how uffd
	fs_remove mnt
done

# In a shell, the exit status of a program that is ended by SIGBUS is 135.
tmpfs_make mnt "memcg=$top/pod,size=64M"
dd if=/dev/zero of="$work/mnt/f" bs=1M count=11 2>"$work/dd"
check "dd: the error is 'No space left on device'" grep -q "No space left on device" "$work/dd"
rm "$work/mnt/f"
check_num "the charge of a removed file is released" "$(usage pod)" '<' $((limit / 2))

# A failing write takes bounded time: repeated failures do not reclaim more each time.
fill_up mnt/f 60M --again 100
check_eq "repeated writes: all 101 fail" "${W[failures]}" 101
diag "from the charge to ENOSPC, p99: ${W[p99_us]} us"
rm "$work/mnt/f.0"

# --- many writers at once ----------------------------------------------------------------
# A task of another cgroup makes progress next to 16 writers that find the target full.
seconds=$(pick 60 10)
cg_make bystander
fill bystander mnt2 $((2 * M))
spawn many full --cgroup "$top/user" --file "$work/mnt/m" --size 11M --writers 16 \
	--seconds "$seconds"
rounds=0
until has_ended many; do
	read_as bystander mnt2.0 $((2 * M))
	rounds=$((rounds + 1))
done
collect many W
check_eq "16 writers: they get ENOSPC" "${W[result]}" ENOSPC
# The debug kernel says nothing about speed, so a few failures are enough there.
check_num "16 writers: writes fail many times" "${W[failures]}" '>' "$(pick 160 16)"
check_num "16 writers: others make progress" "$rounds" '>=' "$(pick "$seconds" 3)"
check_num "16 writers: the limit holds" "$(<"$top/pod/memory.current")" '<=' "$limit"
no_kill "16 writers"
rm -f "$work"/mnt/m.* "$work"/mnt2.*

# --- a process in the target itself, which could be killed ------------------------------
keep own pod --size 2M
fill_up mnt/f 60M
check_eq "with a process in the target: the writer gets ENOSPC" "${W[result]}" ENOSPC
# The target keeps a little room for the needs of its own processes.
keep more pod --size 256K
no_kill "with processes in the target"
halt more W
halt own W
rm "$work/mnt/f.0"
fs_remove mnt

# --- a change of size, which must zero the rest of a block ----------------------------------
# The page for that is charged beyond the limit: ext4 would treat an error there as an error
# of the file system.
fs_make ext4 disk '' "memcg=$top/pod,errors=remount-ro"
tmpfs_make mnt "memcg=$top/pod,size=64M"
head -c 12k /dev/zero | tr '\0' x >"$work/disk/shrinks"
head -c 100 /dev/zero | tr '\0' x >"$work/disk/grows"
cp "$work/disk/grows" "$work/wanted"
truncate -s 12k "$work/wanted"
sync
echo 3 >/proc/sys/vm/drop_caches
fill_up mnt/f 60M
check_eq "change of size: the target is full" "${W[result]}" ENOSPC
check "change of size: a file can be shortened" truncate -s 100 "$work/disk/shrinks"
check "change of size: a file can be extended" truncate -s 12k "$work/disk/grows"
no_kill "change of size"
fs_remove mnt
check "change of size: the file system is still writable" truncate -s 12k "$work/disk/shrinks"
for file in shrinks grows; do
	check "change of size: $file has only zeros after its old content" \
		cmp "$work/wanted" "$work/disk/$file"
done
fs_remove disk

# --- with swap, reclaim makes room --------------------------------------------------------
zram_make 256M
tmpfs_make mnt "memcg=$top/pod,size=64M"
fill user mnt/f $((32 * M))
check_eq "with swap: everything is written" "${W[bytes]}" $((32 * M))
check_num "with swap: the target pays for it" "$(<"$top/pod/memory.swap.current")" '>=' $((16 * M))
check_eq "with swap: the user pays for no swap" "$(<"$top/user/memory.swap.current")" 0
no_kill "with swap"
# If swap is full as well, the result is the same as without swap.
set_knob pod swap.max 24M
fill_up mnt/g 64M
check_eq "swap full: the writer gets ENOSPC" "${W[result]}" ENOSPC
no_kill "swap full"
# Pages are swapped in although the target has no room.
set_knob pod swap.max max
for file in f.0 g.0; do
	size=$(stat -c %s "$work/mnt/$file")
	read_as user "mnt/$file" "$size"
	check_num "swapped in: the user pays for none of it" "$(memory_of user shmem)" '<' $PAGE
done
no_kill "swapped in"
fs_remove mnt

# --- a disk, where reclaim makes room -------------------------------------------------------
for fs in ext4 xfs btrfs; do
	fs_make $fs disk '' "memcg=$top/pod"
	fill user disk/f $((24 * M))
	check_eq "$fs: everything was written" "${W[bytes]}" $((24 * M))
	read_as user disk/f.0 $((24 * M))
	check_num "$fs: the target pays" "$(memory_of pod file)" '>=' $((2 * M))
	check_num "$fs: the user pays for nothing" "$(memory_of user file)" '<=' $((64 * 1024))
	check_num "$fs: the limit holds" "$(<"$top/pod/memory.current")" '<=' "$limit"
	no_kill "$fs"
	fs_remove disk
done

# --- xfs, which writes back everything to find space when the disk is full -----------------
# flushes COMMAND...: xfs flushes the file system for space while the command runs.
flushes()
{
	echo >"$tracing/trace"
	"$@" >/dev/null 2>&1
	grep -q xfs_blockgc_free_space: "$tracing/trace"
}

does_not_flush()
{
	! flushes "$@"
}

tracing=/sys/kernel/tracing
must put_back $tracing/events/xfs/xfs_blockgc_free_space/enable 1
fs_make xfs disk '' "memcg=$top/pod"
# All but 8 MiB of it.
must fallocate -l $(($(stat -f -c '%a * %S' "$work/disk") - 8 * M)) "$work/disk/all"
check "xfs, full disk: xfs searches for space" flushes dd if=/dev/zero of="$work/disk/f" bs=1M count=256
rm "$work/disk/all" "$work/disk/f"
tmpfs_make mnt "memcg=$top/pod,size=64M"
# Fill the target's memory with pages of another mount.
fill_up mnt/f 60M
spawn full full --cgroup "$top/user" --file "$work/disk/f" --size "$(pick 16M 4M)"
check "xfs, full target: xfs does not search for space" does_not_flush collect full W
# Where each page is clean again before the next one is written, reclaim makes room for it.
skip_if "${quick:+the debug kernel is slower than the disk}" \
	check_eq "xfs, full target: the writer gets ENOSPC" "${W[result]}" ENOSPC
must put_back $tracing/events/xfs/xfs_blockgc_free_space/enable 0
no_kill "xfs, full target"
fs_remove mnt
fs_remove disk

finish
