#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# memcgctl on a real kernel; its own tests use mock files. explain computes the same limit
# as the kernel; trace reports throttled writers and redirected charges and leaves nothing
# behind; mount, mounts, show and tree report who pays.
# vm: --disk 512M,bps=20000000 --timeout 120 --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
type -P memcgctl >/dev/null || skip_all "no memcgctl in PATH"
base=/${top##*/}

# --- explain ------------------------------------------------------------------------
# explain NAME: set limit and agrees, and why to the explaining sentence.
explain()
{
	memcgctl explain --json --sample 10ms "$top/$1" >"$work/explain" ||
		bail "memcgctl explain --json $1 failed"
	limit=$(sed -n 's/^  "limit": \([0-9]*\),$/\1/p' "$work/explain")
	agrees=$(sed -n 's/^  "agrees": \([a-z]*\),$/\1/p' "$work/explain")
	memcgctl explain --sample 10ms "$top/$1" >"$work/explain" ||
		bail "memcgctl explain $1 failed"
	why=$(sed -n 's/^limit in force *//p' "$work/explain")
}

# explains DESCRIPTION NAME WORDS: memcgctl finds the limit in force, and explains it with
# WORDS. A limit that depends on free memory changes between two reads, hence the margins.
explains()
{
	local kernel
	explain "$2"
	kernel=$(stat_of "$2" limit)
	check_eq "explain, $1: the kernel agrees" "$agrees" true
	check "explain, $1: the explanation: $why" grep -qF -- "$3" <<<"$why"
	diag "$1: explained $limit, in force $kernel"
	check_num "explain, $1: as in dirty_stat, not more" "$limit" '<=' $((kernel + kernel / 32 + 64 * PAGE))
	check_num "explain, $1: as in dirty_stat, not less" "$limit" '>=' $((kernel - kernel / 32 - 64 * PAGE))
}

cg_make own above/below ratio system capped
set_knob own dirty_limit_in_bytes 16M
explains "a limit of its own" own "memory.dirty_limit_in_bytes = 16MiB; the kernel says the same"
check_eq "explain, a limit of its own: exact" "$limit" $((16 * M))
set_knob above dirty_limit_in_bytes 8M
set_knob above/below dirty_limit_in_bytes 32M
explains "an ancestor's limit" above/below "memory.dirty_limit_in_bytes = 8MiB of $base/above"
check_eq "explain, an ancestor's limit: exact" "$limit" $((8 * M))
set_knob ratio max 64M dirty_ratio 12.5
explains "a ratio" ratio "memory.dirty_ratio = 12.50% of "
check_num "explain, a ratio: a part of memory.max" "$limit" '<=' $((8 * M))
set_knob capped max 64M dirty_limit_in_bytes 1G
explains "more than can be dirty" capped "but no more than can be dirty"
check_num "explain, more than can be dirty" "$limit" '<=' $((64 * M))
explains "derived from vm.dirty_ratio" system "vm.dirty_ratio = $(</proc/sys/vm/dirty_ratio)%"
system_limit $((24 * M))
explains "derived from vm.dirty_bytes" system "vm.dirty_bytes = 24MiB"
# The kernel converts it to a share of the memory, rounded up.
check_num "explain, derived from vm.dirty_bytes" "$limit" '<=' $((25 * M))
restore_sysctls

# --- trace ---------------------------------------------------------------------------
instances=/sys/kernel/tracing/instances
[[ -d $instances ]] || must mount -t tracefs tracefs /sys/kernel/tracing

# traced: the last of the events that memcgctl enables is on.
traced()
{
	grep -qs 1 "$instance"/events/memcg_*/memcg_redirect/enable
}

# trace [OPTION...]: run "memcgctl trace" in the background, with its output in $work/trace,
# and wait until it traces.
trace()
{
	# Otherwise a non-interactive shell makes it ignore SIGINT.
	set -m
	memcgctl trace "$@" >"$work/trace" 2>"$work/trace.err" &
	set +m
	running[trace]=$!
	instance=$instances/memcgctl-$!
	must loop_until 10 traced
}

# sees DESCRIPTION PATTERN: the trace has a line that matches.
sees()
{
	if check "trace, $1" loop_until 10 grep -qE -- "$2" "$work/trace"; then
		diag "$(grep -m 1 -E -- "$2" "$work/trace")"
	else
		diag "no line '$2' in:"
		diag "$(head -n 20 "$work/trace"; cat "$work/trace.err")"
	fi
}

# waits_now: "show" and "top" report a waiting writer of p.
waits_now()
{
	memcgctl show "$top/p" | grep -qE '^writers waiting now +[1-9]' &&
		memcgctl top --json --interval 10ms "$top/p" | grep -qE '"throttled_now": [1-9]'
}

# trace_ends SIGNAL: trace ends with status 0 and leaves nothing behind.
trace_ends()
{
	local status=0
	kill "-$1" "${running[trace]}"
	reap trace || status=$?
	check_eq "trace, SIG$1: the status is 0" "$status" 0
	check "trace, SIG$1: the trace instance is gone" test ! -e "$instance"
}

fs_make ext4 disk
cg_make p/w pod user r
set_knob p dirty_limit_in_bytes 4M
trace "$top/p"
spawn_writers hog p/w disk/f --size 32M --seconds 3600
sees "a writer that waits for its parent's limit" \
	"^ *[0-9]+\.[0-9]{6} workload-[0-9]+ $base/p/w waits [0-9]+\.[0-9]{3}s dirty [0-9.]+[KM]iB of 4MiB of $base/p, stopped from 3\.[0-9]MiB bdi [0-9]+:[0-9]+$"
# A wait is visible while it lasts.
check "show: a writer waits now" loop_until 10 waits_now
halt hog W
check_eq "trace, one cgroup: no events of others" "$(grep -v " $base/p" "$work/trace")" ""
trace_ends INT

switch adopt 1
tmpfs_make mnt
bequeath r/s mnt/f $((4 * M))
set_knob pod max 8M
tmpfs_make paid "memcg=$top/pod"
trace
cg_make r/s
sees "an adoption" " $base/r/s takes over [0-9.]+[KM]iB from $base/r$"
fill user paid/f $((4 * M))
sees "a redirected charge" " workload-[0-9]+ $base/pod pays [0-9.]+[KM]iB"
spawn full full --cgroup "$top/user" --file "$work/paid/full" --size 16M
collect full W
check_eq "trace: the target is full" "${W[result]}" ENOSPC
sees "a refused charge" \
	" workload-[0-9]+ $base/pod cannot pay 4KiB: No space left on device \(ENOSPC\)$"
trace_ends TERM
fs_remove paid

# JSON output, and an end after a number of events.
tmpfs_make paid "memcg=$top/pod"
trace --json --count 1 "$top/pod"
fill user paid/f $M
check "trace, --count: trace ends by itself" reap trace
check "trace, --count: the trace instance is gone" test ! -e "$instance"
check_eq "trace, --count: one line is printed" "$(wc -l <"$work/trace")" 1
sees "--json" "\"event\":\"memcg_redirect\",\"cgroup\":\"$base/pod\",.*\"bytes\":[0-9]+,\"charges\":[0-9]+"
fs_remove paid
rm "$work/disk"/f.*

# --- who pays ---------------------------------------------------------------------------
odd='odd, name\x'
cg_make service/one service/two
must mkdir "$top/$odd" "$work/m" "$work/odd point"

# mounted DIRECTORY CGROUP [OPTION...]: mount with memcgctl.
mounted()
{
	must memcgctl mount --memcg "$top/$2" "${@:3}" "$work/$1"
	mounts+=("$work/$1")
}

# has_line DESCRIPTION LINE COMMAND...: the output has that line, with any number of spaces
# where LINE has one.
has_line()
{
	local text
	text=$("${@:3}") || bail "failed: ${*:3}"
	check "$1" grep -qxF -- "$2" <<<"$(tr -s ' ' <<<"$text")" || {
		diag "no line '$2' in:"
		diag "$text"
	}
}

mounted m pod -o size=4M,nodev
fill user m/f $M
check_num "mount: the cgroup pays" "$(memory_of pod shmem)" '>=' $M
check_eq "mount: the user pays for nothing" "$(memory_of user shmem)" 0
check "mount: the options are in force" grep -q " $work/m tmpfs .*nodev.*size=4096k" /proc/mounts
has_line "mounts" "$work/m tmpfs $base/pod $base/pod" memcgctl mounts
has_line "show: the mount it pays for" "pays for mount $work/m (tmpfs)" memcgctl show "$top/pod"
mounted "odd point" "$odd"
has_line "mounts: odd names" "$work/odd point tmpfs $base/$odd $base/$odd" memcgctl mounts
has_line "show: odd names" "pays for mount $work/odd point (tmpfs)" memcgctl show "$top/$odd"
check "mounts --json: odd names" \
	grep -qF "\"cgroup\": \"$base/${odd/\\/\\\\}\"" <<<"$(memcgctl mounts --json)"

must memcgctl set "$top/service" "persistent=file shmem" >/dev/null
must memcgctl set "$top/service/two" persistent=shmem >/dev/null
has_line "show: memory.persistent" "memory.persistent file shmem" memcgctl show "$top/service"
has_line "show: charges of its own" "shmem paid by itself" memcgctl show "$top/service/two"
has_line "show: an ancestor's charges" "file paid by $base/service (its memory.persistent)" \
	memcgctl show "$top/service/two"
fill service/one mnt/one $M
fill service/two mnt/two $((2 * M))
check_eq "show is right: the first user pays for nothing" "$(memory_of service/one shmem)" 0
check_num "show is right: the nearest ancestor pays" "$(memory_of service/two shmem)" '>=' $((2 * M))
check "tree --charges: the paying cgroups" \
	grep -qE 'one .* 0B .* file paid by .*, shmem paid by ' <<<"$(memcgctl tree --charges "$top/service")"

# The cgroup is removed while the mount stays.
rm "$work/odd point"/* 2>/dev/null
cg_remove "$odd"
has_line "mounts: the parent of a removed cgroup pays" \
	"$work/odd point tmpfs $base/$odd $base" memcgctl mounts
has_line "show: the parent of a removed cgroup pays" \
	"pays for mount $work/odd point (tmpfs), in place of $base/$odd, which was removed" \
	memcgctl show "$top"
fill user "odd point/f" $M
check_eq "show is right: the user pays for nothing" "$(memory_of user shmem)" 0

# --- set and undo -------------------------------------------------------------------
cg_make many/one many/two
got=$(memcgctl set "$top/many/*" dirty_limit_in_bytes=64MiB dirty_background_limit_in_bytes=80M) ||
	bail "memcgctl set failed"
for name in one two; do
	check_eq "set, a pattern: $name" "$(cat "$top/many/$name/memory.dirty_limit_in_bytes")" $((64 * M))
done
check "set: the limit in force" grep -q "^background limit in force: 32MiB (half of the limit)$" <<<"$got"
sed -n 's/^undo: //p' <<<"$got" >"$work/undo"
check_eq "set: an undo for each cgroup" "$(wc -l <"$work/undo")" 2
must sh -e "$work/undo"
check_eq "set: the undo works" "$(cat "$top"/many/*/memory.dirty_limit_in_bytes | sort -u)" max
memcgctl apply --dump >"$work/before" || bail "memcgctl apply --dump failed"
must memcgctl set "$top/many/one" dirty_ratio=5 >/dev/null
must memcgctl set --system recharge_access=1 >/dev/null
check "apply --diff: the diff" grep -qx -- '-dirty_ratio = 5.00' <<<"$(memcgctl apply --diff "$work/before")"
must memcgctl apply --exact "$work/before" >/dev/null
check_eq "apply --exact: the dump is restored" "$(memcgctl apply --dump | cmp - "$work/before" 2>&1)" ""
check_eq "show pid:PID" "$(sh -c "echo \$\$ >$top/many/two/cgroup.procs; memcgctl show pid:\$\$" | head -n 1)" \
	"$(printf '%-40s%s' cgroup "$base/many/two")"

