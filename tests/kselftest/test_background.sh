#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A background limit has effect by itself: the flusher is started for a cgroup above it, far
# below the dirty limit and without periodic writeback. Cgroups below it are left alone.
# vm: --disk 512M,bps=20000000
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 mnt
no_periodic_writeback

# dirty NAME [SIZE]: make SIZE of pages dirty, by default 8M.
dirty()
{
	write_as "$1" "mnt/${1//\//_}" --size "${2:-8M}"
}

# flushed DESCRIPTION NAME BYTES
flushed()
{
	check "$1" await below "$2" "$3" 5
	check_num "$1: writeback_started counts it" "$(stat_of "$2" writeback_started)" '>' 0
}

# A cgroup below its background limit: its pages must still be dirty at the end.
cg_make below
set_knob below dirty_limit_in_bytes 32M
dirty below

cg_make both
set_knob both dirty_limit_in_bytes 64M dirty_background_limit_in_bytes 4M
dirty both
flushed "background limit far below the limit" both $((4 * M))
check_eq "the writer is not throttled by a background limit" "$(stat_of both throttled_count)" 0

cg_make alone
set_knob alone dirty_background_limit_in_bytes 4M
dirty alone
flushed "background limit without a limit" alone $((4 * M))

cg_make ratio
set_knob ratio max 64M dirty_limit_in_bytes 32M dirty_background_ratio 5
dirty ratio
flushed "background ratio" ratio $((64 * M * 5 / 100))

cg_make p/c
set_knob p dirty_limit_in_bytes 64M dirty_background_limit_in_bytes 4M
dirty p/c
flushed "the parent's background limit" p $((4 * M))

# None of the children holds enough to reach a share of its own.
cg_make r
set_knob r dirty_limit_in_bytes 64M dirty_background_limit_in_bytes 4M
for i in {1..16}; do
	cg_make "r/c$i"
	dirty "r/c$i" 512k
done
flushed "the parent's background limit, many small children" r $((4 * M))

# With only a background limit, the parent's derived limit also holds for its subtree.
cg_make q/c
set_knob q dirty_background_limit_in_bytes 4M
set_knob q/c dirty_limit_in_bytes 1G
check_num "the parent's derived limit holds for a child with a looser limit" \
	"$(stat_of q/c limit)" '<=' $(($(stat_of q limit) * 9 / 8))

cg_make later
set_knob later dirty_limit_in_bytes 64M dirty_background_limit_in_bytes 60M
dirty later
set_knob later dirty_background_limit_in_bytes 4M
flushed "background limit set below the amount that is dirty" later $((4 * M))

check_num "the pages of a cgroup below half its limit stay dirty" \
	"$(exactly_dirty below)" '>=' $((8 * M - slack))

# The flusher has just ended under the previous background limit, and no writer starts it
# again. It writes up to an eighth of the system-wide limit from a file at a time.
sync
system_limit $((64 * M))
cg_make again
set_knob again dirty_limit_in_bytes 64M dirty_background_limit_in_bytes 60M
dirty again 24M
set_knob again dirty_background_limit_in_bytes 20M
until stat_is again dirty '<=' $((20 * M)); do :; done
set_knob again dirty_background_limit_in_bytes 4M
flushed "background limit lowered once more at once" again $((4 * M))

finish
