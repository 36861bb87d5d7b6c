#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Recharging what is in the swap cache: with swap on a disk, unlike zram, pages stay
# there after they have been read again. They are no file's pages for a memcg, although
# the node counts them as such.
# vm: --timeout 120 --disk 512M --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
swap_make
size=$(pick $((32 * M)) $((8 * M)))
tmpfs_make mnt
cg_make p/user

# in_swap_cache WHAT BYTES: so much of what p/old holds is at least. The figure is left
# in cached.
in_swap_cache()
{
	cached=$(memory_of p/old swapcached)
	check_num "$1: is in the swap cache" "$cached" '>=' "$2"
}

# --- anonymous memory, whose process was moved -------------------------------------------
cg_make p/old
keep user p/old --size "$size"
join user p/user
# It is no failure of this test if the kernel finds less than it was asked for.
put p/old reclaim "$size" >/dev/null
# It reads before it writes, and what was swapped in by a read stays in the swap cache.
tell user USR1 touched=1
in_swap_cache anonymous $((size / 4))
before=$(memory_of p/user file)
cg_remove p/old
switch mapped 1
check "anonymous: what is in the swap cache is the user's" loop_until 10 \
	holds p/user swapcached "$cached"
check "anonymous: all is" loop_until 10 holds p/user anon "$size"
check_eq "anonymous: none of it is a file's" "$(memory_of p/user file)" "$before"
check_audit "anonymous"
halt user W
switch mapped 0

# --- shared memory, adopted ------------------------------------------------------------------
cg_make p/old
fill p/old mnt/f "$size"
put p/old reclaim "$size" >/dev/null
# A page that is swapped in brings its neighbours with it, as far as the swap cache.
for ((at = 0; at < size; at += 64 * 1024)); do
	must dd if="$work/mnt/f.0" of=/dev/null bs=8k count=1 skip="${at}B" status=none
done
in_swap_cache "shared memory" $PAGE
file=$(memory_of p/old file)
cg_remove p/old
switch adopt 1
cg_make p/old
check "shared memory: what is in the swap cache is adopted" loop_until 10 \
	holds p/old swapcached "$cached"
check_num "shared memory: no more than there was is a file's" "$(memory_of p/old file)" '<=' "$file"
check_audit "shared memory"
rm "$work/mnt/f.0"
switch adopt 0

finish
