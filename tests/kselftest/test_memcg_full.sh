#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A mount's memcg= that is full: what reclaim cannot make room for is ENOSPC or
# SIGBUS, in bounded time. Nobody is killed, nobody loops, and the machine goes on.
# In the manner of the selftest that Almasry posted: 10 MiB, and a writer of 11.
# vm: --disk 512M --timeout 150 --shared
. "$(dirname "$0")/lib.sh"
setup
audited=1
set_sysctl vm.swappiness 60
cg_make pod user
limit=$((10 * M))
set_knob pod max "$limit"

watch_kills pod

# full DESCRIPTION WORD [OPTION...]: brings in 11 MiB, of which the last cannot be.
full()
{
	local before
	before=$(events pod max)
	spawn full full --cgroup "$top/user" --file "$work/mnt/f" --size 60M "${@:3}"
	collect full W
	check_eq "$1: it is told by $2" "${W[result]}" "$2"
	# What is charged to the cgroup beside that: nothing but its share of the
	# processors' stocks.
	check_num "$1: until then there was room" "${W[bytes]}" '>=' $((limit * 9 / 10))
	check_num "$1: and no more than that" "${W[bytes]}" '<=' "$limit"
	check_num "$1: the limit holds" "$(<"$top/pod/memory.current")" '<=' "$limit"
	check_num "$1: it is counted" "$(events pod max)" '>' "$before"
	check_num "$1: the user pays for none of it" "$(memory_of user shmem)" '<' $PAGE
	no_kill "$1"
	rm "$work/mnt/f.0"
}

# --- tmpfs, which only swap could make room in ------------------------------------------
for options in "" ",huge=always"; do
	tmpfs_make mnt "memcg=$top/pod,size=64M$options"
	full "write${options:+, huge pages}" ENOSPC
	full "mmap${options:+, huge pages}" SIGBUS --how mmap
	full "userfaultfd${options:+, huge pages}" ENOSPC --how uffd
	fs_remove mnt
done

# In a shell, a program that is ended by SIGBUS is 135.
tmpfs_make mnt "memcg=$top/pod,size=64M"
dd if=/dev/zero of="$work/mnt/f" bs=1M count=11 2>"$work/dd"
check "dd: says that there is no space left" grep -q "No space left on device" "$work/dd"
rm "$work/mnt/f"
check_num "what is removed is given back" "$(usage pod)" '<' $((limit / 2))

# The time that it takes, and that it has an end: it is no more reclaim each time.
spawn full full --cgroup "$top/user" --file "$work/mnt/f" --size 60M --again 100
collect full W
check_eq "again and again: 101 times" "${W[failures]}" 101
diag "from the charge to ENOSPC, p99: ${W[p99_us]} us"
rm "$work/mnt/f.0"

# --- everybody at once -------------------------------------------------------------------
# A task of another cgroup goes on beside 16 that find it full.
seconds=$(pick 60 10)
cg_make bystander
fill bystander mnt2 $((2 * M))
spawn many full --cgroup "$top/user" --file "$work/mnt/m" --size 11M --writers 16 \
	--seconds "$seconds"
rounds=0
while kill -0 "${running[many]}" 2>/dev/null; do
	read_as bystander mnt2.0 $((2 * M))
	rounds=$((rounds + 1))
done
collect many W
check_eq "16 writers: told by ENOSPC" "${W[result]}" ENOSPC
# On the debug kernel, which says nothing about speed, that it happens is enough.
check_num "16 writers: again and again" "${W[failures]}" '>' "$(pick 160 16)"
check_num "16 writers: others go on" "$rounds" '>=' "$(pick "$seconds" 3)"
check_num "16 writers: the limit holds" "$(<"$top/pod/memory.current")" '<=' "$limit"
no_kill "16 writers"
rm -f "$work"/mnt/m.* "$work"/mnt2.*

# --- somebody who can be killed, in the cgroup itself -----------------------------------
keep own pod --size 2M
spawn full full --cgroup "$top/user" --file "$work/mnt/f" --size 60M
collect full W
check_eq "with a process in it: it is told by ENOSPC" "${W[result]}" ENOSPC
# A little is left for what it needs itself.
keep more pod --size 256K
no_kill "with processes in it"
halt more W
halt own W
rm "$work/mnt/f.0"
fs_remove mnt

