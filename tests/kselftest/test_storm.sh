#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A storm of short-lived writers: each dirties a few pages and exits before its own count of
# dirtied pages would cause a check of the limit. Then many tasks write a little, sleep while
# another task fills the cgroup, and continue: any permission to dirty more pages that they
# got before must no longer be valid.
# vm: --disk 512M,bps=4000000 --timeout 90
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
rm "$work"/mnt/storm.*

# sleeper FILE: write three pages, and 42 more when told to.
sleeper()
{
	local page i
	printf -v page '%4096s' ''
	exec 4>"$1"
	for i in {1..3}; do printf '%s' "$page" >&4; done
	read -r i <"$work/sleep"
	for i in {1..42}; do printf '%s' "$page" >&4; done
}

cg_make b
set_knob b dirty_limit_in_bytes 16M
mkfifo "$work/sleep"
# Open it for reading and writing, because an open for reading alone would wait for a writer.
exec 5<>"$work/sleep"
sleepers=()
for i in $(seq "$(pick 200 50)"); do
	(
		echo "$BASHPID" >"$top/b/cgroup.procs"
		sleeper "$work/mnt/s.$i"
	) &
	sleepers+=("$!")
done
all_have_begun()
{
	(($(find "$work/mnt" -name 's.*' -size 12k | wc -l) == ${#sleepers[@]}))
}
check "all tasks have written a little" loop_until 60 all_have_begun
spawn_writers hog b mnt/hog --size 32M --block 64k --seconds 600
check "another task fills the cgroup" loop_until 60 stat_is b throttled_count '>' 20
watch_limit samples b $((16 * M))
for i in "${sleepers[@]}"; do echo >&5; done
for i in "${sleepers[@]}"; do must wait "$i"; done
halt samples S
halt hog W
check_held "the sleeping tasks continue" S $((16 * M))

finish
