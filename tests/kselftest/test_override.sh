#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A limit that is set replaces the limit that the kernel derives for the cgroup, whether it is
# looser or tighter. It never exceeds the memory that the cgroup can dirty, and the
# system-wide limit still applies.
# vm: --disk 512M,bps=20000000 --alone
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 mnt

cg_make a
echo 64M >"$top/a/memory.max"
derived=$(stat_of a limit)
check_num "the derived limit is tighter than the limits below" "$derived" '<' $((24 * M))
set_knob a dirty_limit_in_bytes 40M
check_num "a looser limit is in force" "$(stat_of a limit)" '==' $((40 * M))
spawn_writers load a mnt/f --size 32M --seconds 600 --writers 2
check "more is dirty than the derived limit allows" await above a "$derived" 30
halt load W
hold a $((40 * M)) "$(pick 6 5)" mnt/f --writers 2
check_limit "a looser limit" S $((40 * M))

set_knob a dirty_limit_in_bytes 1G
check_num "a limit is capped by the cgroup's dirtyable memory" "$(stat_of a limit)" '<=' $((64 * M))

# This test does not check how closely the kernel holds the system-wide limit.
set_knob a dirty_limit_in_bytes 40M
rm "$work"/mnt/f.*
system_limit $((8 * M))
hold a $((40 * M)) "$(pick 4 3)" mnt/f --writers 2
diag "system-wide 8M: max=${S[max]} mean=${S[mean]}"
check_num "the system-wide limit still holds" "${S[max]}" '<=' $((16 * M))

finish
