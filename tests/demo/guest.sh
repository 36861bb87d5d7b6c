#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The demo's part in the guest: a hog and its victim on one slow disk, twice,
# without and with a limit on the hog. Leaves a row of figures for each run in
# /out/runs.csv, and the hog's dirty pages over time in /out/RUN.csv.
# Usage: guest.sh SECONDS LIMIT
# shellcheck source=tests/bench/lib.sh
. /bench/lib.sh
seconds=$1 limit=$2
begin xfs
system_limit $((32 * M))

# watch RUN LEVEL: the victim starts when the hog holds that much.
watch()
{
	spawn_writers hog hog mnt/hog --seconds 3600 --size 128M
	watch_limit samples hog "$limit" --out "/out/$1.csv"
	until_above hog "$2"
	spawn victim append --cgroup "$top/victim" --file "$work/mnt/victim" --seconds "$seconds"
	collect victim F
	halt samples S
	halt hog W
	row "$1" "${S[max]}" "${F[rate]}" "${F[p99_us]}" "${F[max_us]}" "$(nproc)" >>/out/runs.csv
	clean hog victim
}

echo "One disk of 2 MB/s, xfs; the system may hold 32 MiB of dirty pages (vm.dirty_bytes)."
echo "The hog writes as fast as it can. The victim appends 4 KiB, 125 times a second."
echo "First run, $seconds s: no limit ..."
cg_make hog victim
watch free $((24 * M))
echo "Second run, $seconds s: memory.dirty_limit_in_bytes=$((limit / M))M on the hog ..."
cg_make hog victim
set_knob hog dirty_limit_in_bytes "$limit"
watch limited $((limit / 2))
