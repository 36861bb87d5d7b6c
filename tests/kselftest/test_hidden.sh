#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Taking the controller away: where io needs it the memcg stays, hidden. What its files
# held is in force no longer, neither while they are gone nor when they are back.
# vm: --disk 512M --shared
. "$(dirname "$0")/lib.sh"
setup
no_periodic_writeback
fs_make ext4 mnt
no_periodic_commit mnt

cg_make a
set_knob a dirty_limit_in_bytes 4M
set_knob a dirty_min 1M
set_knob a persistent file
must put_back "$top/cgroup.subtree_control" -memory
check "its files are gone" test ! -e "$top/a/memory.dirty_limit_in_bytes"

# There is no file that could tell, but what the parent counts.
fill a mnt/f $((8 * M))
check_num "the limit holds no longer" "$(exactly_dirty .)" '>' $((4 * M + slack))

must put_back "$top/cgroup.subtree_control" +memory
check_eq "back again, there is no limit" "$(knob a dirty_limit_in_bytes)" max
check_eq "nor a floor" "$(knob a dirty_min)" 0
check_eq "nor anything that it pays for" "$(knob a persistent)" ""
set_knob a dirty_limit_in_bytes 4M
check_eq "a limit can be set as before" "$(knob a dirty_limit_in_bytes)" $((4 * M))

finish
