#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A floor that is larger than the memory of its cgroup. A writer that is never slowed would
# fill that memory with dirty pages, which reclaim cannot free. So the limit that the kernel
# derives from the cgroup's memory still applies with a floor, whether the floor is the
# cgroup's own or an ancestor's.
# vm: --disk 512M,bps=20000000
# vm-debug: --disk 512M,bps=1000000
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 mnt
drop_journal mnt
memory=$(pick $((64 * M)) $((32 * M)))

echo max >"$top/memory.dirty_min"
for cgroup in own above/none; do
	cg_make "$cgroup"
	set_knob "${cgroup%/*}" dirty_min max
	echo "$memory" >"$top/$cgroup/memory.max"
	watch_kills "$cgroup"
	watch_limit samples "$cgroup" $((memory / 2)) --seconds "$(pick 8 6)"
	spawn_writers w "$cgroup" mnt/f --size $((2 * memory)) --seconds 3600
	must await above "$cgroup" $((memory / 16)) 30
	collect samples S
	diag "$cgroup: max=${S[max]} mean=${S[mean]} charged=$(<"$top/$cgroup/memory.current")"
	check_num "$cgroup: half of the memory stays clean" "${S[max]}" '<=' $((memory / 2))
	no_kill "$cgroup"
	halt w W
	rm "$work"/mnt/f.*
done

finish
