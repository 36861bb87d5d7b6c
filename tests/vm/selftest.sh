#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Checks that run.sh distinguishes all ways in which a run can end: boots one guest for
# each, and compares the exit status and the message.
# TAP on stdout. Options are passed to run.sh: tests/vm/selftest.sh --flavor stock
set -uo pipefail

run=$(dirname "$0")/run.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
options=("$@")
number=0 failed=0

# report NAME COMMAND...: whether the command succeeds.
report()
{
	number=$((number + 1))
	if "${@:2}"; then
		echo "ok $number - $1"
	else
		failed=1
		echo "not ok $number - $1"
		echo "# exit status $status; said:"
		sed 's/^/#   /' "$work/stderr"
	fi
}

# ended STATUS WORDS: the last run ended with this status and message.
# shellcheck disable=SC2317 # report calls it.
ended()
{
	[[ $status -eq $1 ]] || return
	if [[ $2 ]]; then grep -q "^vm: $2" "$work/stderr"; else [[ ! -s $work/stderr ]]; fi
}

# expect STATUS WORDS NAME OPTION... -- COMMAND...: WORDS is a pattern for run.sh's
# message on stderr, empty if there must be none.
expect()
{
	local want=$1 words=$2 name=$3
	shift 3
	status=0
	"$run" "${options[@]}" --log "$work/console" "$@" \
		>"$work/stdout" 2>"$work/stderr" || status=$?
	report "$name" ended "$want" "$words"
}

# This run also examines the host, so that the next runs find the result in the cache.
"$run" "${options[@]}" -- true 2>&1 | sed 's/^/# /'

echo 'TAP version 13'
echo '1..21'
expect 0 '' 'a command that succeeds' -- echo 'two  words' "a'quote"
report 'its arguments and its output are unchanged' test "$(<"$work/stdout")" = "two  words a'quote"
expect 3 'COMMAND ended with 3' 'a command that fails' -- sh -c 'exit 3'
expect 4 '' 'a command that skips' -- sh -c 'exit 4'
expect 0 '' 'what a command left running is no hang' -- \
	bash -c 'trap "" TERM; (while :; do sleep 1; done) & exit 0'
# shellcheck disable=SC2016 # The guest's shell expands it.
expect 0 '' 'disk with file system, and copy of /out' \
	--disk 64M,bps=50000000,fs=ext4 --out "$work/out" -- \
	sh -c 'mount $SCRATCH /mnt && echo kept >/mnt/f && cp /mnt/f /out'
report 'the copy arrived' grep -qx kept "$work/out/f"
expect 70 'kernel panic: sysrq triggered crash' 'panic' -- \
	sh -c 'echo c >/proc/sysrq-trigger'
expect 70 'kernel panic: Attempted to kill init' 'panic before the command' \
	--append rdinit=/bin/false -- true
expect 70 'kernel splat: WARNING: made up' 'splat, though the command succeeds' -- \
	sh -c 'echo "<4>WARNING: made up" >/dev/kmsg'
# Verdicts that depend only on kmemleak's file, on any kernel: replace the file. Writes of
# init to it add a line, are lost, or are refused.
# shellcheck disable=SC2016 # The guest's shell expands it.
kmemleak='[ -e /sys/kernel/debug/kmemleak ] || mount -t tmpfs none /sys/kernel/debug
	touch /sys/kernel/debug/kmemleak
	echo unreferenced object >/tmp/leak
	mount -o bind $0 /sys/kernel/debug/kmemleak'
expect 70 'kernel memory leaked' 'leak, though the command succeeds' -- \
	sh -c "$kmemleak" /tmp/leak
expect 70 'leaks cannot be looked for: ' 'kmemleak has given up' -- \
	sh -c "$kmemleak" /dev/full
expect 70 'kernel splat: kmemleak: Kernel memory leak detector disabled' \
	'kmemleak says that it gives up' -- \
	sh -c 'echo "<6>kmemleak: Kernel memory leak detector disabled" >/dev/kmsg'
expect 70 'kernel splat: INFO: trying to register non-static key' 'lockdep gives up' -- \
	sh -c 'echo "<3>INFO: trying to register non-static key." >/dev/kmsg'
expect 70 'kernel splat: EXT4-fs (vda): This should not happen' 'a file system loses data' -- \
	sh -c 'echo "<2>EXT4-fs (vda): This should not happen!! Data will be lost" >/dev/kmsg'
expect 70 'kernel splat: EXT4-fs error' 'an error of a file system' -- \
	sh -c 'echo "<2>EXT4-fs error (device vda): made up" >/dev/kmsg'
if [[ " ${options[*]-} " == *" stock "* ]]; then
	number=$((number + 1))
	echo "ok $number - a module that cannot be removed # SKIP there is none"
else
	# A mount with memcg= holds the module.
	expect 70 'the module cannot be removed: ' 'a module that cannot be removed' --insmod -- \
		sh -c "$kmemleak
			mkdir /sys/fs/cgroup/pays &&
			mount -t tmpfs -o memcg=/sys/fs/cgroup/pays none /mnt" /dev/null
fi
expect 125 'silence: ' 'silence' -- reboot -n -f
expect 124 'time-out: COMMAND did not end' 'hang of the command' \
	--timeout 4 -- sleep 1000
expect 124 'time-out: the guest never came to COMMAND' 'hang before it' \
	--timeout 2 --append rdinit=/bin/cat -- true

# Verdicts of tests are stored under keys that contain the name of the initial file system.
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$work/elsewhere/tests"
cp -R "$here" "$work/elsewhere/tests/"
status=0
name=$("$here/mkinitramfs")
copied=$("$work/elsewhere/tests/vm/mkinitramfs" 2>"$work/stderr") || status=$?
report 'the initial file system has the same name in another checkout' \
	test "$status ${copied##*/}" = "0 ${name##*/}"
exit "$failed"
