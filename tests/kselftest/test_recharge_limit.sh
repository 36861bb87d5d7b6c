#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The user of inherited memory has limits. Recharging fills only a part of them, and less if
# the memory cannot be reclaimed, so that the user is not harmed; the rest stays with the
# inheritor. When a limit is lowered, or the user needs the room, the memory is given back.
# vm: --disk 512M --timeout 180 --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
size=$(pick $((48 * M)) $((16 * M)))
max=$((size / 3 / PAGE * PAGE))
# The most that recharging fills: with memory that cannot be reclaimed, and in all.
firm=$((max / 8))
fill=$((max * 3 / 4))
tmpfs_make mnt

# within DESCRIPTION KEY MOST: conditions that hold regardless of the amount that was moved.
within()
{
	check_num "$1: the peak is in its part" "$(<"$top/p/user/memory.peak")" '<=' $((fill + M))
	check_eq "$1: no task was killed" "$(events . oom_kill) $(events . oom_group_kill)" "0 0"
	check "$1: the user lives" kill -0 "${running[user]:-$$}"
	check_num "$1: the user has its part" "$(memory_of p/user "$2")" '>=' $(($3 * 3 / 4))
	check_num "$1: the user has no more" "$(memory_of p/user "$2")" '<=' "$3"
	check_eq "$1: the limit was not reached" "$(events p/user max)" 0
}

# needs CGROUP BYTES SECONDS: a process in the cgroup can get BYTES of memory in SECONDS.
needs()
{
	local begin=$SECONDS
	spawn needs keep --cgroup "$top/$1" --size "$2"
	loop_until 60 has_said needs ready=1 || return 1
	halt needs W
	((SECONDS - begin <= $3 * ${VM_SLOWNESS:-1} + 1))
}

# --- shared memory: nothing can be reclaimed without swap ---------------------------------
cg_make p/old p/user
set_knob p/user max "$max"
fill p/old mnt/f "$size"
keep user p/user --file "$work/mnt/f.0" --size "$size"
before=$(memory_of p shmem)
switch mapped 1
cg_remove p/old
check "mapped: some memory is moved" loop_until 10 holds p/user shmem $((firm * 3 / 4))
check "mapped: the number of attempts is bounded" loop_until 60 rests
within mapped shmem "$firm"
check_eq "mapped: no charge is lost" "$(memory_of p shmem)" "$before"
check_num "mapped: the rest is counted as failed" "$(recharged p recharge_failed)" '>' 0
check_num "mapped: the rest is still inherited" "$(recharged p inherited)" '>=' \
	$(((size - firm) * 99 / 100))
switch mapped 0

had_failed=$(recharged p recharge_failed)
check_eq "on demand: only a part can be moved" "$(put p recharge max)" EAGAIN
within "on demand" shmem "$firm"
check_num "on demand: the rest has failed" "$(recharged p recharge_failed)" '>' "$had_failed"
check_audit "with a limit"
check "the user can use two thirds of its limit" needs p/user $((max * 2 / 3)) 5
check_eq "no task was killed when the user needed memory" "$(events . oom_kill)" 0

set_knob p/user max max
check_eq "the rest can be moved when the limit is lifted" "$(put p recharge max)" ok
check_moves "with the limit lifted" p p/user shmem "$size" 1
before=$(memory_of p shmem)
set_knob p/user max "$max"
check_num "the excess is given back when the limit is set again" \
	"$(memory_of p/user shmem)" '<=' "$firm"
check_eq "no charge is lost when memory is given back" "$(memory_of p shmem)" "$before"
check_num "the excess is inherited" "$(recharged p inherited)" '>=' $(((size - firm) * 99 / 100))
check_eq "no task was killed when memory was given back" "$(events . oom_kill)" 0
check "the user still lives" kill -0 "${running[user]}"
check_audit "given back"
halt user W
cg_remove p/user p
rm "$work/mnt/f.0"

