#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Very many cgroups with limits, and many of them busy: instructions, in a guest whose clock
# counts them. The cgroups are the children of the last of a chain of cgroups, so that they
# are 32 deep. On the patched kernel each of them and of the chain has a limit. The stock
# kernel has the same cgroups, and memory.high is written where a limit would be set.
#   operation  creating, setting, removing all; loading, unloading the module meanwhile
#   memory     bytes that they take
#   system     time outside of user mode while writers, in a cgroup each, write a file each to
#              ext4, until all is on the disk; two rounds, so that more cgroups are busy
#     far      no limit is near
#     chain    writers are throttled by a limit of 64 MiB for all; "own": of 256 KiB for each
#     stock    in place of these, writers are throttled by vm.dirty_bytes of 64 MiB
# The disk is zram: the host does not matter, equal pages take no memory, and there is room
# for a journal of the usual size. For throttled writers, io.max slows it down.
# columns: kernel,test,what,count,value
# vm: --flavor stock --icount --timeout 280 --mem 3072 -- 10000 400 256
# vm: --flavor release --icount --timeout 280 --mem 3072 -- 10000 400 256
. "$(dirname "$0")/lib.sh"
count=$1 busy=$2 writers=$3 disk=/dev/zram0 file=memory.high
begin_without_disk
echo 32G >/sys/block/zram0/disksize
fs_make ext4 mnt $disk noatime
no_periodic_writeback
system_limit $((4096 * M))

# system_time COMMAND...: as took, without the time in which the processor was idle or in
# user mode. /proc/stat has units of 10 ms.
system_time()
{
	local before after i
	read -ra before </proc/stat
	took "$@"
	read -ra after </proc/stat
	for i in 1 2 4 5; do
		ns=$((ns - (after[i] - before[i]) * 10000000))
	done
}

# operation NAME COMMAND...: print a row for a command that deals with all cgroups.
operation()
{
	took "${@:2}"
	row "$VM_FLAVOR" operation "$1" "$count" "$ns"
}

# memory [NAME]: print a row for the memory that was taken since the last call.
memory()
{
	local was=${free-}
	sync
	echo 3 >/proc/sys/vm/drop_caches
	free=$(($(awk '/^MemFree/ { print $2 }' /proc/meminfo) * 1024))
	(($# == 0)) || row "$VM_FLAVOR" memory "$1" "$count" $((was - free))
}

# set_limits VALUE CGROUP...
set_limits()
{
	local cgroup
	for cgroup in "${@:2}"; do
		echo "$1" >"$cgroup/$file" || bail "cannot set $file"
	done
}

# again: remove all cgroups and create them once more, a hundred at a time.
again()
{
	local n some remove=0 create=0 limit=0
	for ((n = 0; n < count; n += 100)); do
		some=("${names[@]:n:100}")
		took must rmdir "${some[@]}" && remove=$((remove + ns))
		took must mkdir "${some[@]}" && create=$((create + ns))
		took set_limits 64M "${some[@]}" && limit=$((limit + ns))
	done
	row "$VM_FLAVOR" operation "remove again" "$count" $remove
	row "$VM_FLAVOR" operation "create again" "$count" $create
	row "$VM_FLAVOR" operation "limit again" "$count" $limit
}

go()
{
	local pid
	echo 0 >"$top/cgroup.freeze"
	for pid in "${pids[@]}"; do
		wait "$pid" || bail "a writer failed"
	done
	sync
}

# write_all KIB [CASE]: two rounds of writers, in the first and in the last busy cgroups.
write_all()
{
	local first name pids total=0
	for first in 0 $((busy - writers)); do
		echo 1 >"$top/cgroup.freeze"
		pids=()
		for name in "${names[@]:first:writers}"; do
			"$workload" write --cgroup "$PWD/$name" --file "$work/mnt/$name" --size "$1K" >/dev/null &
			pids+=($!)
		done
		must loop_until 60 grep -qx "$writers" "$top/pids.current"
		must loop_until 60 grep -q "frozen 1" "$top/cgroup.events"
		system_time go
		total=$((total + ns))
		rm "$work"/mnt/w*
		sync
	done
	(($# == 1)) || row "$VM_FLAVOR" system "$2" $((2 * writers * $1 / 4)) $total
}

chain=("$top")
for ((n = 2; n < 32; n++)); do
	chain+=("${chain[-1]}/d")
done
cg_make "${chain[-1]#"$top/"}/leaf"
cd "${chain[-1]}" || bail "no chain"
must rmdir leaf
for ((n = 0; n < count; n++)); do
	names+=("w$n")
done

memory
operation create must mkdir "${names[@]}"
memory cgroup
if [[ $VM_FLAVOR != stock ]]; then
	operation load must module_load
	memory module
	file=memory.dirty_limit_in_bytes
	set_limits 16G "${chain[@]}"
fi
operation limit set_limits 64M "${names[@]}"
memory limit
# Once unmeasured, since flushers are created by the first page.
write_all 64
write_all 2048 far
echo "$(<"/sys/class/block/${disk##*/}/dev") wbps=50000000" >"$top/io.max" || bail "no io.max"
if [[ $VM_FLAVOR == stock ]]; then
	system_limit $((64 * M))
	write_all 1024 stock
	again
else
	set_limits 64M "${chain[@]}"
	write_all 1024 chain
	set_limits 16G "${chain[@]}"
	set_limits 256K "${names[@]:0:busy}"
	write_all 1024 own
	again
	operation unload must module_unload
fi
