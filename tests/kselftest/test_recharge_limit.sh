#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The user of inherited memory is at its limit: it is given what fits, nothing is
# ever above the limit, nobody is killed, and the rest stays where it is.
# vm: --disk 512M --timeout 90
. "$(dirname "$0")/lib.sh"
setup_recharge
size=$(pick $((48 * M)) $((16 * M)))
max=$((size / 3 / PAGE * PAGE))
tmpfs_make mnt

# within DESCRIPTION: what has to hold whatever was moved.
within()
{
	check_num "$1: never above the limit" "$(<"$top/p/user/memory.peak")" '<=' "$max"
	check_eq "$1: nobody was killed" "$(events . oom_kill) $(events . oom_group_kill)" "0 0"
	check "$1: the user lives" kill -0 "${running[user]:-$$}"
	check_num "$1: the user got what fits" "$(memory_of p/user "$2")" '>=' $((max * 3 / 4))
}

# --- shared memory: without swap nothing can be reclaimed ---------------------------------
cg_make p/old p/user
set_knob p/user max "$max"
fill p/old mnt/f "$size"
keep user p/user --file "$work/mnt/f.0" --size "$size"
before=$(memory_of p shmem)
switch mapped 1
cg_remove p/old
check "mapped: something is moved" loop_until 10 holds p/user shmem $((max / 2))
check "mapped: the number of tries is bounded" loop_until 60 rests
within mapped shmem
check_eq "mapped: nothing is lost" "$(memory_of p shmem)" "$before"
check_num "mapped: the rest is counted" "$(recharged p recharge_failed)" '>' 0
check_num "mapped: the rest is still inherited" "$(recharged p inherited)" '>=' \
	$(((size - max) * 99 / 100))
switch mapped 0

had_failed=$(recharged p recharge_failed)
check_eq "on demand: not all can be moved" "$(put p recharge max)" EAGAIN
within "on demand" shmem
check_num "on demand: the rest is counted" "$(recharged p recharge_failed)" '>' "$had_failed"
check_audit "at the limit"

set_knob p/user max max
check_eq "with the limit lifted the rest can be moved" "$(put p recharge max)" ok
check_moves "with the limit lifted" p p/user shmem "$size" 1
halt user W
cg_remove p/user p
rm "$work/mnt/f.0"

# --- the same by access: there is room when it begins -----------------------------------------
cg_make p/user
bequeath p/old mnt/f "$size"
set_knob p/user max "$max"
before=$(memory_of p shmem)
switch access 1
await_noted p p/user
read_as p/user mnt/f.0 "$size"
check "on access: the number of tries is bounded" loop_until 60 rests
within "on access" shmem
check_eq "on access: nothing is lost" "$(memory_of p shmem)" "$before"
check_num "on access: the rest is counted" "$(recharged p recharge_failed)" '>' 0
check_audit "on access"
switch access 0
cg_remove p/user p
rm "$work/mnt/f.0"

# --- an ancestor's limit, between the inheritor and the user --------------------------------
cg_make p/q/user p/old
set_knob p/q max "$max"
fill p/old mnt/f "$size"
keep user p/q/user --file "$work/mnt/f.0" --size "$size"
cg_remove p/old
must loop_until 10 inherits p "$size"
check_eq "ancestor: not all can be moved" "$(put p recharge max)" EAGAIN
check_num "ancestor: never above the limit" "$(<"$top/p/q/memory.peak")" '<=' "$max"
check_eq "ancestor: nobody was killed" "$(events . oom_kill)" 0
check_num "ancestor: the user got what fits" "$(memory_of p/q/user shmem)" '>=' $((max * 3 / 4))
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
await_noted p p/user
read_as p/user mnt/f.0 "$size"
check "a file: the number of tries is bounded" loop_until 60 rests
within "a file" file
check_audit "a file"

finish