# --- the same on access: a cgroup that only reads is not OOM-killed ----------------------------
cg_make p/user
bequeath p/old mnt/f "$size"
set_knob p/user max "$max"
before=$(memory_of p shmem)
switch access 1
read_as p/user mnt/f.0 "$size"
check "on access: the number of attempts is bounded" loop_until 60 rests
within "on access" shmem "$firm"
check_eq "on access: no charge is lost" "$(memory_of p shmem)" "$before"
check_num "on access: the rest is counted as failed" "$(recharged p recharge_failed)" '>' 0
check_audit "on access"
check "on access: the user can use two thirds of its limit" needs p/user $((max * 2 / 3)) 5
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
	check "adoption, $limit: the number of attempts is bounded" loop_until 60 rests
	check_num "adoption, $limit: a part is adopted" "$(memory_of p/s shmem)" '>=' $((firm * 3 / 4))
	check_num "adoption, $limit: no more is adopted" "$(memory_of p/s shmem)" '<=' "$firm"
	check "adoption, $limit: the service can use two thirds at once" \
		needs p/s $((max * 2 / 3)) 3
	check_eq "adoption, $limit: the limit was not reached" "$(events p/s $limit)" 0
	set_knob p/s $limit max
	check "adoption, $limit: the rest is adopted when there is room" \
		loop_until 10 holds p/s shmem "$size"

	# Without a limit, the service adopts everything; a limit that is set later then holds
	# without harm.
	keep user p/s --size $((max / 3))
	set_knob p/s $limit "$max"
	check_num "adoption, $limit set later: the excess is given back" \
		"$(memory_of p/s shmem)" '<=' "$firm"
	check "adoption, $limit set later: the service lives" kill -0 "${running[user]}"
	check "adoption, $limit set later: the service has room" needs p/s $((max / 3)) 3
	halt user W
	cg_remove p/s
	rm "$work/mnt/f.0"
done

# A service that needs all the memory that its limit allows gets it.
bequeath p/s mnt/f "$size"
cg_make p/s
set_knob p/s max "$max"
must loop_until 10 holds p/s shmem $((firm * 3 / 4))
check "needing all: the service gets it" needs p/s $((max - 2 * M)) 10
check_eq "needing all: no task is killed" "$(events . oom_kill)" 0
check_num "needing all: the adopted memory is given back" "$(memory_of p/s shmem)" '<=' $((2 * M))
check_audit "needing all"
cg_remove p/s p
rm "$work/mnt/f.0"
switch adopt 0

# --- an ancestor's limit, between the inheritor and the user --------------------------------
cg_make p/q/user p/old
set_knob p/q max "$max"
fill p/old mnt/f "$size"
keep user p/q/user --file "$work/mnt/f.0" --size "$size"
cg_leave p/old "$size"
check_eq "ancestor: only a part can be moved" "$(put p recharge max)" EAGAIN
check_num "ancestor: the peak is in its part" "$(<"$top/p/q/memory.peak")" '<=' $((fill + M))
check_eq "ancestor: no task was killed" "$(events . oom_kill)" 0
check_num "ancestor: the user has its part" "$(memory_of p/q/user shmem)" '>=' $((firm * 3 / 4))
set_knob p/q max max
check_eq "ancestor: the rest can be moved without the limit" "$(put p recharge max)" ok
set_knob p/q max "$max"
check_num "ancestor: the limit causes memory to be given back" "$(memory_of p/q shmem)" '<=' "$firm"
check_num "ancestor: its parent has it" "$(recharged p inherited)" '>=' $(((size - firm) * 99 / 100))
halt user W
cg_remove p/q/user p/q p
rm "$work/mnt/f.0"

# --- a limit without room ---------------------------------------------------------------------
cg_make p/user p/old
fill p/old mnt/f $((size / 4))
keep user p/user --file "$work/mnt/f.0" --size $((size / 4))
cg_leave p/old $((size / 4))
set_knob p/user max "$(usage p/user)"
check_eq "no room at all: nothing can be moved" "$(put p recharge 1M)" EAGAIN
check_eq "no room at all: no task was killed" "$(events . oom_kill)" 0
check "no room at all: the user lives" kill -0 "${running[user]}"
halt user W
cg_remove p/user p
rm "$work/mnt/f.0"

# --- a file, whose clean pages can be reclaimed -------------------------------------------------
fs_remove mnt
fs_make ext4 mnt
bequeath p/old mnt/f "$size"
sync
cg_make p/user
set_knob p/user max "$max"
switch access 1
read_as p/user mnt/f.0 "$size"
check "a file: the number of attempts is bounded" loop_until 60 rests
within "a file" file "$fill"
check_audit "a file"

finish
