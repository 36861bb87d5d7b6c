#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# recharge_scope: "subtree" moves charges only to descendants of the inheritor, so that the
# totals of its ancestors do not change; "any" moves them to any user, except by memory.recharge.
# vm: --timeout 120 --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
size=$(pick $((32 * M)) $((8 * M)))
tmpfs_make mnt
cg_make p/in q/out

# --- subtree -----------------------------------------------------------------------
check_eq "the default" "$(<"$SWITCHES/recharge_scope")" subtree
bequeath p/old mnt/f "$size"
keep outside q/out --file "$work/mnt/f.0" --size "$size"
before="$(usage p) $(usage q) $(usage .)"
check_eq "subtree: a request moves nothing to an outsider" "$(put p recharge "$size")" EAGAIN
check_eq "subtree: the outsider is charged for nothing" "$(memory_of q/out shmem)" 0
check_eq "subtree: no total has changed" "$(usage p) $(usage q) $(usage .)" "$before"
switch access 1
tell outside USR1 touched=1
read_as q/out mnt/f.0 "$size"
check "subtree: an outsider's access moves nothing" stays 2 inherits p "$size"
check_eq "subtree: the outsider is still charged for nothing" "$(memory_of q/out shmem)" 0
switch access 0

# Two users, one of them in the subtree.
keep inside p/in --file "$work/mnt/f.0" --size "$size"
before="$(usage p) $(usage q) $(usage .)"
check_eq "subtree: everything can be moved to a user inside" "$(put p recharge max)" ok
check_moves "subtree" p p/in shmem "$size" 1
check_eq "subtree: memory.current of the ancestors is the same" \
	"$(usage p) $(usage q) $(usage .)" "$before"
check_eq "subtree: recharged_out equals the inside user's recharged_in" \
	"$(recharged p recharged_out) $(recharged q/out recharged_in)" \
	"$(recharged p/in recharged_in) 0"
check_audit "subtree"
halt inside W
halt outside W
rm "$work/mnt/f.0"

# --- any -----------------------------------------------------------------------------
bequeath p/old mnt/f "$size"
keep outside q/out --file "$work/mnt/f.0" --size "$size"
inherited=$(recharged p inherited)
before_p=$(usage p) before_q=$(usage q) before_top=$(usage .) in_before=$(recharged q/out recharged_in)
switch scope any
check_eq "any: memory.recharge cannot push inherited memory to an outsider" \
	"$(put p recharge max)" EAGAIN
check_eq "any: the outsider has received nothing" "$(recharged q/out recharged_in)" "$in_before"
switch mapped 1
check_moves "any" p q/out shmem "$size" 5
switch mapped 0
check_eq "any: all inherited memory is accounted for" \
	"$(($(recharged q/out recharged_in) - in_before + $(recharged p inherited)))" "$inherited"
check_eq "any: the total of the common ancestor is the same" "$(usage .)" "$before_top"
moved=$(($(recharged q/out recharged_in) - in_before))
check_num "any: the inheritor's total falls by that (not more)" \
	$((before_p - $(usage p) - moved)) '<=' "$slack"
check_num "any: it falls by that (not less)" $((before_p - $(usage p) - moved)) '>=' -"$slack"
check_num "any: the outsider's rises (not more)" $(($(usage q) - before_q - moved)) '<=' "$slack"
check_num "any: it rises (not less)" $(($(usage q) - before_q - moved)) '>=' -"$slack"
check_audit "any"
halt outside W
rm "$work/mnt/f.0"

# --- on access, and by a removal --------------------------------------------------------
bequeath p/old mnt/f "$size"
switch access 1
read_as q/out mnt/f.0 "$size"
check_moves "any, on access" p q/out shmem "$size" 1
rm "$work/mnt/f.0"
cg_make p/old
fill p/old mnt/f "$size"
keep outside q/out --file "$work/mnt/f.0" --size "$size"
switch mapped 1
cg_remove p/old
check_moves "any, by a removal" p q/out shmem "$size" 5
halt outside W
rm "$work/mnt/f.0"

# --- the scope is widened last -----------------------------------------------------------
switch access 0 mapped 0 scope subtree
bequeath p/old mnt/f "$size"
keep outside q/out --file "$work/mnt/f.0" --size "$size"
switch mapped 1
check "subtree: memory that an outsider maps stays" stays 2 inherits p "$size"
switch scope any
check_moves "any, at once" p q/out shmem "$size" 5

finish