# --- a change of size, which has to zero the rest of a block --------------------------------
# What that needs is brought in beyond the limit: ext4 takes an error there for one of the
# file system.
fs_make ext4 disk
must umount "$work/disk"
must mount -t ext4 -o "memcg=$top/pod,errors=remount-ro" "$SCRATCH" "$work/disk"
tmpfs_make mnt "memcg=$top/pod,size=64M"
head -c 12k /dev/zero | tr '\0' x >"$work/disk/shrinks"
head -c 100 /dev/zero | tr '\0' x >"$work/disk/grows"
cp "$work/disk/grows" "$work/wanted"
truncate -s 12k "$work/wanted"
sync
echo 3 >/proc/sys/vm/drop_caches
spawn full full --cgroup "$top/user" --file "$work/mnt/f" --size 60M
collect full W
check_eq "change of size: the target is full" "${W[result]}" ENOSPC
check "change of size: a file is made shorter" truncate -s 100 "$work/disk/shrinks"
check "change of size: and longer" truncate -s 12k "$work/disk/grows"
no_kill "change of size"
fs_remove mnt
check "change of size: the file system can be written" truncate -s 12k "$work/disk/shrinks"
for file in shrinks grows; do
	check "change of size: $file has nothing but zeros after that" \
		cmp "$work/wanted" "$work/disk/$file"
done
fs_remove disk

# --- with swap, there is room -------------------------------------------------------------
zram_make 256M
tmpfs_make mnt "memcg=$top/pod,size=64M"
fill user mnt/f $((32 * M))
check_eq "with swap: all of it is there" "${W[bytes]}" $((32 * M))
check_num "with swap: the target pays for it" "$(<"$top/pod/memory.swap.current")" '>=' $((16 * M))
check_eq "with swap: the user does not" "$(<"$top/user/memory.swap.current")" 0
no_kill "with swap"
# With swap full as well, it is as without.
set_knob pod swap.max 24M
spawn full full --cgroup "$top/user" --file "$work/mnt/g" --size 64M
collect full W
check_eq "swap full, too" "${W[result]}" ENOSPC
no_kill "swap full, too"
# Swapped in when there is no room at all.
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
	mkdir -p "$work/disk"
	must mkfs.$fs -q "$([[ $fs == ext4 ]] && echo -F || echo -f)" "$SCRATCH" >/dev/null 2>&1
	must mount -t $fs -o "memcg=$top/pod" "$SCRATCH" "$work/disk"
	mounts+=("$work/disk")
	fill user disk/f $((24 * M))
	check_eq "$fs: all of it was written" "${W[bytes]}" $((24 * M))
	read_as user disk/f.0 $((24 * M))
	check_num "$fs: the target pays" "$(memory_of pod file)" '>=' $((2 * M))
	check_num "$fs: the user does not" "$(memory_of user file)" '<=' $((64 * 1024))
	check_num "$fs: the limit holds" "$(<"$top/pod/memory.current")" '<=' "$limit"
	no_kill "$fs"
	fs_remove disk
done

# --- xfs, which looks for space where a disk is full ---------------------------------------
# flushes COMMAND...: whether it did so meanwhile, all of the file system being written.
flushes()
{
	echo >"$tracing/trace"
	"$@" >/dev/null 2>&1
	grep -q xfs_blockgc_free_space: "$tracing/trace"
}

# shellcheck disable=SC2317 # check calls it.
does_not_flush()
{
	! flushes "$@"
}

tracing=/sys/kernel/tracing
must put_back $tracing/events/xfs/xfs_blockgc_free_space/enable 1
fs_make xfs disk
must umount "$work/disk"
must mount -t xfs -o "memcg=$top/pod" "$SCRATCH" "$work/disk"
# All but 8 MiB of it.
must fallocate -l $(($(stat -f -c '%a * %S' "$work/disk") - 8 * M)) "$work/disk/all"
check "xfs, the disk is full: space is looked for" flushes dd if=/dev/zero of="$work/disk/f" bs=1M count=256
rm "$work/disk/all" "$work/disk/f"
tmpfs_make mnt "memcg=$top/pod,size=64M"
# The target is full of something else, what it has in swap aside.
spawn full full --cgroup "$top/user" --file "$work/mnt/f" --size 60M
collect full W
spawn full full --cgroup "$top/user" --file "$work/disk/f" --size 16M
check "xfs, the target is full: none is looked for" does_not_flush collect full W
check_eq "xfs, the target is full: it is told by ENOSPC" "${W[result]}" ENOSPC
must put_back $tracing/events/xfs/xfs_blockgc_free_space/enable 0
no_kill "xfs, the target is full"
fs_remove mnt
fs_remove disk

finish
