# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # Variables of lib.sh and of the tests.
# Cgroups, named by their path below the test's own, and the audit of their
# statistics against a walk over all pages.

is_empty()
{
	grep -q 'populated 0' "$1/cgroup.events"
}

# cg_make NAME...: create cgroups with their ancestors, with controllers enabled.
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

# cg_remove NAME...: kill the processes in cgroups and remove them.
cg_remove()
{
	local name
	for name in "$@"; do
		echo 1 >"$top/$name/cgroup.kill"
		must loop_until 30 is_empty "$top/$name"
		must rmdir "$top/$name"
	done
}

# knob NAME FILE: read memory.FILE.
knob()
{
	cat "$top/$1/memory.$2"
}

# knob_is NAME FILE OPERATOR NUMBER: whether that holds for memory.FILE.
knob_is()
{
	compare "$(knob "$1" "$2")" "$3" "$4"
}

# set_knob NAME FILE VALUE...: set files of a cgroup, in this order.
set_knob()
{
	local name=$1
	shift
	while (($# > 0)); do
		echo "$2" >"$top/$name/memory.$1" || bail "$name: cannot set memory.$1 to $2"
		shift 2
	done
}

# value_in FILE KEY: the value in a line "KEY VALUE".
value_in()
{
	local line lines
	mapfile -t lines <"$1"
	for line in "${lines[@]}"; do
		[[ ${line%% *} != "$2" ]] || echo "${line#* }"
	done
}

# stat_of NAME KEY: the value of KEY in memory.dirty_stat.
stat_of()
{
	value_in "$top/$1/memory.dirty_stat" "$2"
}

# stat_is NAME KEY OPERATOR NUMBER: whether that holds for the value of KEY.
stat_is()
{
	compare "$(stat_of "$1" "$2")" "$3" "$4"
}

# dirty_of NAME: dirty and writeback bytes, according to memory.stat.
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

# exactly_dirty NAME: the same figure after the statistics were flushed; unflushed, it may
# be off by twice "slack".
exactly_dirty()
{
	local -A exact
	figures exact "$("$workload" stat --cgroup "$top/$1" file_dirty file_writeback)"
	echo $((exact[file_dirty] + exact[file_writeback]))
}

# put_to PATH VALUE [OPTION...]: write exactly VALUE at once; print "ok" or the
# name of the errno.
put_to()
{
	local -A put_figures
	figures put_figures "$("$workload" put --file "$1" --value "$2" "${@:3}" 2>&1)"
	echo "${put_figures[result]-}"
}

# put NAME FILE VALUE [OPTION...]: put_to for memory.FILE.
put()
{
	put_to "$top/$1/memory.$2" "${@:3}"
}

# try_mount DIRECTORY [OPTION...]: mount on $work/DIRECTORY (see "workload mount"); print "ok" or the
# name of the errno, and save the kernel's message in $work/log.
try_mount()
{
	local line
	line=$("$workload" mount "$work/$1" "${@:2}" 2>&1)
	echo "${line#*log=}" >"$work/log"
	line=${line#result=}
	echo "${line%% *}"
}

# memory_of NAME KEY [OPTION...]: the exact value of KEY in memory.stat.
memory_of()
{
	local -A memory_figures
	figures memory_figures "$("$workload" stat --cgroup "$top/$1" "${@:2}")"
	echo "${memory_figures[$2]-}"
}

# quiesce: end everything that changes the statistics.
quiesce()
{
	local mount
	stop_all
	echo 1 >"$top/cgroup.kill"
	loop_until 30 is_empty "$top"
	# Delete files that a slow disk would take long to write.
	if compare "$(dirty_of .)" '>' $((8 * M)); then
		for mount in "${mounts[@]}"; do
			rm -rf "${mount:?}"/*
		done
	fi
	sync
}

# check_audit DESCRIPTION: the statistics settle and then match a walk over all pages.
check_audit()
{
	check "$1: the statistics agree with a walk over all pages" audit
	diag "$(cat "$work/audit")"
}

audit()
{
	"$workload" audit --mount "${top%/*}" --seconds $((10 * ${VM_SLOWNESS:-1})) >"$work/audit" 2>&1
}

# ipis: the number of function call interrupts (IPIs) on all processors so far.
ipis()
{
	awk '/^ *CAL:/ { for (i = 2; $i ~ /^[0-9]+$/; i++) sum += $i; print sum }' /proc/interrupts
}
