#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# memcgctl on a real kernel, where its own tests have only files that are made up:
# explain derives the limit that the kernel has in force; trace sees writers that
# wait and charges that go elsewhere, and leaves nothing behind; mount, mounts, show
# and tree tell who pays.
# vm: --disk 512M,bps=20000000 --timeout 120 --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
type -P memcgctl >/dev/null || skip_all "no memcgctl in PATH"
base=/${top##*/}

# --- explain ------------------------------------------------------------------------
# explain NAME: sets limit and agrees, and why to the sentence that tells.
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

# explains DESCRIPTION NAME WORDS: the limit in force, and in such words why. What
# follows from the memory that is free changes between two looks.
explains()
{
	local kernel
	explain "$2"
	kernel=$(stat_of "$2" limit)
	check_eq "explain, $1: it finds that the kernel agrees" "$agrees" true
	check "explain, $1: why: $why" grep -qF -- "$3" <<<"$why"
	diag "$1: explained $limit, in force $kernel"
	check_num "explain, $1: as in dirty_stat, not more" "$limit" '<=' $((kernel + kernel / 32 + 64 * PAGE))
	check_num "explain, $1: as in dirty_stat, not less" "$limit" '>=' $((kernel - kernel / 32 - 64 * PAGE))
}

cg_make own above/below ratio system capped
set_knob own dirty_limit_in_bytes 16M
explains "a limit of its own" own "memory.dirty_limit_in_bytes = 16MiB; the kernel says the same"
check_eq "explain, a limit of its own: to the byte" "$limit" $((16 * M))
set_knob above dirty_limit_in_bytes 8M
set_knob above/below dirty_limit_in_bytes 32M
explains "an ancestor's limit" above/below "memory.dirty_limit_in_bytes = 8MiB of $base/above"
check_eq "explain, an ancestor's limit: to the byte" "$limit" $((8 * M))
echo 64M >"$top/ratio/memory.max"
set_knob ratio dirty_ratio 12.5
explains "a ratio" ratio "memory.dirty_ratio = 12.50% of "
check_num "explain, a ratio: of the memory that it may have" "$limit" '<=' $((8 * M))
echo 64M >"$top/capped/memory.max"
set_knob capped dirty_limit_in_bytes 1G
explains "more than can be dirty" capped "but no more than can be dirty"
check_num "explain, more than can be dirty" "$limit" '<=' $((64 * M))
explains "derived from vm.dirty_ratio" system "vm.dirty_ratio = $(</proc/sys/vm/dirty_ratio)%"
system_limit $((24 * M))
explains "derived from vm.dirty_bytes" system "vm.dirty_bytes = 24MiB"
# The kernel makes a share of the memory of it, which it rounds up.
check_num "explain, derived from vm.dirty_bytes" "$limit" '<=' $((25 * M))
restore_sysctls

# --- trace ---------------------------------------------------------------------------
instances=/sys/kernel/tracing/instances
[[ -d $instances ]] || must mount -t tracefs tracefs /sys/kernel/tracing

# traced: whether the last of its events is on.
# shellcheck disable=SC2317 # loop_until calls it.
traced()
{
	grep -qs 1 "$instance"/events/memcg_*/memcg_redirect/enable
}

# trace [OPTION...]: in the background, what it prints in $work/trace. It traces on
# return.
trace()
{
	# Else a shell that is not interactive has it ignore SIGINT.
	set -m
	memcgctl trace "$@" >"$work/trace" 2>"$work/trace.err" &
	set +m
	running[trace]=$!
	instance=$instances/memcgctl-$!
	must loop_until 10 traced
}

# sees DESCRIPTION PATTERN: a line of it.
sees()
{
	if loop_until 10 grep -qE -- "$2" "$work/trace"; then
		ok "trace, $1"
		diag "$(grep -m 1 -E -- "$2" "$work/trace")"
	else
		not_ok "trace, $1"
		diag "no line '$2' in:"
		diag "$(head -n 20 "$work/trace"; cat "$work/trace.err")"
	fi
}

# waits_now: whether a writer of p waits as "show" and "top" have it.
# shellcheck disable=SC2317 # loop_until calls it.
waits_now()
{
	memcgctl show "$top/p" | grep -qE '^writers waiting now +[1-9]' &&
		memcgctl top --json --interval 10ms "$top/p" | grep -qE '"throttled_now": [1-9]'
}

# trace_ends SIGNAL: well, and without leaving anything.
trace_ends()
{
	local status=0
	kill "-$1" "${running[trace]}"
	wait "${running[trace]}" || status=$?
	unset "running[trace]"
	check_eq "trace, SIG$1: it ends well" "$status" 0
	check "trace, SIG$1: its instance is gone" test ! -e "$instance"
}

fs_make ext4 disk
cg_make p/w pod user r
set_knob p dirty_limit_in_bytes 4M
trace "$top/p"
spawn_writers hog p/w disk/f --size 32M --seconds 3600
sees "a writer that waits for its parent's limit" \
	"^ *[0-9]+\.[0-9]{6} workload-[0-9]+ $base/p/w waits [0-9]+\.[0-9]{3}s dirty [0-9.]+[KM]iB of 4MiB of $base/p, stopped from 3\.[0-9]MiB bdi [0-9]+:[0-9]+$"
# A wait that goes on is seen while it does.
check "show: a writer waits now" loop_until 10 waits_now
halt hog W
check_eq "trace, of one cgroup: nothing of others" "$(grep -v " $base/p" "$work/trace")" ""
trace_ends INT

switch adopt 1
tmpfs_make mnt
bequeath r/s mnt/f $((4 * M))
set_knob pod max 8M
tmpfs_make paid "memcg=$top/pod"
trace
cg_make r/s
sees "what is adopted" " $base/r/s takes over [0-9.]+[KM]iB from $base/r$"
fill user paid/f $((4 * M))
sees "a charge that goes elsewhere" " workload-[0-9]+ $base/pod pays [0-9.]+[KM]iB"
spawn full full --cgroup "$top/user" --file "$work/paid/full" --size 16M
collect full W
check_eq "trace: the target is full" "${W[result]}" ENOSPC
sees "a charge that is refused" \
	" workload-[0-9]+ $base/pod cannot pay 4KiB: No space left on device \(ENOSPC\)$"
trace_ends TERM
fs_remove paid

# For programs, and until so many have been told.
tmpfs_make paid "memcg=$top/pod"
trace --json --count 1 "$top/pod"
fill user paid/f $M
check "trace, --count: it ends by itself" wait "${running[trace]}"
unset "running[trace]"
check "trace, --count: its instance is gone" test ! -e "$instance"
check_eq "trace, --count: one line" "$(wc -l <"$work/trace")" 1
sees "--json" "\"event\":\"memcg_redirect\",\"cgroup\":\"$base/pod\",.*\"bytes\":[0-9]+,\"charges\":[0-9]+"
fs_remove paid
rm "$work/disk"/f.*

# --- who pays ---------------------------------------------------------------------------
odd='odd, name\x'
cg_make service/one service/two
must mkdir "$top/$odd" "$work/m" "$work/odd point"

# mounted DIRECTORY CGROUP [OPTION...]: by memcgctl.
mounted()
{
	must memcgctl mount --memcg "$top/$2" "${@:3}" "$work/$1"
	mounts+=("$work/$1")
}

# has_line DESCRIPTION LINE COMMAND...: what it prints has that line, with any
# number of spaces where LINE has one.
has_line()
{
	local text
	text=$("${@:3}") || bail "failed: ${*:3}"
	if tr -s ' ' <<<"$text" | grep -qxF -- "$2"; then
		ok "$1"
	else
		not_ok "$1"
		diag "no line '$2' in:"
		diag "$text"
	fi
}

mounted m pod -o size=4M,nodev
fill user m/f $M
check_num "mount: the cgroup pays" "$(memory_of pod shmem)" '>=' $M
check_eq "mount: the user does not" "$(memory_of user shmem)" 0
check "mount: the options hold" grep -q " $work/m tmpfs .*nodev.*size=4096k" /proc/mounts
has_line "mounts" "$work/m tmpfs $base/pod $base/pod" memcgctl mounts
has_line "show: what it pays for" "pays for mount $work/m (tmpfs)" memcgctl show "$top/pod"
mounted "odd point" "$odd"
has_line "mounts: odd names" "$work/odd point tmpfs $base/$odd $base/$odd" memcgctl mounts
has_line "show: odd names" "pays for mount $work/odd point (tmpfs)" memcgctl show "$top/$odd"
check "mounts --json: odd names" \
	grep -qF "\"cgroup\": \"$base/${odd/\\/\\\\}\"" <<<"$(memcgctl mounts --json)"

must memcgctl set "$top/service" "persistent=file shmem" >/dev/null
must memcgctl set "$top/service/two" persistent=shmem >/dev/null
has_line "show: what it declares" "memory.persistent file shmem" memcgctl show "$top/service"
has_line "show: its own" "shmem paid by itself" memcgctl show "$top/service/two"
has_line "show: its ancestor's" "file paid by $base/service (its memory.persistent)" \
	memcgctl show "$top/service/two"
fill service/one mnt/one $M
fill service/two mnt/two $((2 * M))
check_eq "show is right: who came first pays for none of it" "$(memory_of service/one shmem)" 0
check_num "show is right: the nearest declarer pays" "$(memory_of service/two shmem)" '>=' $((2 * M))
check "tree --charges: who pays for whom" \
	grep -qE 'one .* 0B .* file paid by .*, shmem paid by ' <<<"$(memcgctl tree --charges "$top/service")"

# The cgroup goes, the mount stays.
rm "$work/odd point"/* 2>/dev/null
cg_remove "$odd"
has_line "mounts: of a removed cgroup its parent pays" \
	"$work/odd point tmpfs $base/$odd $base" memcgctl mounts
has_line "show: of a removed cgroup its parent pays" \
	"pays for mount $work/odd point (tmpfs), in place of $base/$odd, which was removed" \
	memcgctl show "$top"
fill user "odd point/f" $M
check_eq "and so it is" "$(memory_of user shmem)" 0

# --- set, and back ------------------------------------------------------------------
cg_make many/one many/two
got=$(memcgctl set "$top/many/*" dirty_limit_in_bytes=64MiB dirty_background_limit_in_bytes=80M) ||
	bail "memcgctl set failed"
for name in one two; do
	check_eq "set, a pattern: $name" "$(cat "$top/many/$name/memory.dirty_limit_in_bytes")" $((64 * M))
done
check "set: says what is in force" grep -q "^background limit in force: 32MiB (half of the limit)$" <<<"$got"
sed -n 's/^undo: //p' <<<"$got" >"$work/undo"
check_eq "set: an undo for each" "$(wc -l <"$work/undo")" 2
must sh -e "$work/undo"
check_eq "set: it is undone" "$(cat "$top"/many/*/memory.dirty_limit_in_bytes | sort -u)" max
memcgctl apply --dump >"$work/before" || bail "memcgctl apply --dump failed"
must memcgctl set "$top/many/one" dirty_ratio=5 >/dev/null
must memcgctl set --system recharge_access=1 >/dev/null
check "apply --diff: shows it" grep -qx -- '-dirty_ratio = 5.00' <<<"$(memcgctl apply --diff "$work/before")"
must memcgctl apply --exact "$work/before" >/dev/null
check_eq "apply --exact: a dump brings it back" "$(memcgctl apply --dump | cmp - "$work/before" 2>&1)" ""
check_eq "by a process in it" "$(sh -c "echo \$\$ >$top/many/two/cgroup.procs; memcgctl show pid:\$\$" | head -n 1)" \
	"$(printf '%-40s%s' cgroup "$base/many/two")"

