#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A mount's memcg= and swap on a disk: a target without room keeps swapoff from ending
# well, but not from ending; and what MADV_WILLNEED brings in is the target's, its
# ancestor's when it was removed, and never a reason to kill somebody.
# vm: --disk 512M --timeout 120 --shared
. "$(dirname "$0")/lib.sh"
setup
audited=1
swap_make
size=$((24 * M))
cg_make above/pod user
set_knob above/pod max 16M
tmpfs_make mnt "memcg=$top/above/pod,size=64M"
watch_kills above/pod

# user_pays_nothing DESCRIPTION
user_pays_nothing()
{
	check_num "$1" "$(($(memory_of user shmem) + $(memory_of user swapcached)))" '<' $PAGE
}

# --- swapoff -----------------------------------------------------------------------------
fill user mnt/f "$size"
check_num "a part is in swap" "$(<"$top/above/pod/memory.swap.current")" '>=' $((8 * M))
cp "$work/mnt/f.0" "$work/before"
timeout -s KILL 60 swapoff "$SCRATCH" 2>"$work/error"
status=$?
check_num "no room: swapoff ends" "$status" '<' 128
check_num "no room: not well" "$status" '>' 0
check "no room: it says why" grep -q "Cannot allocate memory" "$work/error"
no_kill "no room"
check "no room: nothing is lost" cmp "$work/before" "$work/mnt/f.0"

# --- MADV_WILLNEED, by an outsider -----------------------------------------------------------
# Somebody who could be killed for it.
keep own above/pod --size 1M
spawn need keep --cgroup "$top/user" --file "$work/mnt/f.0" --size "$size" --will-need
await_word need asked=1
no_kill "asked for all"
check "asked for all: the one inside is there" kill -0 "${running[own]}"
user_pays_nothing "asked for all: the user pays for none of it"
halt need W
halt own W

# --- when the target was removed ---------------------------------------------------------------
put above/pod reclaim "$size" >/dev/null
must rmdir "$top/above/pod"
spawn need keep --cgroup "$top/user" --file "$work/mnt/f.0" --size "$size" --will-need
await_word need asked=1
check_num "removed: the ancestor pays" "$(memory_of above swapcached)" '>=' $((8 * M))
user_pays_nothing "removed: the user pays for none of it"
tell need USR1 ready=1
user_pays_nothing "removed, touched: nor then"
halt need W
check_audit "removed"

# --- and swapoff, now that there is room -----------------------------------------------------------
check "room: swapoff" swapoff "$SCRATCH"
check "room: nothing is lost" cmp "$work/before" "$work/mnt/f.0"
check "room: the ancestor pays for all" holds above shmem "$size"
check_audit "room"

finish
