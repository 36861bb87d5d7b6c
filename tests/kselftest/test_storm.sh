#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A storm of short-lived writers: each dirties a few pages and exits before its
# own account of dirtied pages would make the kernel look at the limit.
# vm: --disk 512M,bps=4000000
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 mnt

cg_make a
set_knob a dirty_limit_in_bytes 4M
watch_limit samples a $((4 * M))
spawn storm storm --cgroup "$top/a" --file-dir "$work/mnt" --seconds "$(pick 6 8)" --pages 16
collect storm W
halt samples S
diag "${W[children]} children wrote ${W[bytes]} bytes"
check_held "fork and exit" S $((4 * M))
check_progress "more was written than the limit" "${W[bytes]}" $((8 * M))

finish
