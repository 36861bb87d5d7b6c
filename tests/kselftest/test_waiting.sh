#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Whoever waits for a limit holds nobody else up: who wants the lock of the file, or the
# mappings of the process; who freezes the cgroup or the file system; who kills. That he
# waits shows while he does. A write that is frozen on its way ends short.
# vm: --disk 256M,bps=1000000
# vm-debug: --disk 256M,bps=500000
. "$(dirname "$0")/lib.sh"
setup
fs_make ext2 mnt

# longest COMMAND...: how many milliseconds the longest of ten runs takes.
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

# until_event WORDS: how many milliseconds it takes that they are in a's cgroup.events.
until_event()
{
	local begun=${EPOCHREALTIME/[.,]/}
	loop_until 30 grep -qx "$1" "$top/a/cgroup.events" || return
	echo $(((${EPOCHREALTIME/[.,]/} - begun) / 1000))
}

# shellcheck disable=SC2317 # loop_until calls it.
somebody_waits()
{
	(($(stat_of a throttled_now) > 0))
}

# freeze DESCRIPTION: the cgroup, and have it go on.
freeze()
{
	echo 1 >"$top/a/cgroup.freeze"
	check_num "$1: the cgroup is soon frozen" "$(until_event 'frozen 1')" '<=' "$soon"
	echo 0 >"$top/a/cgroup.freeze"
	check_num "$1: and goes on" "$(until_event 'frozen 0')" '<=' "$soon"
}

# A lock that is held while somebody waits takes seconds of this disk.
soon=$(pick 700 1500)
cg_make a
set_knob a dirty_limit_in_bytes 2M

spawn_writers writer a mnt/f --size 32M --block 256k --seconds 600
check "a writer waits, and it shows" loop_until 20 somebody_waits
# shellcheck disable=SC2317 # loop_until calls it.
counts_meanwhile()
{
	local count usec
	count=$(stat_of a throttled_count)
	usec=$(stat_of a throttled_usec)
	sleep 0.02
	usec=$(($(stat_of a throttled_usec) - usec))
	((usec > 0 && $(stat_of a throttled_now) > 0)) &&
		[[ $(stat_of a throttled_count) == "$count" ]]
}
check "and for how long, while it goes on" loop_until 10 counts_meanwhile
check_num "the file's lock is free" "$(longest chmod 640 "$work/mnt/f.0")" '<=' "$soon"
freeze "a writer that waits"
check "it waits again" loop_until 20 somebody_waits
echo 1 >"$top/a/cgroup.kill"
check_num "a writer that waits is soon killed" "$(until_event 'populated 0')" '<=' "$soon"
stop_all

spawn_writers mapper a mnt/m --size 8M --mode mmap --seconds 600
check "a store into a mapping waits" loop_until 20 somebody_waits
read -r pid <"$top/a/cgroup.procs"
check_num "the mappings' lock is free" "$(longest cat "/proc/$pid/cmdline")" '<=' "$soon"
freeze "a store that waits"
echo 1 >"$top/a/cgroup.kill"
check_num "a store that waits is soon killed" "$(until_event 'populated 0')" '<=' "$soon"
stop_all

# All of it is one write, far larger than the limit.
spawn_writers big a mnt/b --size 24M --block 24M
check "a large write waits on its way" loop_until 20 somebody_waits
freeze "a large write"
check "it waits again after that" loop_until 20 somebody_waits
echo 1 >"$top/a/cgroup.kill"
check_num "a large write is soon killed" "$(until_event 'populated 0')" '<=' "$soon"
stop_all

finish
