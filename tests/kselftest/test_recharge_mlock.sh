#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Recharging of locked memory: it moves to its user like any other memory, stays locked, and
# is unlocked when its user exits.
# vm: --disk 512M --timeout 90 --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
size=$(pick $((16 * M)) $((4 * M)))

# locked NAME: the bytes that are unevictable now.
locked()
{
	memory_of "$1" unevictable --drain
}

# are_locked BYTES: exactly BYTES are locked.
are_locked()
{
	[[ $(locked p) == "$1" ]]
}

# marked: all is marked as locked. Large folios are marked again only when reclaim comes
# across them, and reclaim takes no more than it is asked for.
marked()
{
	put p reclaim "$size" >/dev/null
	(($(locked p/user) >= size * 99 / 100))
}

# one FS KEY HOW
one()
{
	local what="$1, $3"
	cg_make p/old p/user
	fill p/old mnt/f "$size"
	keep user p/user --file "$work/mnt/f.0" --size "$size" --lock
	check "$what: the file is locked" loop_until 5 are_locked "$size"
	[[ $3 != mapped ]] || switch mapped 1
	cg_remove p/old
	case $3 in
	"on demand")
		must loop_until 10 inherits p "$size"
		check_eq "$what: everything can be moved" "$(put p recharge "$size")" ok
		;;
	"on access")
		must loop_until 10 inherits p "$size"
		switch access 1
		read_as p/user mnt/f.0 "$size"
		;;
	esac
	check_moves "$what" p p/user "$2" "$size" 5
	switch mapped 0 access 0
	check_audit "$what"
	check "$what: the user's pages are marked as locked" loop_until 10 marked
	check_num "$what: the parent's total is locked" "$(locked p)" '>=' $((size * 99 / 100))
	check_num "$what: locked pages are not reclaimed" "$(memory_of p/user "$2")" '>=' \
		$((size * 99 / 100))
	check_audit "$what, after reclaim"
	halt user W
	check "$what: nothing is locked at the end" loop_until 5 are_locked 0
	check_eq "$what: the user has no locked pages" "$(locked p/user)" 0
	# The pages are on LRU lists again, where reclaim finds them.
	if [[ $2 == file ]]; then
		sync
		put p reclaim "$size" >/dev/null
		check_num "$what: pages can be reclaimed" "$(memory_of p file)" '<=' $((size / 10))
	fi
	cg_remove p/user p
	rm "$work/mnt/f.0"
}

tmpfs_make mnt
for how in mapped "on demand" "on access"; do
	one tmpfs shmem "$how"
done
fs_remove mnt
fs_make ext4 mnt
for how in mapped "on demand" "on access"; do
	one disk file "$how"
done

# Anonymous memory, whose process is moved.
cg_make p/user
keep_moved user p/old p/user --size "$size" --lock
cg_leave p/old "$size"
check_eq "anonymous: everything can be moved" "$(put p recharge max)" ok
check_moves "anonymous" p p/user anon "$size" 1
check_num "anonymous: the memory is still locked" "$(locked p/user)" '>=' "$size"
check_audit "anonymous"

finish
