#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The cost of charging memory that a removed cgroup left to another cgroup, and how much
# of it is moved.
#   move      instructions, in guests whose clock counts them, of the worker, which moves
#             unmapped memory by adoption and mapped memory by recharge_mapped, and of
#             memory.recharge. Each is run with two sizes, and the difference is reported:
#             the fixed cost of each pass is in both.
#   restart   a service with 256 MiB of page cache is removed and created again:
#             adoption, compared with reading the file from the disk again.
#   deferred  another cgroup reads that file once, from beginning to end.
# Pages: given were inherited, moved were charged to the target.
# columns: test,folio,mapped,by,run,given,folios,moved,dropped,ns,bytes_read,speed,back_ms
# vm: --icount --insmod --timeout 120 --disk 512M,fs=ext4 -- move 1
# vm: --icount --insmod --timeout 120 --disk 512M,fs=ext4 -- move 2
# vm: --insmod --timeout 120 --disk 768M,fs=ext4 -- restart 1
# vm: --insmod --timeout 120 --disk 768M,fs=ext4 -- deferred 1
. "$(dirname "$0")/lib.sh"
test=$1 run=$2
begin ext4

# value_of FILE KEY: set value. It starts no process, so that frequent calls disturb
# little.
value_of()
{
	local key
	while read -r key value; do
		[[ $key != "$2" ]] || return 0
	done <"$1"
	bail "$1: there is no $2"
}

# taken CGROUP: set value to the pages that were recharged to the cgroup.
taken()
{
	value_of "$top/$1/memory.recharge_stat" recharged_in
	value=$((value / PAGE))
}

# read_so_far: set value to the bytes read from the scratch disk so far.
read_so_far()
{
	local sectors _
	read -r _ _ sectors _ <"/sys/class/block/${SCRATCH##*/}/stat"
	value=$((sectors * 512))
}

# inherited: set given and folios to the amount that p has inherited.
inherited()
{
	sync
	memory_of p file --drain >/dev/null
	value_of "$top/p/memory.recharge_stat" inherited
	given=$((value / PAGE))
	"$workload" folios --cgroup "$top/p" >"$work/folios" || bail "cannot count folios"
	figures F "$(<"$work/folios")"
	folios=${F[folios]}
}

# over CGROUP...: end the case and remove everything.
over()
{
	[[ ! ${running[user]-} ]] || halt user W
	rm -f "$work"/{small,huge,mnt}/file.0
	cg_remove "$@" p
}

# left DIRECTORY BYTES BLOCK: create the file of the case, and leave it to the parent.
left()
{
	bequeath p/service "$1/file" "$2" --block "$3"
	inherited
}

# --- move ----------------------------------------------------------------------------

# by_worker SWITCH TARGET COMMAND...: measure the work of the worker that COMMAND
# causes. The kernel traces the begin and end of each work item; others are ignored.
by_worker()
{
	local trace=/sys/kernel/tracing us
	must put_back $trace/events/workqueue/enable 1
	sleep 1
	echo >$trace/trace
	"${@:3}"
	sleep 1
	us=$(worker_us $trace/trace)
	must put_back $trace/events/workqueue/enable 0
	((us > 0)) || bail "no work of the worker's was traced"
	taken "$2"
	switch "$1" 0
	row move "$what" "$is_mapped" "recharge_$1" "$run" "$given" "$folios" "$value" '' $((us * 1000))
}

# on_demand TARGET
on_demand()
{
	"$workload" put --file "$top/p/memory.recharge" --value max >"$work/put" ||
		bail "cannot write memory.recharge"
	figures F "$(<"$work/put")"
	[[ ${F[result]} == ok ]] || bail "memory.recharge: ${F[result]}"
	taken "$1"
	row move "$what" "$is_mapped" memory.recharge "$run" "$given" "$folios" "$value" '' "${F[ns]}"
}

# unmapped DIRECTORY BYTES BLOCK
unmapped()
{
	is_mapped=no
	left "$@"
	switch adopt 1
	by_worker adopt p/service cg_make p/service
	over p/service
	[[ $1 == small ]] || return 0

	left "$@"
	# Create it first, or it would adopt.
	cg_make p/service
	switch adopt 1
	on_demand p/service
	switch adopt 0
	over p/service
}

