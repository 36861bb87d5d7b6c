#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the tests here share: TAP output, cgroups, scratch file systems, the
# module, loads and samplers. It is sourced, and tests nothing by itself.
#
# From the environment:
#   SCRATCH, SCRATCH2  block devices that may be overwritten
#   MODULE             the module (default /lib/memcg_knobs.ko)
#   WORKLOAD           the load generator (default: in PATH, or beside the test)
#   KNOBS_QUICK        set: smaller parameter sets; the default on a kernel with
#                      kmemleak, which a debug kernel is known by
#   VM_SLOWNESS        factor for time-outs on a slow machine (default 1)
set -u

# shellcheck disable=SC2034 # For the tests.
readonly M=$((1 << 20))
readonly PAGE=4096

# The files of a cgroup, with their modes and defaults.
# shellcheck disable=SC2034 # For the tests.
readonly KNOBS="
dirty_limit_in_bytes            644 max
dirty_background_limit_in_bytes 644 max
dirty_ratio                     644 max
dirty_background_ratio          644 max
dirty_min                       644 0
dirty_writeback                 200 -
dirty_stat                      444 -
"

###############################################################################
# TAP. The plan comes last: a test that dies on its way has none.
###############################################################################

checks=0
failed=0
finished=''
echo "TAP version 13"

diag()
{
	local line
	while IFS= read -r line; do
		echo "# $line"
	done <<<"$*"
}

ok()
{
	checks=$((checks + 1))
	echo "ok $checks - $1"
}

not_ok()
{
	checks=$((checks + 1))
	failed=$((failed + 1))
	echo "not ok $checks - $1"
}

skip()
{
	checks=$((checks + 1))
	echo "ok $checks - $1 # SKIP $2"
}

# check DESCRIPTION COMMAND...: it succeeds.
check()
{
	local what=$1
	shift
	if "$@"; then
		ok "$what"
	else
		not_ok "$what"
	fi
}

# check_eq DESCRIPTION GOT WANTED, as strings.
check_eq()
{
	check "$1" test "$2" = "$3"
	[[ $2 == "$3" ]] || diag "got '$2', wanted '$3'"
}

# compare A OPERATOR B, as numbers. To start a program for it takes the debug kernel
# long, and this is done all the time.
compare()
{
	local expression="$1 $2 $3"
	if [[ $1 =~ ^-?[0-9]{1,18}$ && $3 =~ ^-?[0-9]{1,18}$ ]]; then
		((expression))
		return
	fi
	[[ $1 =~ ^-?[0-9.]+$ && $3 =~ ^-?[0-9.]+$ ]] &&
		awk -v a="$1" -v b="$3" "BEGIN { exit !(a $2 b) }"
}

# check_num DESCRIPTION A OPERATOR B
check_num()
{
	if compare "$2" "$3" "$4"; then
		ok "$1"
	else
		not_ok "$1"
		diag "$2 $3 $4 does not hold"
	fi
}

# skip_all REASON: the whole test, or what is left of it.
skip_all()
{
	if ((checks > 0)); then
		skip "all the rest" "$*"
		finish
	fi
	finished=1
	echo "1..0 # SKIP $*"
	exit 4
}

bail()
{
	finished=1
	echo "Bail out! $*"
	exit 1
}

must()
{
	"$@" || bail "failed: $*"
}

# finish: the last line of every test. That all can be undone is a check, too:
# the loads die, the cgroups, file systems and the module can be removed. On the
# debug kernel, and where a test is about what the figures are, so is that the
# figures are right when all is over.
finish()
{
	if [[ $top && ($audited || $debug) ]]; then
		quiesce
		check_audit "at the end"
	fi
	if undo; then
		ok "everything is cleaned up"
	else
		not_ok "everything is cleaned up"
	fi
	finished=1
	echo "1..$checks"
	exit $((failed > 0))
}

