#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# recharge_scope: "subtree" moves a charge only to descendants of who inherited
# it, so no total above changes; "any" to whoever uses it, but not by memory.recharge.
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
check_eq "subtree: nothing can be moved to an outsider" "$(put p recharge "$size")" EAGAIN
check_eq "subtree: the outsider has none of it" "$(memory_of q/out shmem)" 0
check_eq "subtree: and no total has changed" "$(usage p) $(usage q) $(usage .)" "$before"
switch access 1
tell outside USR1 touched=1
read_as q/out mnt/f.0 "$size"
check "subtree: not when the outsider uses it either" stays 2 inherits p "$size"
check_eq "subtree: the outsider still has none of it" "$(memory_of q/out shmem)" 0
switch access 0

# Two users, one of them within.
keep inside p/in --file "$work/mnt/f.0" --size "$size"
before="$(usage p) $(usage q) $(usage .)"
check_eq "subtree: all can be moved to one within" "$(put p recharge max)" ok
check_moves "subtree" p p/in shmem "$size" 1
check_eq "subtree: memory.current of everything above is the same" \
	"$(usage p) $(usage q) $(usage .)" "$before"
check_eq "subtree: counted as it is" \
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
check_eq "any: who owns a cgroup cannot push what it inherited to an outsider" \
	"$(put p recharge max)" EAGAIN
check_eq "any: nor has any of it been" "$(recharged q/out recharged_in)" "$in_before"
switch mapped 1
check_moves "any" p q/out shmem "$size" 5
switch mapped 0
check_eq "any: what was inherited is the outsider's" \
	"$(($(recharged q/out recharged_in) - in_before + $(recharged p inherited)))" "$inherited"
check_eq "any: the total above both is the same" "$(usage .)" "$before_top"
moved=$(($(recharged q/out recharged_in) - in_before))
check_num "any: the inheritor's total falls by what was moved" \
	$((before_p - $(usage p) - moved)) '<=' "$slack"
check_num "any: no more" $((before_p - $(usage p) - moved)) '>=' -"$slack"
check_num "any: the outsider's rises by it" $(($(usage q) - before_q - moved)) '<=' "$slack"
check_num "any: no less" $(($(usage q) - before_q - moved)) '>=' -"$slack"
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

# --- the scope is widened when all else is done ------------------------------------------
switch access 0
switch mapped 0
switch scope subtree
bequeath p/old mnt/f "$size"
keep outside q/out --file "$work/mnt/f.0" --size "$size"
switch mapped 1
check "subtree: not what is mapped either" stays 2 inherits p "$size"
switch scope any
check_moves "any, at once" p q/out shmem "$size" 5

finish