# A cgroup that is made in the place of another is not taken for it.
memcgctl watch --json --interval 100ms "$top/many/two" >"$work/watch" 2>"$work/watch.err" &
running[watch]=$!
must loop_until 10 test -s "$work/watch"
must rmdir "$top/many/two"
must mkdir "$top/many/two"
check "watch: it ends with its cgroup" wait "${running[watch]}"
unset "running[watch]"
check_eq "watch: it says so" "$(cat "$work/watch.err")" "memcgctl: $base/many/two: removed"

check "record" memcgctl record --count 2 --interval 100ms "$work/recording"
check_eq "record: two looks" "$(wc -l <"$work/recording")" 2
check "check: the kernel is patched" grep -q "^ok *kernel" <<<"$(memcgctl check)"
check "metrics: of few" test "$(memcgctl metrics --top 3 | grep -c '^memcg_info')" -le 4

# A pace, of the cgroup and of the machine, in every way that it is shown.
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
sees "writeback that is held back" \
	" $base/many/one writeback held back for [0-9]+ms so that others get through bdi [0-9]+:[0-9]+$"
halt hog W
trace_ends INT
rm "$work/disk"/g.*

# What is refused is refused in words.
got=$(memcgctl mount --memcg / "$work/m" 2>&1)
check_eq "mount, the root: exit status" $? 1
check "mount, the root: why" grep -q "root cgroup" <<<"$got"
diag "$got"

finish
