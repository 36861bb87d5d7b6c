#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A background limit is acted on by itself: whoever holds more has the flusher
# started, far below the limit and without the periodic flusher. Who holds less
# is left alone.
# vm: --disk 512M,bps=20000000
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 mnt
no_periodic_writeback

# dirty NAME [SIZE]: so much of dirty pages, 8M if nothing is said.
dirty()
{
	spawn_writers writers "$1" "mnt/${1//\//_}" --size "${2:-8M}"
	collect writers W
}

# flushed DESCRIPTION NAME BYTES
flushed()
{
	check "$1" await below "$2" "$3" 5
	check_num "$1, and it is counted" "$(stat_of "$2" writeback_started)" '>' 0
}

# First who is to be left alone: until the end it holds what it holds.
cg_make below
set_knob below dirty_limit_in_bytes 32M
dirty below

cg_make both
set_knob both dirty_limit_in_bytes 64M
set_knob both dirty_background_limit_in_bytes 4M
dirty both
flushed "background limit far below the limit" both $((4 * M))
check_eq "its writer was not throttled" "$(stat_of both throttled_count)" 0

cg_make alone
set_knob alone dirty_background_limit_in_bytes 4M
dirty alone
flushed "background limit without a limit" alone $((4 * M))

cg_make ratio
echo 64M >"$top/ratio/memory.max"
set_knob ratio dirty_limit_in_bytes 32M
set_knob ratio dirty_background_ratio 5
dirty ratio
flushed "background ratio" ratio $((64 * M * 5 / 100))

cg_make p/c
set_knob p dirty_limit_in_bytes 64M
set_knob p dirty_background_limit_in_bytes 4M
dirty p/c
flushed "the parent's background limit" p $((4 * M))

# None of these holds enough for a part of its own.
cg_make r
set_knob r dirty_limit_in_bytes 64M
set_knob r dirty_background_limit_in_bytes 4M
for i in {1..16}; do
	cg_make "r/c$i"
	dirty "r/c$i" 512k
done
flushed "the parent's background limit, many small children" r $((4 * M))

# With that alone the kernel's own limit is held in the same way, for all below.
cg_make q/c
set_knob q dirty_background_limit_in_bytes 4M
set_knob q/c dirty_limit_in_bytes 1G
check_num "the limit in force is that of the parent without one of its own" \
	"$(stat_of q/c limit)" '<=' $(($(stat_of q limit) * 9 / 8))

cg_make later
set_knob later dirty_limit_in_bytes 64M
set_knob later dirty_background_limit_in_bytes 60M
dirty later
set_knob later dirty_background_limit_in_bytes 4M
flushed "background limit set below what is held" later $((4 * M))

check_num "who holds less than half its limit is left alone" \
	"$(exactly_dirty below)" '>=' $((8 * M - slack))

# The flusher has just ended, by a limit that is no longer the one in force, and there is
# no writer who would start it again. It takes an eighth of the system-wide limit of a
# file at a time.
sync
system_limit $((64 * M))
cg_make again
set_knob again dirty_limit_in_bytes 64M
set_knob again dirty_background_limit_in_bytes 60M
dirty again 24M
dirty_is_below()
{
	compare "$(stat_of again dirty)" '<=' "$1"
}
set_knob again dirty_background_limit_in_bytes 20M
until dirty_is_below $((20 * M)); do :; done
set_knob again dirty_background_limit_in_bytes 4M
flushed "background limit lowered once more at once" again $((4 * M))

finish
