#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Jobs that are not created again leave unused page cache behind, which recharge_drop_sec
# drops. Pages that are in use stay, as do pages that cannot be read again and pages that
# have not been inherited for that long.
# vm: --disk 512M --timeout 150 --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
fs_make ext4 disk
tmpfs_make mnt
size=$(pick $((8 * M)) $((2 * M)))
jobs=12
cg_make batch batch/user

# leaves NAME: run a job with its own name that writes a file, which no task reads later.
leaves()
{
	bequeath "batch/$1" "disk/$1" "$size"
	sync "$work/disk/$1.0"
}

# stop_reader: stop the reader, if it still runs.
stop_reader()
{
	kill "$reader" 2>/dev/null
	wait "$reader" 2>/dev/null
	return 0
}

# --- without the switch -------------------------------------------------------------
for ((job = 0; job < jobs; job++)); do
	leaves "job$job"
done
check_eq "no cgroup can be charged" "$(put batch recharge max)" EAGAIN
check "the memory stays without the switch" stays 3 inherits batch $((jobs * size))

# --- used memory stays -----------------------------------------------------------------
leaves mapped
leaves read
bequeath batch/shared mnt/shared "$size"
keep mapper batch/user --file "$work/disk/mapped.0" --size "$size"
(while :; do cat "$work/disk/read.0" >/dev/null; sleep 0.2; done) &
reader=$!
at_undo=(stop_reader "${at_undo[@]}")
# The reader is in no cgroup of this test, so it only marks the pages as used.
before=$(<"$top/batch/memory.current")
freed=$(total freed)
switch drop_sec 2
check "unused memory is dropped" loop_until 20 has_left batch $((3 * size + M))
check "used memory stays" stays 5 inherits batch $((3 * size))
check_num "memory.current falls by as much" "$((before - $(<"$top/batch/memory.current")))" \
	'>=' $((jobs * size * 99 / 100))
check_num "recharge_stat counts it" "$(($(total freed) - freed))" '>=' $((jobs * size * 99 / 100))
stop_reader
check "a file that is no longer read is dropped" loop_until 20 has_left batch $((2 * size + M))
check "mapped files and shared memory stay" stays 5 inherits batch $((2 * size))
halt mapper W
check "a file that is no longer mapped is dropped" loop_until 20 has_left batch $((size + M))

# --- recently inherited memory stays for some time -----------------------------------------
switch drop_sec 8
read -r begun _ </proc/uptime
leaves new
check "recently inherited memory is dropped later" loop_until 30 has_left batch $((size + M))
read -r now _ </proc/uptime
check_num "the delay is as set" "$((${now%.*} - ${begun%.*}))" '>=' 8

# --- adoption instead of dropping -------------------------------------------------------
rm "$work/mnt/shared.0"
switch drop_sec 0
leaves old
check "switched off, nothing is dropped" stays 5 inherits batch "$size"
switch adopt 1
cg_make batch/old
check_moves "adoption" batch batch/old file "$size" 5

finish
