#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A floor that is larger than the memory of its cgroup: what nobody slows down would
# fill all of it with dirty pages, of which reclaim can free none. So what the kernel
# derives for the cgroup from its memory holds beside a floor, be it its own or one of
# a cgroup above.
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
