#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The time until a limit that is lowered from 256 MiB to 16 MiB holds, while writers continue.
# columns: kernel,writers,from,to,held,ms,disk
# vm: --flavor release --insmod --timeout 120 --disk 1G,bps=20000000,fs=ext4 -- 1 4 16
. "$(dirname "$0")/lib.sh"
begin ext4
disk_speed
# Keep the system-wide limit and the cgroup's background limit out of the way, so that
# the cgroup can have 256 MiB of dirty pages.
system_limit $((700 * M))
from=$((256 * M)) to=$((16 * M))

for count in "$@"; do
	cg_make hog
	set_knob hog dirty_limit_in_bytes "$from" dirty_background_limit_in_bytes $((from * 15 / 16))
	spawn_writers writers hog mnt/hog --seconds 3600 \
		--writers "$count" --size $((384 * M / count))
	must await above hog $((from * 8 / 10)) 30
	set_knob hog dirty_limit_in_bytes "$to"
	# Read this after the limit is set: before that, the writers still dirty more.
	held=$(dirty_of hog)
	must await below hog "$to" 60
	halt writers F
	row "$VM_FLAVOR" "$count" "$from" "$to" "$held" "${W[ms]}" "$disk"
	clean hog
done
