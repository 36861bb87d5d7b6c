#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The time that a service waits for 1 MiB of memory, ten times a second, while another
# process of its cgroup writes a file as fast as it can to a disk of 2 MB/s. The cgroup has
# memory.high or memory.max of 64 MiB, so the service's memory must be reclaimed from the
# writer, whose pages are dirty.
#   unlimited   nothing else is set
#   limited     the cgroup has a dirty limit of 8 MiB
# columns: kernel,case,limit,ops,rate,p50_us,p99_us,max_us,hog_rate
# vm: --flavor stock --timeout 120 --disk 512M,bps=2000000,fs=ext4 -- 30 unlimited
# vm: --flavor release --insmod --timeout 200 --disk 512M,bps=2000000,fs=ext4 -- 30 unlimited limited
. "$(dirname "$0")/lib.sh"
seconds=$1
shift
begin ext4
declare -A V=()

for limit in high max; do
	for case in "$@"; do
		cg_make service
		set_knob service "$limit" 64M
		[[ $case != limited ]] || set_knob service dirty_limit_in_bytes 8M
		spawn_writers hog service mnt/hog --seconds 3600 --size 160M
		# Wait until the page cache fills the cgroup's limit.
		must loop_until 60 knob_is service current '>=' $((48 * M))
		spawn victim allocate --cgroup "$top/service" --size 1M --rate 10 --seconds "$seconds"
		collect victim V
		halt hog W
		row "$VM_FLAVOR" "$case" "$limit" "${V[ops]}" "${V[rate]}" "${V[p50_us]}" "${V[p99_us]}" \
			"${V[max_us]}" "${W[rate]}"
		clean service
	done
done
