#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Recharging of pages in the swap cache. With swap on a disk, unlike zram, pages stay in the
# swap cache after they were swapped in. A memcg does not count them as file pages, although
# the node does.
# vm: --timeout 120 --disk 512M --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
swap_make
size=$(pick $((32 * M)) $((8 * M)))
tmpfs_make mnt
cg_make p/user

# in_swap_cache WHAT BYTES: at least BYTES of p/old's memory are in the swap cache. Sets cached
# to the amount.
in_swap_cache()
{
	cached=$(memory_of p/old swapcached)
	check_num "$1: pages are in the swap cache" "$cached" '>=' "$2"
}

# --- anonymous memory, whose process was moved -------------------------------------------
keep_moved user p/old p/user --size "$size"
# The kernel may reclaim less than requested; this test does not check that.
put p/old reclaim "$size" >/dev/null
# The process reads before it writes; pages that a read swaps in stay in the swap cache.
tell user USR1 touched=1
in_swap_cache anonymous $((size / 4))
before=$(memory_of p/user file)
cg_remove p/old
switch mapped 1
check "anonymous: the user is charged for the swap cache" loop_until 10 \
	holds p/user swapcached "$cached"
check "anonymous: the user is charged for all" loop_until 10 holds p/user anon "$size"
check_eq "anonymous: no file pages are counted" "$(memory_of p/user file)" "$before"
check_audit "anonymous"
halt user W
switch mapped 0

# --- shared memory, adopted ------------------------------------------------------------------
cg_make p/old
fill p/old mnt/f "$size"
put p/old reclaim "$size" >/dev/null
# Swapping in a page also reads its neighbours, which stay in the swap cache.
for ((at = 0; at < size; at += 64 * 1024)); do
	must dd if="$work/mnt/f.0" of=/dev/null bs=8k count=1 skip="${at}B" status=none
done
in_swap_cache "shared memory" $PAGE
file=$(memory_of p/old file)
cg_remove p/old
switch adopt 1
cg_make p/old
check "shared memory: the swap cache is adopted" loop_until 10 holds p/old swapcached "$cached"
check_num "shared memory: no more file pages than before" "$(memory_of p/old file)" '<=' "$file"
check_audit "shared memory"
rm "$work/mnt/f.0"
switch adopt 0

finish