# shellcheck disable=SC2317 # The trap calls it.
on_exit()
{
	local status=$?
	if [[ ! $finished ]]; then
		echo "Bail out! the test ended early"
		status=1
	fi
	undo >/dev/null 2>&1
	exit "$status"
}
trap on_exit EXIT
trap 'exit 1' INT TERM HUP

###############################################################################
# Small things.
###############################################################################

# pick FULL QUICK: whichever applies to this run.
quick=${KNOBS_QUICK-} debug=''
[[ ! -e /sys/kernel/debug/kmemleak ]] || quick=1 debug=1
pick()
{
	if [[ $quick ]]; then echo "$2"; else echo "$1"; fi
}

# loop_until SECONDS COMMAND...: polls until it succeeds, or fails. The clock is one
# of whole seconds, of which the first may be over at once.
loop_until()
{
	local end=$((SECONDS + $1 * ${VM_SLOWNESS:-1} + 1))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.02
	done
}

# stays SECONDS COMMAND...: it succeeds all that time.
stays()
{
	local polls=$(($1 * 10))
	shift
	while ((polls-- > 0)); do
		"$@" || return 1
		sleep 0.1
	done
}

# figures ARRAY LINE: the words key=value of a line as an associative array.
figures()
{
	local -n into=$1
	local word
	into=()
	for word in $2; do
		# shellcheck disable=SC2034 # A reference.
		into[${word%%=*}]=${word#*=}
	done
}

# How far a limit may be passed by what a reader of the statistics sees: the kernel
# does not flush them before about that many pages have changed.
slack=$((64 * PAGE * $(nproc)))

###############################################################################
# Setting up.
###############################################################################

work='' top='' workload='' loaded='' mounts=() module=${MODULE:-/lib/memcg_knobs.ko}
# Commands that undo has to run, the last added first; and whether every run of
# the test ends with an audit.
at_undo=() audited=''

is_loaded()
{
	[[ -e /sys/module/memcg_knobs ]]
}

module_load()
{
	insmod "$module"
}

module_unload()
{
	rmmod memcg_knobs
}

# What every test needs but the module. A test skips itself where that is not
# there.
setup_base()
{
	local cgroup2
	[[ $(id -u) == 0 ]] || skip_all "not root"
	cgroup2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[[ $cgroup2 ]] || skip_all "cgroup2 is not mounted"
	echo "+memory +io" >"$cgroup2/cgroup.subtree_control" ||
		skip_all "no memory and io controllers in cgroup2"
	workload=${WORKLOAD:-$(type -P workload)}
	workload=${workload:-$(dirname "$0")/workload}
	[[ -x $workload ]] || skip_all "no load generator, set WORKLOAD"
	work=$(mktemp -d) || bail "no temporary directory"
	top=$cgroup2/memcg_knobs_test.$$
	must mkdir "$top"
}

# setup: with the module loaded. One that was loaded already stays so.
setup()
{
	if ! is_loaded; then
		[[ -r $module ]] || skip_all "no module $module"
		must module_load
		loaded=1
	fi
	setup_base
}

# setup_unloaded: the test loads the module itself.
setup_unloaded()
{
	[[ -r $module ]] || skip_all "no module $module"
	! is_loaded || must module_unload
	loaded=1
	setup_base
}

# stop_all: ends all loads, without their figures.
stop_all()
{
	local pid
	for pid in "${running[@]}"; do
		kill -KILL "$pid" 2>/dev/null
	done
	running=()
}

# The opposite, whatever has been set up.
undo()
{
	local result=0 mount command
	stop_all
	if [[ -d $top ]]; then
		echo 1 >"$top/cgroup.kill"
		loop_until 30 is_empty "$top" || diag "processes are left in $top"
		find "$top" -depth -type d -exec rmdir {} + || result=1
	fi
	for mount in "${mounts[@]}"; do
		# What is deleted need not be written back first.
		rm -rf "${mount:?}"/*
		loop_until 10 umount "$mount" || result=1
	done
	mounts=()
	for command in "${at_undo[@]}"; do
		$command || result=1
	done
	at_undo=()
	restore_sysctls
	if [[ $loaded ]] && is_loaded; then
		module_unload || result=1
	fi
	loaded=''
	[[ ! $work ]] || rm -rf "$work"
	return "$result"
}

# fs_make TYPE DIRECTORY [DEVICE]: a new file system, mounted in $work.
fs_make()
{
	local type=$1 directory=$work/$2 device=${3:-${SCRATCH-}}
	[[ -b $device ]] ||
		skip_all "no scratch disk: name one that may be overwritten in SCRATCH (SCRATCH2)"
	type -P "mkfs.$type" >/dev/null || skip_all "no mkfs.$type"
	# As little as possible is written, now and by a late initialization: the
	# disk may be slow. That of xfs has a log of 64 MiB at least, all of it
	# written, unless it takes this for the file systems' own tests.
	case $type in
	ext*)
		mke2fs -q -F -b 4096 -t "$type" -N 1024 \
			-E nodiscard,lazy_itable_init=0,lazy_journal_init=1 "$device"
		;;
	xfs) TEST_DIR=1 TEST_DEV=1 QA_CHECK_FS=1 mkfs.xfs -q -f -K -l size=8m "$device" ;;
	*) "mkfs.$type" -q -f -K "$device" ;;
	esac >/dev/null 2>"$work/mkfs" || bail "mkfs.$type: $(cat "$work/mkfs")"
	must mkdir -p "$directory"
	must mount -t "$type" "$device" "$directory"
	mounts+=("$directory")
}

# drop_journal DIRECTORY: that of an ext4, for whose commits somebody might wait.
drop_journal()
{
	local device
	device=$(awk -v on="$work/$1" '$2 == on { print $1 }' /proc/mounts)
	must umount "$work/$1"
	must tune2fs -O ^has_journal "$device" >/dev/null
	must mount "$device" "$work/$1"
}

# fs_remove DIRECTORY
fs_remove()
{
	local directory=$work/$1 mount left=()
	rm -rf "${directory:?}"/*
	must loop_until 10 umount "$directory"
	for mount in "${mounts[@]}"; do
		[[ $mount == "$directory" ]] || left+=("$mount")
	done
	mounts=("${left[@]}")
}

# disk_written DEVICE: bytes written to it so far.
disk_written()
{
	local stat
	read -ra stat <"/sys/class/block/${1##*/}/stat"
	echo $((stat[6] * 512))
}

