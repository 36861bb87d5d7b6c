#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Pages that somebody else holds a reference to (a pipe by vmsplice, buffers
# registered with io_uring, a direct write that is held back) are left where they
# are and counted, and can be moved when it is gone.
# vm: --disk 512M --timeout 120 --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
size=$(pick $((16 * M)) $((4 * M)))
tmpfs_make mnt
fs_make ext4 disk

# direct_writes RATE: bytes a second of those below p. With 1 none is let through,
# and all its pages are held, however long the machine takes for what is to be seen
# meanwhile; "max" lets it go.
direct_writes()
{
	echo "$(<"/sys/class/block/${SCRATCH##*/}/dev") wbps=$1" >"$top/p/io.max" ||
		bail "cannot set io.max"
}

# known_to_disk: the first I/O for a cgroup makes what io.max is kept in. Were it made by
# the write to io.max, the kernel would ask for memory with a lock of the disk's held,
# and lockdep finds that this may be a deadlock, on the stock kernel as well.
known_to_disk()
{
	rm -f "$work"/disk/first.*
	fill p/user disk/first $PAGE
	sync
}

# held_back NAME: one of its threads is waiting for a device.
# shellcheck disable=SC2317 # loop_until calls it.
held_back()
{
	grep -q '^State:.D' "/proc/${running[$1]}"/task/*/status
}

# one WHAT KEY PIN: of a file, or of anonymous memory.
one()
{
	local what="$1, $3" before options own=0
	# The thread that writes has a stack, which nobody holds.
	[[ $2$3 != anondirect ]] || own=$((8 * PAGE))
	options=(--size "$size" --pin "$3" --into "$work/disk/g")
	cg_make p/old p/user
	if [[ $3 == direct ]]; then
		known_to_disk
		direct_writes 1
	fi
	if [[ $2 == shmem ]]; then
		fill p/old mnt/f "$size"
		keep user p/user "${options[@]}" --file "$work/mnt/f.0"
	else
		keep user p/old "${options[@]}"
		join user p/user
	fi
	[[ $3 != direct ]] || must loop_until 10 held_back user
	before=$(memory_of p "$2")
	cg_remove p/old
	must loop_until 10 inherits p "$size"
	check_eq "$what: not all can be moved" "$(put p recharge max)" EAGAIN
	check_num "$what: nothing was moved" "$(memory_of p/user "$2")" '<=' $own
	check "$what: it is still inherited" inherits p "$size"
	check_num "$what: and counted" "$(recharged p recharge_failed)" '>=' $((size * 99 / 100))
	check_eq "$what: nothing is lost" "$(memory_of p "$2")" "$before"
	check_audit "$what"
	if [[ $3 == direct ]]; then
		direct_writes max
		await_word user written=1
	else
		tell user USR2 released=1
	fi
	# The reference may be given back some time after that.
	check "$what: all can be moved when it is let go" loop_until 10 moved
	check_moves "$what, let go" p p/user "$2" "$size" 1
	check_audit "$what, let go"
	halt user W
	cg_remove p/user p
	rm -f "$work/mnt/f.0" "$work/disk/g"
}

# shellcheck disable=SC2317 # loop_until calls it.
moved()
{
	[[ $(put p recharge max) == ok ]]
}

for pin in pipe ring direct; do
	one "shared memory" shmem $pin
done
for pin in pipe ring direct; do
	one "anonymous" anon $pin
done

finish
