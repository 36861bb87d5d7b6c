#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A limit given as a ratio is a part of the cgroup's dirtyable memory. It follows memory.max
# at once, even if that puts it below the amount that is already dirty.
# vm: --disk 512M,bps=20000000 --alone
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 mnt
cg_make a

# in_force DESCRIPTION KEY BYTES: the value is BYTES or up to a tenth less, because not all
# memory is dirtyable.
in_force()
{
	check_num "$1 (not more)" "$(stat_of a "$2")" '<=' "$3"
	check_num "$1 (not less)" "$(stat_of a "$2")" '>=' $(($3 * 9 / 10))
}

set_knob a max 64M dirty_ratio 25
in_force "25 % of 64M" limit $((16 * M))
in_force "the default background limit is half the limit" background_limit $((8 * M))
set_knob a dirty_background_ratio 12.5
in_force "12.5 % of 64M in the background" background_limit $((8 * M))
set_knob a dirty_background_ratio 6.25
in_force "6.25 % of 64M in the background" background_limit $((4 * M))
echo 128M >"$top/a/memory.max"
in_force "25 % of 128M" limit $((32 * M))
in_force "6.25 % of 128M in the background" background_limit $((8 * M))
echo 32M >"$top/a/memory.max"
in_force "25 % of 32M" limit $((8 * M))
in_force "6.25 % of 32M in the background" background_limit $((2 * M))
set_knob a dirty_ratio 100
check_num "100 % is not more than memory.max" "$(stat_of a limit)" '<=' $((32 * M))

# An ancestor's memory.max counts as well.
cg_make p/c
set_knob p/c dirty_ratio 50
echo 32M >"$top/p/memory.max"
check_num "50 % below a parent of 32M" "$(stat_of p/c limit)" '<=' $((16 * M))

# The limit under load, and lowered under load.
set_knob a max 64M dirty_ratio 25 dirty_background_ratio max
hold a $((16 * M)) "$(pick 4 3)" mnt/a --writers 2
check_held "25 % of 64M under load" S $((16 * M))
check_used "25 % of 64M under load" S $((15 * M))
spawn_writers load a mnt/a --size 32M --writers 2 --seconds 600
must await above a $((10 * M)) 20
echo 32M >"$top/a/memory.max"
check "memory.max lowered to 32M under load: below the new limit" await below a $((8 * M)) 20
# A writer that was released before may still dirty what it was released for. Once both wait
# again, the new limit holds.
check "memory.max lowered to 32M under load: the writers wait" \
	loop_until 20 stat_is a throttled_now '==' 2
watch_limit after a $((8 * M)) --seconds "$(pick 3 2)"
collect after S
check_held "memory.max lowered to 32M under load" S $((8 * M))
check_used "memory.max lowered to 32M under load" S $((7 * M))
halt load W

finish