# written_by CGROUP: bytes that it wrote to disks.
# shellcheck disable=SC2317 # loop_until calls it in some tests.
written_by()
{
	awk -F 'wbytes=' 'NF > 1 { bytes += $2 } END { print bytes + 0 }' "$top/$1/io.stat"
}

# check_content DESCRIPTION FILE LIKE: the disk has in FILE what LIKE begins with. What
# is still to be written is written, and then read from the disk.
check_content()
{
	local same=1
	sync
	echo 3 >/proc/sys/vm/drop_caches
	"$workload" read --file "$2" --size "$(stat -c %s "$2")" --same-as "$3" >"$work/content" 2>&1 ||
		same=''
	check "$1" test "$same"
	[[ $same ]] || diag "$(cat "$work/content")"
}

# set_sysctl NAME VALUE: until the end of the test.
sysctls=()
set_sysctl()
{
	local file=/proc/sys/${1//.//}
	sysctls=("$file $(cat "$file")" "${sysctls[@]}")
	echo "$2" >"$file" || bail "cannot set $1 to $2"
}

restore_sysctls()
{
	local entry
	for entry in "${sysctls[@]}"; do
		# Of a pair of bytes and ratio the one not in use reads 0; to
		# write that would put the other out of use.
		[[ ${entry#* } == 0 ]] || echo "${entry#* }" >"${entry% *}"
	done
	sysctls=()
}

# system_limit BYTES: of dirty pages, with half of it as background limit.
system_limit()
{
	# The ratios first: that is what the bytes replace, and what is to be
	# there again at the end.
	local name
	for name in dirty_ratio dirty_background_ratio; do
		sysctls+=("/proc/sys/vm/$name $(cat "/proc/sys/vm/$name")")
	done
	set_sysctl vm.dirty_background_bytes $(($1 / 2))
	set_sysctl vm.dirty_bytes "$1"
}

# no_periodic_writeback: pages stay dirty unless a limit, or somebody, wants
# them written.
no_periodic_writeback()
{
	set_sysctl vm.dirty_writeback_centisecs 0
}

# no_periodic_commit DIRECTORY: nor does ext4's journal, whose commits make pages of
# the device dirty, which are in nobody's file.
no_periodic_commit()
{
	must mount -o remount,commit=600 "$work/$1"
}

###############################################################################
# Cgroups, named by their path below the test's own.
###############################################################################

is_empty()
{
	grep -q 'populated 0' "$1/cgroup.events"
}

# cg_make NAME...: with the ancestors, and the controllers on the way.
cg_make()
{
	local name part at
	for name in "$@"; do
		at=$top
		for part in ${name//\// }; do
			echo "+memory +io" >"$at/cgroup.subtree_control" ||
				bail "no controllers in $at"
			at=$at/$part
			[[ -d $at ]] || must mkdir "$at"
		done
	done
}

# cg_remove NAME...: with what runs in it.
cg_remove()
{
	local name
	for name in "$@"; do
		echo 1 >"$top/$name/cgroup.kill"
		must loop_until 30 is_empty "$top/$name"
		must rmdir "$top/$name"
	done
}

# knob NAME FILE: reads memory.FILE.
knob()
{
	cat "$top/$1/memory.$2"
}

# set_knob NAME FILE VALUE
set_knob()
{
	echo "$3" >"$top/$1/memory.$2" || bail "$1: cannot set memory.$2 to $3"
}

# value_in FILE KEY: of a line "KEY VALUE".
value_in()
{
	local line lines
	mapfile -t lines <"$1"
	for line in "${lines[@]}"; do
		[[ ${line%% *} != "$2" ]] || echo "${line#* }"
	done
}

# stat_of NAME KEY: from memory.dirty_stat.
stat_of()
{
	value_in "$top/$1/memory.dirty_stat" "$2"
}

# dirty_of NAME: dirty and writeback bytes, as the kernel's own statistics say.
dirty_of()
{
	local line lines sum=0
	mapfile -t lines <"$top/$1/memory.stat"
	for line in "${lines[@]}"; do
		case $line in
		file_dirty\ * | file_writeback\ *) sum=$((sum + ${line#* })) ;;
		esac
	done
	echo "$sum"
}

# exactly_dirty NAME: the same after all statistics were brought up to date: those who
# read them may miss twice what "slack" allows for.
exactly_dirty()
{
	local -A exact
	figures exact "$("$workload" stat --cgroup "$top/$1" file_dirty file_writeback)"
	echo $((exact[file_dirty] + exact[file_writeback]))
}

# put_to PATH VALUE [OPTION...]: one write of exactly VALUE; prints "ok" or the
# name of the errno.
put_to()
{
	local -A put_figures
	figures put_figures "$("$workload" put --file "$1" --value "$2" "${@:3}" 2>&1)"
	echo "${put_figures[result]-}"
}

# put NAME FILE VALUE [OPTION...]: the same, to memory.FILE.
put()
{
	put_to "$top/$1/memory.$2" "${@:3}"
}

# memory_of NAME KEY [OPTION...]: from memory.stat, exact.
memory_of()
{
	local -A memory_figures
	figures memory_figures "$("$workload" stat --cgroup "$top/$1" "${@:2}")"
	echo "${memory_figures[$2]-}"
}

###############################################################################
# The audit: do the statistics of all cgroups agree with a walk over all pages?
###############################################################################

# quiesce: what would go on changing the statistics ends.
quiesce()
{
	local mount
	stop_all
	echo 1 >"$top/cgroup.kill"
	loop_until 30 is_empty "$top"
	# What a slow disk would take long to write is dropped instead.
	if compare "$(dirty_of .)" '>' $((8 * M)); then
		for mount in "${mounts[@]}"; do
			rm -rf "${mount:?}"/*
		done
	fi
	sync
}

# check_audit DESCRIPTION: what changes has to come to rest, and then to agree.
check_audit()
{
	if "$workload" audit --mount "${top%/*}" \
		--seconds $((10 * ${VM_SLOWNESS:-1})) >"$work/audit" 2>&1; then
		ok "$1: the statistics agree with a walk over all pages"
	else
		not_ok "$1: the statistics agree with a walk over all pages"
	fi
	diag "$(cat "$work/audit")"
}

###############################################################################
# Loads and samplers in the background. Each has a name, and leaves a line of
# figures.
###############################################################################

declare -A running=()

# spawn NAME SUBCOMMAND [OPTION...]
spawn()
{
	local name=$1
	shift
	# The first page is there already: what a cgroup is charged for depends on
	# nothing that its processes have to say.
	echo >"$work/$name.out"
	echo >"$work/$name.err"
	"$workload" "$@" >>"$work/$name.out" 2>>"$work/$name.err" &
	running[$name]=$!
}

# collect NAME ARRAY: waits for its end and takes its figures.
collect()
{
	local status=0
	wait "${running[$1]}" || status=$?
	unset "running[$1]"
	[[ $status == 0 ]] || bail "$1 failed with $status: $(cat "$work/$1.err")"
	figures "$2" "$(cat "$work/$1.out")"
}

# halt NAME ARRAY: the same, but asks it to end now.
halt()
{
	kill -TERM "${running[$1]}"
	collect "$1" "$2"
}

# spawn_writers NAME CGROUP FILE [OPTION...]: writers in that cgroup, to FILE.n.
spawn_writers()
{
	spawn "$1" write --cgroup "$top/$2" --file "$work/$3" "${@:4}"
}

# watch_limit NAME CGROUP BYTES [OPTION...]: samples a cgroup against a limit.
# Real-time priority keeps the samples regular, whatever the writers do.
watch_limit()
{
	# On the debug kernel a look at the statistics takes some milliseconds.
	spawn "$1" sample --cgroup "$top/$2" --limit "$3" --rt 99 \
		--interval-ms "$(pick 10 50)" "${@:4}"
}

# await above|below CGROUP BYTES SECONDS: until it holds so much or so little;
# how long that took is then in W[ms].
await()
{
	"$workload" "wait-$1" --cgroup "$top/$2" --bytes "$3" \
		--timeout $(($4 * ${VM_SLOWNESS:-1})) >"$work/await" 2>&1 || {
		diag "$(cat "$work/await")"
		return 1
	}
	figures W "$(cat "$work/await")"
}

# check_held DESCRIPTION ARRAY LIMIT: the samples in ARRAY keep the limit.
# Figures of a load that never came near it would show nothing.
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

# check_used DESCRIPTION ARRAY LIMIT: the writers were let as far as that.
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

# check_progress DESCRIPTION BYTES WANTED: so much was written; on the debug
# kernel, which may be slower than the disk, anything that matters.
check_progress()
{
	check_num "$1" "$2" '>=' "$(pick "$3" $((M / 2)))"
}

# hold CGROUP LIMIT SECONDS FILE [OPTION...]: writes to FILE.n in that cgroup
# and samples it; the figures are in the arrays S (samples) and W (writers). With
# once:SIZE for SECONDS each file is written once, however long that takes.
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

###############################################################################
# Recharging: what removed cgroups leave to their parent goes to its users.
###############################################################################

readonly SWITCHES=/sys/kernel/mm/memcg_knobs

# setup_recharge: setup, for tests of that.
setup_recharge()
{
	setup
	[[ -e $SWITCHES/recharge_mapped ]] || skip_all "the module does not recharge"
	audited=1
}

# switch NAME VALUE: recharge_NAME, until the end of the test.
switch()
{
	local file=$SWITCHES/recharge_$1
	at_undo=("put_back $file $(cat "$file")" "${at_undo[@]}")
	echo "$2" >"$file" || bail "cannot set recharge_$1 to $2"
}

# shellcheck disable=SC2317 # undo calls it.
put_back()
{
	# With the module, its switches go as well.
	[[ ! -e $1 ]] || echo "$2" >"$1"
}

# recharged NAME KEY: from memory.recharge_stat.
recharged()
{
	value_in "$top/$1/memory.recharge_stat" "$2"
}

# total KEY: of the whole system, in bytes.
total()
{
	local pages
	pages=$(value_in "$SWITCHES/recharge_stat" "$1")
	[[ ! $pages ]] || echo $((pages * PAGE))
}

# tmpfs_make DIRECTORY [OPTIONS]: a new one, mounted in $work.
tmpfs_make()
{
	local directory=$work/$1
	must mkdir -p "$directory"
	must mount -t tmpfs -o "${2:-size=90%}" tmpfs "$directory"
	mounts+=("$directory")
}

# fill CGROUP FILE BYTES [OPTION...]: writes FILE.0 once, in that cgroup.
fill()
{
	spawn_writers fill "$1" "$2" --size "$3" --block 64k "${@:4}"
	collect fill W
}

# read_as CGROUP FILE BYTES: reads the file once, in that cgroup.
read_as()
{
	spawn read_as read --cgroup "$top/$1" --file "$work/$2" --size "$3"
	collect read_as W
}

# keep NAME CGROUP [OPTION...]: a process that holds memory, see "workload keep".
# It has all of it on return.
keep()
{
	spawn "$1" keep --cgroup "$top/$2" "${@:3}"
	await_word "$1" ready=1
}

# tell NAME SIGNAL WORD: sends it, and waits for the answer.
tell()
{
	kill "-$2" "${running[$1]}"
	await_word "$1" "$3"
}

# await_word NAME WORD: until the load of that name has said it.
await_word()
{
	loop_until 60 has_said "$1" "$2" || bail "$1 did not say $2: $(cat "$work/$1.err")"
}

# shellcheck disable=SC2317 # loop_until calls it.
has_said()
{
	grep -qw "$2" "$work/$1.out" && return
	kill -0 "${running[$1]}" 2>/dev/null || bail "$1 has ended: $(cat "$work/$1.err")"
	return 1
}

# holds NAME KEY BYTES: at least 99 % of that.
holds()
{
	compare "$(memory_of "$1" "$2")" '>=' $(($3 * 99 / 100))
}

# inherits NAME BYTES: at least 99 % of that.
inherits()
{
	compare "$(recharged "$1" inherited)" '>=' $(($2 * 99 / 100))
}

# bequeath CGROUP FILE BYTES [OPTION...]: a cgroup is made, brings in FILE.0 and is
# removed, so its parent has inherited that on return.
bequeath()
{
	local parent=${1%/*} had
	cg_make "$1"
	had=$(recharged "$parent" inherited)
	fill "$@"
	cg_remove "$1"
	loop_until 10 inherits "$parent" $((had + $3)) ||
		bail "$parent has not inherited what $1 left: $(cat "$top/$parent/memory.recharge_stat")"
}

# await_noted PARENT USER: until it is noted when USER accesses what PARENT has
# inherited. That begins a little after there is such and recharge_access is on; so a
# page is left for that, read again and again, and removed. Others may move meanwhile.
await_noted()
{
	[[ -d $work/noted ]] || tmpfs_make noted size=1M
	cg_make "$1/noted"
	fill "$1/noted" noted/f $PAGE
	cg_remove "$1/noted"
	must loop_until 10 is_noted "$2"
	must rm "$work/noted/f.0"
}

# shellcheck disable=SC2317 # loop_until calls it.
is_noted()
{
	local before
	before=$(total deferred)
	read_as "$1" noted/f.0 $PAGE
	compare "$(total deferred)" '>' "$before"
}

# has_left NAME BYTES: no more than that is inherited.
has_left()
{
	compare "$(recharged "$1" inherited)" '<=' "$2"
}

# check_moves DESCRIPTION PARENT USER KEY BYTES SECONDS: within that time so much of
# what the parent inherited is its user's, and the parent has not much else: on a
# disk, some pages of the file system's own.
check_moves()
{
	local begin=${EPOCHREALTIME/[.,]/} what=$1 parent=$2 user=$3 key=$4 bytes=$5
	local most_left=$(($5 / 100 + M / 8))
	loop_until "$6" holds "$user" "$key" "$bytes"
	check_num "$what: at least 99 % is the user's" \
		"$(memory_of "$user" "$key")" '>=' $((bytes * 99 / 100))
	diag "after $(((${EPOCHREALTIME/[.,]/} - begin) / 1000)) ms, in all:" \
		"$(paste -s -d ' ' "$SWITCHES/recharge_stat")"
	loop_until 1 has_left "$parent" "$most_left"
	check_num "$what: it is no longer the parent's" "$(recharged "$parent" inherited)" '<=' "$most_left"
}

# rests: nothing is looked at any more; the number of tries has its bounds.
# shellcheck disable=SC2317 # loop_until calls it.
rests()
{
	local scanned
	scanned=$(total scanned)
	stays 2 total_is scanned "$scanned"
}

# total_is KEY BYTES
total_is()
{
	[[ $(total "$1") == "$2" ]]
}

# usage NAME: memory.current, once it stands still. What a removed cgroup still held
# is given back some time later.
usage()
{
	local last='' now same=0 polls=500
	while ((same < 10 && polls-- > 0)); do
		now=$(<"$top/$1/memory.current")
		if [[ $now == "$last" ]]; then same=$((same + 1)); else same=0; fi
		last=$now
		sleep 0.02
	done
	echo "$last"
}

# nothing_dies: no removed cgroup is left that something still holds on to.
nothing_dies()
{
	grep -qx 'nr_dying_descendants 0' "$top/cgroup.stat"
}

# events NAME KEY: from memory.events, of the whole subtree.
events()
{
	value_in "$top/$1/memory.events" "$2"
}

# join NAME CGROUP: moves a load there.
join()
{
	echo "${running[$1]}" >"$top/$2/cgroup.procs" || bail "cannot move $1 to $2"
}

# watch_kills CGROUP: from now on no_kill looks if anybody was killed in the whole system,
# or considered for it in that cgroup.
watch_kills()
{
	spared=$1 kills=$(value_in /proc/vmstat oom_kill)
}

# no_kill DESCRIPTION
no_kill()
{
	check_eq "$1: nobody is killed" "$(value_in /proc/vmstat oom_kill)" "$kills"
	check_eq "$1: not even considered" "$(events "$spared" oom)" 0
}

# swap_make: the scratch disk is swap space. Unlike with zram, what a read fault brings back
# stays in the swap cache, and so does what is read ahead.
swap_make()
{
	must mkswap "$SCRATCH" >/dev/null
	must swapon "$SCRATCH"
	at_undo=("swap_drop" "${at_undo[@]}")
}

# shellcheck disable=SC2317 # undo calls it.
swap_drop()
{
	! grep -q "^$SCRATCH " /proc/swaps || swapoff "$SCRATCH"
}

# zram_make BYTES: swap space that is compressed memory.
zram_make()
{
	local device=/dev/zram0
	[[ -b $device ]] || skip_all "no zram"
	must put_back /sys/block/zram0/disksize "$1"
	must mkswap "$device" >/dev/null
	must swapon "$device"
	at_undo=("swapoff $device" "put_back /sys/block/zram0/reset 1" "${at_undo[@]}")
}
