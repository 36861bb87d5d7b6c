#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs several tests in one guest, one after the other. run.sh on the host splits the
# output at the lines that begin with @@.
# Usage: guest.sh SECONDS TEST [SECONDS TEST]...   SECONDS is a test's time limit.
set -u

# If a test hangs, crash the guest: the log then shows where the tasks wait. The timer is a
# read with a time-out, which leaves no process behind.
watch_over()
{
	read -r -t "$2" && return
	echo "$1: time-out after $2 s" >/dev/kmsg
	echo c >/proc/sysrq-trigger
}

silence=$(mktemp -u)
mkfifo "$silence"
while (($# > 0)); do
	limit=$(($1 * ${VM_SLOWNESS:-1})) name=$2
	shift 2
	echo "@@ begin $name"
	begin=$SECONDS status=0
	watch_over "$name" "$limit" <>"$silence" &
	watcher=$!
	# In the foreground: the shell makes background children ignore SIGINT.
	"$(dirname "$0")/$name" || status=$?
	kill -KILL "$watcher"
	wait "$watcher" 2>/dev/null
	echo "@@ end $name $status $((SECONDS - begin))"
done
rm "$silence"
