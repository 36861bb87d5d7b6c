#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# How the cost of recharging and memcg= grows with the system: instructions, in a guest
# whose clock counts them. Each figure is for count objects together. Where there is a
# baseline without the feature, it is measured as well.
#   mount, umount   count file systems with memcg= of one cgroup; and plain ones
#   mounts          a read of /proc/self/mounts with count mounts
#   stat            a read of memory.recharge_stat after count cgroups left memory behind
#   removal         count cgroups are removed, with recharging on and off
#   successors      count cgroups are created again and adopt memory: the worker's cost
#   lookup          one cgroup is created again, with count predecessors: the worker's cost
#   scan            a scan of inherited memory of which nothing can be moved: count folios
#                   of 4 KiB, and of 2 MiB
# columns: test,with,count,run,ns
# vm: --icount --insmod --timeout 280 --mem 2048 -- mounts 1
# vm: --icount --insmod --timeout 280 --mem 2048 -- scan 1
# vm: --icount --insmod --timeout 600 --mem 2048 -- removed 1
. "$(dirname "$0")/lib.sh"
test=$1 run=$2
begin_without_disk
# With a child, p's other children will have a memory controller.
cg_make p/child
must mkdir "$work/many"
tmpfs_make tmpfs

# name PREFIX FIRST LAST: set names to the list of names.
name()
{
	local n
	names=()
	for ((n = $2; n <= $3; n++)); do
		names+=("$1$n")
	done
}

# many N COMMAND...: run the command for each directory of $work/many.
many()
{
	local n
	for ((n = 0; n < $1; n++)); do
		"${@:2}" "$work/many/$n"
	done
}

# --- mounts -----------------------------------------------------------------------------
measure_mounts()
{
	local options count=1000
	name "$work/many/" 0 $((count - 1))
	must mkdir "${names[@]}"
	cg_make p/payer
	for options in size=1M "size=1M,memcg=$top/p/payer"; do
		what=plain
		[[ $options == size=1M ]] || what=memcg
		took many $count mount -t tmpfs -o "$options" tmpfs
		row mount $what $count "$run" "$ns"
		took cat /proc/self/mounts >/dev/null
		row mounts $what $count "$run" "$ns"
		# With a single umount(8): each one reads that file.
		took umount "${names[@]}"
		row umount $what $count "$run" "$ns"
	done
}

# --- removed cgroups -------------------------------------------------------------------

# leave N: N cgroups below p get a page each. The shell itself moves to each of them.
leave()
{
	local n
	name "$top/p/job" 1 "$1"
	must mkdir "${names[@]}"
	for ((n = 1; n <= $1; n++)); do
		echo $$ >"$top/p/job$n/cgroup.procs" || bail "cannot go to job$n"
		echo x >"$work/tmpfs/$n"
	done
	echo $$ >/sys/fs/cgroup/cgroup.procs
}

remove_jobs()
{
	name "$top/p/job" 1 "$1"
	must rmdir "${names[@]}"
}

# worked COMMAND...: set ns to the time of the worker that COMMAND causes.
worked()
{
	local trace=/sys/kernel/tracing us
	must put_back $trace/events/workqueue/enable 1
	echo >$trace/trace
	"$@"
	sleep 2
	us=$(worker_us $trace/trace)
	must put_back $trace/events/workqueue/enable 0
	ns=$((us * 1000))
}

read_stat()
{
	while read -r _; do :; done <"$top/p/memory.recharge_stat"
}

measure_removed()
{
	local count
	for count in 1000 10000; do
		leave $count
		took remove_jobs $count
		row removal off $count "$run" "$ns"
		must loop_until 60 inherits p $((count * PAGE))
		took read_stat
		row stat left $count "$run" "$ns"
		switch adopt 1
		worked must mkdir "$top/p/job$((count / 2))"
		row lookup adopt $count "$run" "$ns"
		if ((count == 1000)); then
			name "$top/p/job" 101 200
			worked must mkdir "${names[@]}"
			row successors adopt 100 "$run" "$ns"
		fi
		switch adopt 0
		rmdir "$top"/p/job* 2>/dev/null
		find "$work/tmpfs" -type f -exec rm {} +
	done
	switch mapped 1 access 1 adopt 1
	leave 1000
	took remove_jobs 1000
	row removal on 1000 "$run" "$ns"
}

# --- a scan of memory that cannot be moved -----------------------------------------------
look()
{
	"$workload" put --file "$top/p/memory.recharge" --value 4K >"$work/put" ||
		bail "cannot write memory.recharge"
	figures F "$(<"$work/put")"
	[[ ${F[result]} == EAGAIN ]] || bail "memory.recharge: ${F[result]}"
	row scan "$1" "$2" "$run" "${F[ns]}"
}

measure_scan()
{
	local size
	for size in $((64 * M)) $((320 * M)); do
		bequeath p/job tmpfs/file "$size"
		look 4K $((size / PAGE))
		rm "$work/tmpfs/file.0"
	done
	tmpfs_make many huge=always,size=90%
	for size in $((64 * M)) $((960 * M)); do
		bequeath p/job many/file "$size" --block 2M
		look 2M $((size / 2 / M))
		rm "$work/many/file.0"
	done
}

"measure_$test"
