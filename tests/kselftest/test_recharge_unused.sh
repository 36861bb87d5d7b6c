#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Jobs that do not come back leave page cache that nobody uses: with recharge_drop_sec
# it is dropped. What somebody uses stays, and so does what cannot be read again, and
# what has not been there for so long.
# vm: --disk 512M --timeout 150 --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
fs_make ext4 disk
tmpfs_make mnt
size=$(pick $((8 * M)) $((2 * M)))
jobs=12
cg_make batch batch/user

# leaves NAME: a job with a name of its own, which is written and then read by nobody.
leaves()
{
	bequeath "batch/$1" "disk/$1" "$size"
	sync "$work/disk/$1.0"
}

# Also when it has been stopped already.
stop_reader()
{
	kill "$reader" 2>/dev/null
	wait "$reader" 2>/dev/null
	return 0
}

# --- without it ---------------------------------------------------------------------
for ((job = 0; job < jobs; job++)); do
	leaves "job$job"
done
check_eq "nobody is there to be charged" "$(put batch recharge max)" EAGAIN
check "without the switch it stays" stays 3 inherits batch $((jobs * size))

# --- what is used stays ----------------------------------------------------------------
leaves mapped
leaves read
bequeath batch/shared mnt/shared "$size"
keep mapper batch/user --file "$work/disk/mapped.0" --size "$size"
(while :; do cat "$work/disk/read.0" >/dev/null; sleep 0.2; done) &
reader=$!
at_undo=(stop_reader "${at_undo[@]}")
# Its pages are charged to no cgroup of this test, so it changes nothing but their use.
before=$(<"$top/batch/memory.current")
freed=$(total freed)
switch drop_sec 2
check "what nobody uses is dropped" loop_until 20 has_left batch $((3 * size + M))
check "and what somebody uses is not" stays 5 inherits batch $((3 * size))
check_num "memory.current falls by as much" "$((before - $(<"$top/batch/memory.current")))" \
	'>=' $((jobs * size * 99 / 100))
check_num "it is counted" "$(($(total freed) - freed))" '>=' $((jobs * size * 99 / 100))
stop_reader
check "read no more, it is dropped as well" loop_until 20 has_left batch $((2 * size + M))
check "what is mapped, and shared memory, is not" stays 5 inherits batch $((2 * size))
halt mapper W
check "mapped no more, it is dropped" loop_until 20 has_left batch $((size + M))

# --- what is new stays for the time --------------------------------------------------------
switch drop_sec 8
read -r begun _ </proc/uptime
leaves new
check "what was left just now is dropped, too" loop_until 30 has_left batch $((size + M))
read -r now _ </proc/uptime
check_num "once it has been there for so long" "$((${now%.*} - ${begun%.*}))" '>=' 8

# --- what could come back does not wait for it ------------------------------------------
rm "$work/mnt/shared.0"
switch drop_sec 0
leaves old
check "switched off, nothing is dropped" stays 5 inherits batch "$size"
switch adopt 1
cg_make batch/old
check_moves "and adoption finds it" batch batch/old file "$size" 5

finish
