#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A writer that waits for a limit does not hold up others: tasks that need the file's lock or
# the process's mmap lock, freezing of the cgroup, and kills. The wait is visible while it
# lasts. A large write that is frozen while it waits returns a short count and is resumed.
# A writer to a frozen file system can be frozen and killed, too.
# vm: --disk 256M,bps=1000000
# vm-debug: --disk 256M,bps=500000
. "$(dirname "$0")/lib.sh"
setup
fs_make ext2 mnt

# longest COMMAND...: the duration of the longest of ten runs, in milliseconds.
longest()
{
	local most=0 took begun _
	for _ in {1..10}; do
		begun=${EPOCHREALTIME/[.,]/}
		must "$@" >&2
		took=$(((${EPOCHREALTIME/[.,]/} - begun) / 1000))
		((took <= most)) || most=$took
		sleep 0.1
	done
	echo "$most"
}

# until_event WORDS: wait until a's cgroup.events has WORDS, and print the milliseconds.
until_event()
{
	local begun=${EPOCHREALTIME/[.,]/}
	loop_until 30 grep -qx "$1" "$top/a/cgroup.events" || return
	echo $(((${EPOCHREALTIME/[.,]/} - begun) / 1000))
}

# freeze DESCRIPTION: freeze and thaw the cgroup.
freeze()
{
	echo 1 >"$top/a/cgroup.freeze"
	check_num "$1: the cgroup is soon frozen" "$(until_event 'frozen 1')" '<=' "$soon"
	echo 0 >"$top/a/cgroup.freeze"
	check_num "$1: the cgroup is soon thawed" "$(until_event 'frozen 0')" '<=' "$soon"
}

# With this disk, a lock that is held during a wait would be held for seconds.
soon=$(pick 700 1500)
cg_make a
set_knob a dirty_limit_in_bytes 2M

spawn_writers writer a mnt/f --size 32M --block 256k --seconds 600
check "throttled_now shows a waiting writer" loop_until 20 stat_is a throttled_now '>' 0
counts_meanwhile()
{
	local count usec
	count=$(stat_of a throttled_count)
	usec=$(stat_of a throttled_usec)
	sleep 0.02
	usec=$(($(stat_of a throttled_usec) - usec))
	((usec > 0)) && stat_is a throttled_now '>' 0 && stat_is a throttled_count '==' "$count"
}
check "throttled_usec grows during the wait" loop_until 10 counts_meanwhile
check_num "the file's lock is free" "$(longest chmod 640 "$work/mnt/f.0")" '<=' "$soon"
freeze "a waiting writer"
check "the writer waits again" loop_until 20 stat_is a throttled_now '>' 0
echo 1 >"$top/a/cgroup.kill"
check_num "a waiting writer is soon killed" "$(until_event 'populated 0')" '<=' "$soon"
stop_all

spawn_writers mapper a mnt/m --size 8M --mode mmap --seconds 600
check "a store into a mapping waits" loop_until 20 stat_is a throttled_now '>' 0
read -r pid <"$top/a/cgroup.procs"
check_num "the mmap lock is free" "$(longest cat "/proc/$pid/cmdline")" '<=' "$soon"
freeze "a waiting store"
echo 1 >"$top/a/cgroup.kill"
check_num "a waiting store is soon killed" "$(until_event 'populated 0')" '<=' "$soon"
stop_all

# A single write, far larger than the limit.
spawn_writers big a mnt/b --size 24M --block 24M
check "a large write waits in the middle" loop_until 20 stat_is a throttled_now '>' 0
freeze "a large write"
check "the large write waits again" loop_until 20 stat_is a throttled_now '>' 0
echo 1 >"$top/a/cgroup.kill"
check_num "a large write is soon killed" "$(until_event 'populated 0')" '<=' "$soon"
stop_all

# A writer to a frozen file system waits outside of it.
thaw()
{
	fsfreeze --unfreeze "$work/mnt" 2>/dev/null
}
# Before the file system is emptied and unmounted.
trap 'left=$?; thaw; on_exit "$left"' EXIT
spawn_writers cold a mnt/c --size 32M --block 256k --seconds 600
check "a writer waits again" loop_until 20 stat_is a throttled_now '>' 0
check "the file system can be frozen" fsfreeze --freeze "$work/mnt"
freeze "a writer to a frozen file system"
echo 1 >"$top/a/cgroup.kill"
check_num "a writer to a frozen file system is soon killed" "$(until_event 'populated 0')" '<=' "$soon"
check "the file system can be thawed" fsfreeze --unfreeze "$work/mnt"
stop_all

finish
