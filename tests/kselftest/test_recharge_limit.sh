#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The user of inherited memory has limits: it is given a part of what they allow, and
# little that cannot be reclaimed, so that it is none the worse for it; the rest stays
# where it is. When a limit is lowered, or it needs the room, it gives back.
# vm: --disk 512M --timeout 180 --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
size=$(pick $((48 * M)) $((16 * M)))
max=$((size / 3 / PAGE * PAGE))
# What is filled at the most: of what cannot be reclaimed, and in all.
firm=$((max / 8))
fill=$((max * 3 / 4))
tmpfs_make mnt

# within DESCRIPTION KEY MOST: what has to hold whatever was moved.
within()
{
	check_num "$1: never above its part" "$(<"$top/p/user/memory.peak")" '<=' $((fill + M))
	check_eq "$1: nobody was killed" "$(events . oom_kill) $(events . oom_group_kill)" "0 0"
	check "$1: the user lives" kill -0 "${running[user]:-$$}"
	check_num "$1: the user got its part" "$(memory_of p/user "$2")" '>=' $(($3 * 3 / 4))
	check_num "$1: and no more" "$(memory_of p/user "$2")" '<=' "$3"
	check_eq "$1: its limit was not met" "$(events p/user max)" 0
}

# needs CGROUP BYTES SECONDS: it can have so much memory in that time.
# shellcheck disable=SC2317 # check calls it.
needs()
{
	local begin=$SECONDS
	spawn needs keep --cgroup "$top/$1" --size "$2"
	loop_until 60 has_said needs ready=1 || return 1
	halt needs W
	((SECONDS - begin <= $3 * ${VM_SLOWNESS:-1} + 1))
}

# --- shared memory: without swap nothing can be reclaimed ---------------------------------
cg_make p/old p/user
set_knob p/user max "$max"
fill p/old mnt/f "$size"
keep user p/user --file "$work/mnt/f.0" --size "$size"
before=$(memory_of p shmem)
switch mapped 1
cg_remove p/old
check "mapped: something is moved" loop_until 10 holds p/user shmem $((firm * 3 / 4))
check "mapped: the number of tries is bounded" loop_until 60 rests
within mapped shmem "$firm"
check_eq "mapped: nothing is lost" "$(memory_of p shmem)" "$before"
check_num "mapped: the rest is counted" "$(recharged p recharge_failed)" '>' 0
check_num "mapped: the rest is still inherited" "$(recharged p inherited)" '>=' \
	$(((size - firm) * 99 / 100))
switch mapped 0

had_failed=$(recharged p recharge_failed)
check_eq "on demand: not all can be moved" "$(put p recharge max)" EAGAIN
within "on demand" shmem "$firm"
check_num "on demand: the rest is counted" "$(recharged p recharge_failed)" '>' "$had_failed"
check_audit "with a limit"
check "the user can have two thirds of its limit" needs p/user $((max * 2 / 3)) 5
check_eq "and nobody was killed for it" "$(events . oom_kill)" 0

set_knob p/user max max
check_eq "with the limit lifted the rest can be moved" "$(put p recharge max)" ok
check_moves "with the limit lifted" p p/user shmem "$size" 1
before=$(memory_of p shmem)
set_knob p/user max "$max"
check_num "with the limit back it has given back what is too much" \
	"$(memory_of p/user shmem)" '<=' "$firm"
check_eq "which is not lost" "$(memory_of p shmem)" "$before"
check_num "but inherited once more" "$(recharged p inherited)" '>=' $(((size - firm) * 99 / 100))
check_eq "and nobody was killed for that" "$(events . oom_kill)" 0
check "the user still lives" kill -0 "${running[user]}"
check_audit "given back"
halt user W
cg_remove p/user p
rm "$work/mnt/f.0"

# --- the same by access: who only reads is not killed ------------------------------------------
cg_make p/user
bequeath p/old mnt/f "$size"
set_knob p/user max "$max"
before=$(memory_of p shmem)
switch access 1
read_as p/user mnt/f.0 "$size"
check "on access: the number of tries is bounded" loop_until 60 rests
within "on access" shmem "$firm"
check_eq "on access: nothing is lost" "$(memory_of p shmem)" "$before"
check_num "on access: the rest is counted" "$(recharged p recharge_failed)" '>' 0
check_audit "on access"
check "on access: the user can have two thirds of its limit" needs p/user $((max * 2 / 3)) 5
switch access 0
cg_remove p/user p
rm "$work/mnt/f.0"