# A new cgroup at the path of a removed one is not mistaken for it.
memcgctl watch --json --interval 100ms "$top/many/two" >"$work/watch" 2>"$work/watch.err" &
running[watch]=$!
must loop_until 10 test -s "$work/watch"
must rmdir "$top/many/two"
must mkdir "$top/many/two"
check "watch: watch ends with its cgroup" reap watch
check_eq "watch: the message says so" "$(cat "$work/watch.err")" "memcgctl: $base/many/two: removed"

check "record: record succeeds" memcgctl record --count 2 --interval 100ms "$work/recording"
check_eq "record: two samples" "$(wc -l <"$work/recording")" 2
check "check: the kernel is patched" grep -q "^ok *kernel" <<<"$(memcgctl check)"
check "metrics --top: few cgroups" test "$(memcgctl metrics --top 3 | grep -c '^memcg_info')" -le 4

# The pace of the cgroup and of the system, in all places where it is shown.
got=$(memcgctl set "$top/many/one" dirty_limit_in_bytes=4M dirty_pace_usec=10ms) || bail "memcgctl set failed"
check "set: the pace in force" grep -qx "pace in force: 10ms" <<<"$got"
check_eq "set: the pace" "$(cat "$top/many/one/memory.dirty_pace_usec")" 10000
got=$(memcgctl show --json "$top/many/one" | sed -n 's/^ *"pace_usec": \([0-9]*\),*$/\1/p')
check_eq "show --json: the pace in force" "$got" 10000
was=$(cat "$SWITCHES/writeback_pace_usec")
must memcgctl set --system writeback_pace_usec=50ms >/dev/null
check_eq "set --system: the pace" "$(cat "$SWITCHES/writeback_pace_usec")" 50000
must memcgctl set --system "writeback_pace_usec=$was" >/dev/null
trace "$top/many/one"
spawn_writers hog many/one disk/g --size 32M --seconds 3600
sees "paced writeback" \
	" $base/many/one writeback held back for [0-9]+ms so that others get through bdi [0-9]+:[0-9]+$"
halt hog W
trace_ends INT
rm "$work/disk"/g.*

# A refusal comes with a message.
got=$(memcgctl mount --memcg / "$work/m" 2>&1)
check_eq "mount, the root: exit status" $? 1
check "mount, the root: the message" grep -q "root cgroup" <<<"$got"
diag "$got"

finish
