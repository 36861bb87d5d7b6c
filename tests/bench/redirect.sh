#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The cost of redirecting charges: instructions per 4 KiB written to a tmpfs, and per
# fault of a page of it. All pages are new, so that each is charged, to a cgroup at the
# same depth in each state.
#   stock       the kernel without the patches
#   unused      with the patches and the module, but nothing is redirected
#   memcg       the tmpfs is mounted with memcg=, which names another cgroup
#   persistent  instead, the parent of the writer's cgroup has memory.persistent set
# And the time until a writer gets ENOSPC, in guests with a real clock: the value is the
# slowest of a hundred, in microseconds.
#   full        memcg= names a cgroup that is full; with a number of writers at once
# columns: kernel,state,op,run,value
# vm: --flavor stock --icount --timeout 120 -- stock 1
# vm: --flavor release --icount --insmod --timeout 120 -- unused 1
# vm: --flavor release --icount --insmod --timeout 120 -- memcg 1
# vm: --flavor release --icount --insmod --timeout 120 -- persistent 1
# vm: --flavor stock --icount --timeout 120 -- stock 2
# vm: --flavor release --icount --insmod --timeout 120 -- unused 2
# vm: --flavor release --icount --insmod --timeout 120 -- memcg 2
# vm: --flavor release --icount --insmod --timeout 120 -- persistent 2
# vm: --flavor release --insmod --timeout 120 -- full 1
. "$(dirname "$0")/lib.sh"
state=$1 run=$2
begin_without_disk
cg_make pod/payer pod/writer
writer=pod/writer options=size=90%
case $state in
memcg | full) options+=,memcg=$top/pod/payer ;;
persistent)
	writer=pod/payer/writer
	cg_make $writer
	set_knob pod/payer persistent "file shmem"
	;;
esac
tmpfs_make tmpfs "$options"

if [[ $state == full ]]; then
	set_knob pod/payer max 16M
	for writers in 1 16; do
		spawn full full --cgroup "$top/$writer" --file "$work/tmpfs/f" --size 32M \
			--again 1000 --writers "$writers"
		collect full F
		[[ ${F[result]} == ENOSPC ]] || bail "$writers writers: ${F[result]}"
		row "$VM_FLAVOR" "$state" "$writers" "$run" "${F[p99_us]}"
		must rm "$work"/tmpfs/f.*
	done
	exit
fi

# A guest that has just booted has background activity, which ends during this unmeasured run.
cost_of $writer tmpfs/file write fresh
for op in write fault; do
	cost_of $writer tmpfs/file $op fresh
	row "$VM_FLAVOR" "$state" $op "$run" "${F[ns]}"
done
# Check that the pages were charged to the right cgroup.
case $state in
memcg | persistent) fill $writer tmpfs/kept $((4 * M)) ;;
*) exit ;;
esac
[[ $(memory_of pod/payer shmem) -ge $((4 * M)) && $(memory_of $writer shmem) == 0 ]] ||
	bail "the pages are not charged to the payer"