# --- adoption: memory.high, and memory.max ----------------------------------------------------
switch adopt 1
cg_make p
for limit in high max; do
	bequeath p/s mnt/f "$size"
	cg_make p/s
	set_knob p/s $limit "$max"
	check "adoption, $limit: the number of tries is bounded" loop_until 60 rests
	check_num "adoption, $limit: some of it is adopted" "$(memory_of p/s shmem)" '>=' $((firm * 3 / 4))
	check_num "adoption, $limit: a part, and no more" "$(memory_of p/s shmem)" '<=' "$firm"
	check "adoption, $limit: the service has two thirds of it at once" \
		needs p/s $((max * 2 / 3)) 3
	check_eq "adoption, $limit: its limit was not met" "$(events p/s $limit)" 0
	set_knob p/s $limit max
	check "adoption, $limit: as there is room, the rest comes" \
		loop_until 10 holds p/s shmem "$size"

	# Without a limit it has all of it; one that comes later is kept without harm.
	keep user p/s --size $((max / 3))
	set_knob p/s $limit "$max"
	check_num "adoption, $limit set later: what is too much is given back" \
		"$(memory_of p/s shmem)" '<=' "$firm"
	check "adoption, $limit set later: the service lives" kill -0 "${running[user]}"
	check "adoption, $limit set later: and has room" needs p/s $((max / 3)) 3
	halt user W
	cg_remove p/s
	rm "$work/mnt/f.0"
done

# A service that needs all that its limit allows gets it.
bequeath p/s mnt/f "$size"
cg_make p/s
set_knob p/s max "$max"
must loop_until 10 holds p/s shmem $((firm * 3 / 4))
check "needing all: it has it" needs p/s $((max - 2 * M)) 10
check_eq "needing all: no task is killed" "$(events . oom_kill)" 0
check_num "needing all: it has given back what it adopted" "$(memory_of p/s shmem)" '<=' $((2 * M))
check_audit "needing all"
cg_remove p/s p
rm "$work/mnt/f.0"
switch adopt 0

# --- an ancestor's limit, between the inheritor and the user --------------------------------
cg_make p/q/user p/old
set_knob p/q max "$max"
fill p/old mnt/f "$size"
keep user p/q/user --file "$work/mnt/f.0" --size "$size"
cg_remove p/old
must loop_until 10 inherits p "$size"
check_eq "ancestor: not all can be moved" "$(put p recharge max)" EAGAIN
check_num "ancestor: never above its part" "$(<"$top/p/q/memory.peak")" '<=' $((fill + M))
check_eq "ancestor: nobody was killed" "$(events . oom_kill)" 0
check_num "ancestor: the user got its part" "$(memory_of p/q/user shmem)" '>=' $((firm * 3 / 4))
set_knob p/q max max
check_eq "ancestor: with the limit lifted the rest can be moved" "$(put p recharge max)" ok
set_knob p/q max "$max"
check_num "ancestor: with the limit back it has given back" "$(memory_of p/q shmem)" '<=' "$firm"
check_num "ancestor: to the one above it" "$(recharged p inherited)" '>=' $(((size - firm) * 99 / 100))
halt user W
cg_remove p/q/user p/q p
rm "$work/mnt/f.0"

# --- a limit of nothing -----------------------------------------------------------------------
cg_make p/user p/old
fill p/old mnt/f $((size / 4))
keep user p/user --file "$work/mnt/f.0" --size $((size / 4))
cg_remove p/old
must loop_until 10 inherits p $((size / 4))
set_knob p/user max "$(usage p/user)"
check_eq "no room at all: nothing can be moved" "$(put p recharge 1M)" EAGAIN
check_eq "no room at all: nobody was killed" "$(events . oom_kill)" 0
check "no room at all: the user lives" kill -0 "${running[user]}"
halt user W
cg_remove p/user p
rm "$work/mnt/f.0"

# --- a file, of which reclaim can drop what is clean --------------------------------------------
fs_remove mnt
fs_make ext4 mnt
bequeath p/old mnt/f "$size"
sync
cg_make p/user
set_knob p/user max "$max"
switch access 1
read_as p/user mnt/f.0 "$size"
check "a file: the number of tries is bounded" loop_until 60 rests
within "a file" file "$fill"
check_audit "a file"

finish
