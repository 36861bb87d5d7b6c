#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# memcg= and swap on a disk. If the target has no room, swapoff fails, but it returns. Pages
# that MADV_WILLNEED swaps in are charged to the target, or to its ancestor after the target
# was removed, and cause no OOM kill.
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
check_num "a part of the file is in swap" "$(<"$top/above/pod/memory.swap.current")" '>=' $((8 * M))
cp "$work/mnt/f.0" "$work/before"
timeout -s KILL 60 swapoff "$SCRATCH" 2>"$work/error"
status=$?
check_num "no room: swapoff returns" "$status" '<' 128
check_num "no room: swapoff fails" "$status" '>' 0
check "no room: swapoff prints the reason" grep -q "Cannot allocate memory" "$work/error"
no_kill "no room"
check "no room: no data is lost" cmp "$work/before" "$work/mnt/f.0"

# --- MADV_WILLNEED by a task outside of the target -------------------------------------------
# A process in the target, which could be OOM-killed.
keep own above/pod --size 1M
spawn need keep --cgroup "$top/user" --file "$work/mnt/f.0" --size "$size" --will-need
await_word need asked=1
no_kill "MADV_WILLNEED"
check "MADV_WILLNEED: the process in the target lives" kill -0 "${running[own]}"
user_pays_nothing "MADV_WILLNEED: the user pays for nothing"
halt need W
halt own W

# --- after the target was removed ----------------------------------------------------------------
put above/pod reclaim "$size" >/dev/null
must rmdir "$top/above/pod"
spawn need keep --cgroup "$top/user" --file "$work/mnt/f.0" --size "$size" --will-need
await_word need asked=1
check_num "removed: the ancestor pays" "$(memory_of above swapcached)" '>=' $((8 * M))
user_pays_nothing "removed: the user pays for nothing"
tell need USR1 ready=1
user_pays_nothing "removed, touched: the user pays for nothing"
halt need W
check_audit "removed"

# --- swapoff with enough room --------------------------------------------------------------------
check "room: swapoff succeeds" swapoff "$SCRATCH"
check "room: no data is lost" cmp "$work/before" "$work/mnt/f.0"
check "room: the ancestor pays for all" holds above shmem "$size"
check_audit "room"

finish
