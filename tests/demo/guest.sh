#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The demo's part in the guest: a hog and two neighbours on one slow disk, twice,
# without and with a limit on the hog. One neighbour appends to a log, the other
# syncs what it appends, as a database does. Leaves a row of figures for each run
# in /out/runs.csv, and the hog's dirty pages over time in /out/RUN.csv.
# Usage: guest.sh SECONDS LIMIT
# shellcheck source=tests/bench/lib.sh
. /bench/lib.sh
seconds=$1 limit=$2
declare -A D=()
begin ext4
system_limit $((32 * M))

# watch RUN LEVEL: the neighbours start when the hog holds that much.
watch()
{
	spawn_writers hog hog mnt/hog --seconds 3600 --size 128M
	watch_limit samples hog "$limit" --out "/out/$1.csv"
	must await above hog "$2" 30
	spawn log append --cgroup "$top/log" --file "$work/mnt/log" --seconds "$seconds"
	spawn database append --fsync --cgroup "$top/database" --file "$work/mnt/database" \
		--rate 20 --seconds "$seconds"
	collect log F
	collect database D
	halt samples S
	halt hog W
	row "$1" "${S[max]}" "${F[on_time]}" "${F[max_us]}" "$(nproc)" \
		"${D[rate]}" "${D[p99_us]}" >>/out/runs.csv
	clean hog log database
}

echo "One disk of 2 MB/s with ext4; the system may hold 32 MiB of dirty pages (vm.dirty_bytes)."
echo "A hog writes as fast as it can. A log appends 4 KiB, 125 times a second; a database"
echo "appends 4 KiB and calls fsync(), 20 times a second."
echo "First run, $seconds s: no limit ..."
cg_make hog log database
watch free $((24 * M))
echo "Second run, $seconds s: memory.dirty_limit_in_bytes=$((limit / M))M on the hog ..."
cg_make hog log database
set_knob hog dirty_limit_in_bytes "$limit"
watch limited $((limit / 2))
