#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Disabling the memory controller: if the io controller depends on it, the memcg stays, but
# hidden. Its settings lose their effect, both while the files are gone and when they are back.
# vm: --disk 512M --shared
. "$(dirname "$0")/lib.sh"
setup
no_periodic_writeback
fs_make ext4 mnt
no_periodic_commit mnt

cg_make a
set_knob a dirty_limit_in_bytes 4M dirty_min 1M persistent file
must put_back "$top/cgroup.subtree_control" -memory
check "the files of the cgroup are gone" test ! -e "$top/a/memory.dirty_limit_in_bytes"

# The cgroup has no files that show its dirty pages, so use the parent's count.
fill a mnt/f $((8 * M))
check_num "the limit no longer holds" "$(exactly_dirty .)" '>' $((4 * M + slack))

must put_back "$top/cgroup.subtree_control" +memory
check_eq "the limit is reset when the files are back" "$(knob a dirty_limit_in_bytes)" max
check_eq "the floor is reset, too" "$(knob a dirty_min)" 0
check_eq "memory.persistent is reset, too" "$(knob a persistent)" ""
set_knob a dirty_limit_in_bytes 4M
check_eq "a limit can be set again" "$(knob a dirty_limit_in_bytes)" $((4 * M))

finish