# mapped DIRECTORY BYTES BLOCK
mapped()
{
	local how
	is_mapped=once
	for how in "by_worker mapped p/user switch mapped 1" "on_demand p/user"; do
		cg_make p/user
		left "$@"
		keep user p/user --file "$work/$1/file.0" --size "$2"
		$how
		over p/user
		[[ $1 == small ]] || return 0
	done
}

# mapped_anon BYTES
mapped_anon()
{
	is_mapped=once
	cg_make p/user
	keep_moved user p/service p/user --size "$1"
	cg_leave p/service "$1"
	inherited
	by_worker mapped p/user switch mapped 1
	over p/user
}

move()
{
	local size what is_mapped
	tmpfs_make small huge=never
	tmpfs_make huge huge=always
	no_periodic_writeback
	warm_up 160
	for size in $((8 * M)) $((40 * M)); do
		what=tmpfs
		unmapped small "$size" 64k
		mapped small "$size" 64k
		what=ext4
		unmapped mnt "$size" 4k
		mapped mnt "$size" 4k
		what=anonymous
		mapped_anon "$size"
	done
	for size in $((16 * M)) $((144 * M)); do
		what=ext4
		unmapped mnt "$size" 64k
		mapped mnt "$size" 64k
		what=tmpfs
		unmapped huge "$size" 2M
		mapped huge "$size" 2M
	done
}

# --- restart and deferred --------------------------------------------------------------

readonly SIZE=$((256 * M))

# has_taken CGROUP: the cgroup has at least 99 % of the file; sets value. It is polled
# only every 10 ms, because polling can cause delays on a busy host.
has_taken()
{
	taken "$1"
	((value >= given * 99 / 100))
}

now()
{
	us=${EPOCHREALTIME/./}
}

# poll SECONDS CGROUP: wait until has_taken succeeds.
poll()
{
	local end
	now
	end=$((us + $1 * 1000000))
	until has_taken "$2"; do
		now
		((us < end)) || return 1
		sleep 0.01
	done
	now
}

# read_back SPEED: set W[ms] for a restarted service with nothing in memory.
read_back()
{
	sync
	echo 1 >/proc/sys/vm/drop_caches
	cg_make p/service
	echo "$(<"/sys/class/block/${SCRATCH##*/}/dev") rbps=$1" >"$top/p/service/io.max" ||
		bail "cannot limit what is read"
	read_so_far
	local before=$value
	read_as p/service mnt/file.0 $SIZE
	read_so_far
	((value - before >= SIZE)) || bail "the file was still in memory"
	cg_remove p/service
}

restart()
{
	local block speed begun before
	for block in 64k 4k; do
		warm_up 288
		left mnt $SIZE $block
		switch adopt 1
		read_so_far
		before=$value
		now
		begun=$us
		cg_make p/service
		poll 20 p/service || true
		ns=$(((us - begun) * 1000))
		# Wait until the system is idle.
		sleep 1
		taken p/service
		moved=$value
		# Check that the service finds it in memory.
		read_as p/service mnt/file.0 $SIZE
		read_so_far
		bytes_read=$((value - before))
		switch adopt 0
		cg_remove p/service
		for speed in 100000000 max; do
			read_back $speed
			row restart ext4 no recharge_adopt "$run" "$given" "$folios" "$moved" '' "$ns" \
				"$bytes_read" "$speed" "${W[ms]}"
		done
		over
	done
}

deferred()
{
	local block begun dropped
	for block in 64k 4k; do
		warm_up 288
		left mnt $SIZE $block
		cg_make p/user
		switch access 1
		sleep 1
		value_of $SWITCHES/recharge_stat dropped
		dropped=$value
		read_as p/user mnt/file.0 $SIZE
		now
		begun=$us
		poll 1 p/user || true
		ns=$(((us - begun) * 1000))
		while now && ((us < begun + 1000000)); do
			sleep 0.01
		done
		taken p/user
		moved=$value
		value_of $SWITCHES/recharge_stat dropped
		row deferred ext4 no recharge_access "$run" "$given" "$folios" "$moved" \
			$((value - dropped)) "$ns" '' '' "${W[ms]}"
		switch access 0
		over p/user
	done
}

"$test"
