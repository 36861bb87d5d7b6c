# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # Variables of lib.sh and of the tests.
# Background loads and samplers. Each has a name and prints a line of figures at the end.

declare -A running=()

# spawn NAME SUBCOMMAND [OPTION...]
spawn()
{
	local name=$1
	shift
	# Allocate the first page of each file here, so that the output of a load is not
	# charged to its cgroup.
	echo >"$work/$name.out"
	echo >"$work/$name.err"
	"$workload" "$@" >>"$work/$name.out" 2>>"$work/$name.err" &
	running[$name]=$!
}

# reap NAME: wait for the load to end; the status is that of the load.
reap()
{
	local status=0
	wait "${running[$1]}" 2>/dev/null || status=$?
	unset "running[$1]"
	return "$status"
}

has_ended()
{
	! kill -0 "${running[$1]}" 2>/dev/null
}

# collect NAME ARRAY: wait for the load to end and read its figures.
collect()
{
	reap "$1" || bail "$1 failed with $?: $(cat "$work/$1.err")"
	figures "$2" "$(cat "$work/$1.out")"
}

# halt NAME ARRAY: the same, but tell the load to end now.
halt()
{
	kill -TERM "${running[$1]}"
	collect "$1" "$2"
}

# spawn_writers NAME CGROUP FILE [OPTION...]: start writers in the cgroup that write to FILE.n.
spawn_writers()
{
	spawn "$1" write --cgroup "$top/$2" --file "$work/$3" "${@:4}"
}

# write_as CGROUP FILE [OPTION...]: write to FILE.n from the cgroup, and wait until it is done.
write_as()
{
	spawn_writers write_as "$@"
	collect write_as W
}

# watch_limit NAME CGROUP BYTES [OPTION...]: sample a cgroup against a limit. Real-time
# priority keeps the samples regular.
watch_limit()
{
	# A sample takes several milliseconds on the debug kernel.
	spawn "$1" sample --cgroup "$top/$2" --limit "$3" --rt 99 \
		--interval-ms "$(pick 10 50)" "${@:4}"
}

# await above|below CGROUP BYTES SECONDS: wait until the cgroup has more or fewer dirty
# bytes than BYTES. W[ms] is the time this took.
await()
{
	"$workload" "wait-$1" --cgroup "$top/$2" --bytes "$3" \
		--timeout $(($4 * ${VM_SLOWNESS:-1})) >"$work/await" 2>&1 || {
		diag "$(cat "$work/await")"
		return 1
	}
	figures W "$(cat "$work/await")"
}

# check_held DESCRIPTION ARRAY LIMIT: the samples in ARRAY are within the limit, and the
# load reached at least half of it.
check_held()
{
	local -n sampled=$2
	diag "$1: limit=$3 max=${sampled[max]} held_mean=${sampled[held_mean]}" \
		"above=${sampled[above]}/${sampled[n]} (by a first reading ${sampled[first_above]})" \
		"reached_ms=${sampled[reached_ms]}"
	if [[ $quick && ${sampled[held_n]} -lt 50 ]]; then
		skip "$1: half the limit was reached" "the debug kernel is slower than the disk"
	else
		check_num "$1: at least 50 samples after half the limit was reached" \
			"${sampled[held_n]}" '>=' 50
	fi
	check_num "$1: never more than the limit and 64 pages per CPU" \
		"${sampled[max]}" '<=' $(($3 + slack))
	check_num "$1: at most 1 % of the samples above the limit" \
		"${sampled[above_fraction]}" '<=' 0.01
}

# check_used DESCRIPTION ARRAY LIMIT: the writers used most of the limit.
check_used()
{
	local -n used=$2
	if [[ $quick ]]; then
		skip "$1: the mean of what is held" "the debug kernel is slower than the disk"
		return
	fi
	check_num "$1: the mean is at least 0.70 of the limit" \
		"${used[held_mean]}" '>=' $(($3 * 70 / 100))
}

# check_limit DESCRIPTION ARRAY LIMIT: both.
check_limit()
{
	check_held "$@"
	check_used "$@"
}

# check_progress DESCRIPTION BYTES WANTED: at least WANTED bytes were written, or half a
# megabyte on the debug kernel, which may be slower than the disk.
check_progress()
{
	check_num "$1" "$2" '>=' "$(pick "$3" $((M / 2)))"
}

# hold CGROUP LIMIT SECONDS FILE [OPTION...]: write to FILE.n in the cgroup and sample it;
# the figures go to the arrays S (samples) and W (writers). If SECONDS is once:SIZE, each
# file is written once, however long that takes.
# shellcheck disable=SC2034 # For the tests.
declare -A S=() W=()
hold()
{
	local much=(--size 32M --seconds "$3")
	[[ $3 != once:* ]] || much=(--size "${3#once:}")
	watch_limit hold_samples "$1" "$2"
	spawn_writers hold_writers "$1" "$4" "${much[@]}" "${@:5}"
	collect hold_writers W
	halt hold_samples S
}
