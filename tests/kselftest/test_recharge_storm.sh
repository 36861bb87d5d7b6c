#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Everything at once: cgroups are created, bring in memory, and are removed; processes read,
# write, map, fork and move between cgroups; the switches are changed; the module is loaded
# and removed. Nothing breaks, and at the end each page is counted exactly once.
# vm: --disk 512M --timeout 180
. "$(dirname "$0")/lib.sh"
setup_unloaded
must module_load
[[ -e $SWITCHES/recharge_mapped ]] || skip_all "the module does not recharge"
# Without KVM, the debug kernel had not finished its first round after minutes.
[[ ! $debug || ${VM_ACCEL-kvm} == kvm ]] ||
	skip_all "the debug kernel needs KVM for that many processes"
audited=1
fs_make ext4 disk
tmpfs_make mnt
cg_make p/u1 p/u2
seconds=$(pick 20 5)
# Without KVM, the debug kernel forks only a few times a second; it should do each of these
# things without being overloaded by them.
pause=$(pick 0.02 0.5)
jobs=("services 1" "users 1" switches)
# mlock searches all of memory for the pages, which takes the debug kernel seconds.
lock=()
[[ $quick ]] || jobs+=("services 2" "users 2") lock=(--lock)
go=$work/go
: >"$go"

# Each job runs until the file is gone. Commands may fail because something was removed
# meanwhile.

# services NUMBER: a service starts, brings in files, gets a process, and is removed.
services()
{
	local dir=$top/p/s$1 pid
	while [[ -e $go ]]; do
		mkdir "$dir"
		"$workload" write --cgroup "$dir" --file "$work/mnt/s$1" --size 512k
		"$workload" write --cgroup "$dir" --file "$work/disk/s$1" --size 512k --mode mmap
		"$workload" keep --cgroup "$dir" --size 256k &
		pid=$!
		# The process may not have started yet, or may have ended.
		echo "$pid" >"$top/p/u1/cgroup.procs"
		kill -KILL "$pid"
		wait "$pid"
		echo 1 >"$dir/cgroup.kill"
		until rmdir "$dir"; do sleep "$pause"; done
	done
}

# users NUMBER
users()
{
	local i
	while [[ -e $go ]]; do
		for i in 1 2; do
			"$workload" read --cgroup "$top/p/u$1" --file "$work/mnt/s$i.0" --size 256k
			"$workload" write --cgroup "$top/p/u$1" --file "$work/disk/s$i" --size 256k --overwrite
			timeout 0.3 "$workload" keep --cgroup "$top/p/u$1" --file "$work/mnt/s$i.0" \
				--size 512k "${lock[@]}"
		done
	done
}

switches()
{
	while [[ -e $go ]]; do
		echo $((RANDOM % 2)) >"$SWITCHES/recharge_mapped"
		echo $((RANDOM % 2)) >"$SWITCHES/recharge_access"
		echo $((RANDOM % 2)) >"$SWITCHES/recharge_adopt"
		if ((RANDOM % 2)); then echo any; else echo subtree; fi >"$SWITCHES/recharge_scope"
		echo max >"$top/p/memory.recharge"
		echo 1M >"$top/p/memory.reclaim"
		sleep "$pause"
	done
}

for job in "${jobs[@]}"; do
	$job >/dev/null 2>&1 &
	running[$job]=$!
done
spawn storm storm --cgroup "$top/p/u2" --file-dir "$work/mnt" --seconds "$seconds" --parallel "$(pick 2 1)"
spawn migrate migrate --every-ms 50 --seconds "$seconds" --to "$top/p/u1" "$top/p/u2"
rounds=0
until has_ended storm; do
	must module_unload
	must module_load
	rounds=$((rounds + 1))
	loop_until 1 false
done
rm "$go"
ok "the module was reloaded $rounds times meanwhile"
collect storm W
diag "${W[children]} children"
collect migrate W
check_num "processes were moved" "${W[moves]}" '>' 0
for job in "${jobs[@]}"; do
	reap "$job"
done

# Everything still works.
switch mapped 0 access 0 adopt 0 scope subtree
check_audit "after the storm"
check_eq "no task was OOM-killed" "$(events . oom_kill)" 0
cg_make p/u3
bequeath p/old mnt/f $((4 * M))
keep user p/u3 --file "$work/mnt/f.0" --size $((4 * M))
put p recharge $((4 * M)) >/dev/null
check "recharging still works" loop_until 5 holds p/u3 shmem $((4 * M))
halt user W
rm -rf "${work:?}"/mnt/* "${work:?}"/disk/*
cg_remove p/u1 p/u2 p/u3
check "no removed cgroup is left" loop_until 60 nothing_dies
check_num "hardly any memory is left" "$(usage p)" '<=' $((2 * M))

finish
