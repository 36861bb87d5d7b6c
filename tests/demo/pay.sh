#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The third act's part in the guest: two containers of a pod share a tmpfs, first
# a plain one, then one that is mounted with memcg=. One brings a file in, the other
# reads it and then fills the tmpfs. Who pays is a cgroup of the pod that is there
# for nothing else: if it is full, the containers still have room for what is their
# own. Leaves a row of figures for each tmpfs in /out/pay.csv.
# Usage: pay.sh LIMIT SHARED-LIMIT BYTES
# shellcheck source=tests/bench/lib.sh
. /bench/lib.sh
limit=$1 most=$2 size=$3
begin_without_disk
top=/sys/fs/cgroup shared=/shared

# write_as CGROUP FILE BYTES: as a container's program would; sets status, and
# leaves in /out/words what a shell would say.
write_as()
{
	# In the background this shell has nothing to say of it if it is killed.
	bash -c "echo \$\$ >$top/$1/cgroup.procs
		exec dd if=/dev/zero of=$shared/$2 bs=64k count=$(($3 / 65536)) status=none" 2>/out/words &
	status=0
	wait $! 2>/dev/null || status=$?
	((status <= 128)) || echo "Killed" >/out/words
}

# share RUN COMMAND...: on the tmpfs that the command mounts.
share()
{
	local a b pod kills
	echo
	echo "\$ ${*:2}"
	must "${@:2}"
	kills=$(events pod oom_kill)
	write_as pod/a data "$size"
	[[ $status == 0 ]] || bail "cannot write: $(</out/words)"
	spawn reader read --cgroup "$top/pod/b" --file "$shared/data" --size "$size"
	collect reader F
	a=$(memory_of pod/a shmem) b=$(memory_of pod/b shmem) pod=$(memory_of pod shmem)
	echo
	echo "\$ memcgctl tree --charges pod     # a wrote $((size / M)) MiB, b has read them"
	memcgctl tree --charges pod || bail "memcgctl tree failed"

	echo
	echo "b\$ dd if=/dev/zero of=$shared/more ...     # more than there is room for"
	write_as pod/b more "$limit"
	cat /out/words
	row "$1" "$a" "$b" $((pod - a - b)) "$status" $(($(events pod oom_kill) - kills)) \
		"$(stat -c %s "$shared/more")" >>/out/pay.csv
	must umount "$shared"
}

must mkdir -p /out "$shared"
echo "A pod with memory.max=$((limit / M))M and two containers in it, a and b, which share $shared."
cg_make pod/a pod/b
set_knob pod max "$limit"
share plain mount -t tmpfs tmpfs "$shared"
echo
echo "\$ mkdir pod/shm; echo $((most / M))M >pod/shm/memory.max"
cg_make pod/shm
set_knob pod/shm max "$most"
share memcg memcgctl mount --memcg pod/shm -t tmpfs "$shared"
