#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Everything at once, from a seed: files are written on ext4, xfs, btrfs, overlayfs, a loop
# device and tmpfs, under changing limits, paces and floors, in cgroups that come and go,
# while memory is scarce, swapped, pinned, split and migrated, file systems are mounted with
# memcg=, and the module is removed and loaded. "workload torture" lists the actors. When all
# have ended, the statistics are exact, no removed cgroup is left, and the module can be
# removed and leaves no static key enabled.
#
# With all the tests, it runs for a minute, always from the same seed. "make torture" runs it
# longer, with a new seed each time (see torture.sh):
#   TORTURE_SECONDS, TORTURE_SEED   the duration and the seed
#   TORTURE_ARGS                    more options of "workload torture", such as
#                                   --only NAME, --without NAME, --verbose
# vm: --disk 320M,fs=ext4 --disk 320M,fs=xfs --disk 320M,fs=btrfs --disk 128M --mem 1536 --append numa=fake=2 --append kunit.enable=0 --timeout 240 --shared
. "$(dirname "$0")/lib.sh"
[[ $debug || ${TORTURE_SECONDS-} ]] ||
	skip_all "what it may break only the debug kernel sees; make torture runs it"
seconds=${TORTURE_SECONDS:-60} seed=${TORTURE_SEED:-1}
read -ra more <<<"${TORTURE_ARGS-}"
setup
audited=1

# Restore the settings that the actors change.
for file in /sys/kernel/mm/transparent_hugepage/{enabled,shmem_enabled,defrag} \
	/sys/kernel/mm/lru_gen/{enabled,min_ttl_ms} /sys/module/zswap/parameters/enabled \
	/proc/sys/vm/{swappiness,dirty_writeback_centisecs,dirty_expire_centisecs} \
	/proc/sys/kernel/numa_balancing; do
	[[ -e $file ]] || continue
	value=$(<"$file")
	# If several values are listed, the one in brackets is set.
	[[ $value != *\[* ]] || value=${value#*\[} value=${value%%\]*}
	at_undo+=("put_back $file $value")
done
system_limit $((64 * M))

dirs=()
# place NAME: make a directory that the actors write in.
place()
{
	must mkdir -p "$work/$1/files"
	dirs+=(--dir "$work/$1/files")
}

mount_at "$SCRATCH" ext4 -t ext4
place ext4
mount_at "$SCRATCH2" xfs -t xfs
place xfs
mount_at "$SCRATCH3" btrfs -t btrfs
place btrfs
# A cgroup's limit also applies to the dirty pages of the loop device's file.
must truncate -s 64M "$work/ext4/image"
must mke2fs -q -F -t ext4 -E nodiscard,lazy_itable_init=0 "$work/ext4/image"
loop_mount ext4 ext4/image loop
place loop
must mkdir -p "$work/ext4/upper" "$work/ext4/workdir"
mount_at overlay overlay -t overlay \
	-o "lowerdir=$work/xfs/files,upperdir=$work/ext4/upper,workdir=$work/ext4/workdir"
place overlay
mount_at tmpfs tmpfs -t tmpfs -o size=64M,huge=within_size
place tmpfs
must mkdir "$work/mounts"
must mkswap "$SCRATCH4" >/dev/null
must put_back /sys/block/zram0/disksize 64M
must mkswap /dev/zram0 >/dev/null

swap_off()
{
	local device _
	while read -r device _; do
		[[ $device != /dev/* ]] || swapoff "$device"
	done </proc/swaps
}
at_undo+=(swap_off)

diag "seed $seed, $seconds s"
spawn torture torture --seed "$seed" --seconds "$seconds" --cgroup "$top" "${dirs[@]}" \
	--mounts "$work/mounts" --module "$module" --swap "$SCRATCH4" --swap /dev/zram0 \
	--patience $((30 * ${VM_SLOWNESS:-1})) "${more[@]}"
status=0
reap torture || status=$?
figures W "$(cat "$work/torture.out")"
diag "$(cat "$work/torture.out" "$work/torture.err")"
check_eq "seed $seed: no actor finds an error" "$status" 0

# An actor that never succeeds tests nothing. In a short run that may be chance.
for name in "${!W[@]}"; do
	[[ ${W[$name]} == */* ]] || continue
	((seconds >= 60)) || break
	check_num "$name: the actor has succeeded" "${W[$name]%/*}" '>' 0
done

# After everything is gone, no reference holds a removed cgroup.
swap_off
is_loaded || must module_load
for name in mapped access adopt; do
	must put_back "$SWITCHES/recharge_$name" 0
done
must put_back /sys/kernel/mm/lru_gen/min_ttl_ms 0
quiesce
must find "$top" -mindepth 1 -depth -type d -exec rmdir {} +
check_audit "after all actors have ended"
for mount in "${mounts[@]}"; do
	find "$mount" -mindepth 1 -maxdepth 1 ! -name files ! -name image ! -name upper ! -name workdir \
		-exec rm -rf {} +
	rm -rf "$mount"/files/* "$mount"/upper/*
done
sync
nothing_dies_when_dropped()
{
	echo 3 >/proc/sys/vm/drop_caches
	nothing_dies
}
if ! check "no removed cgroup is left" loop_until 30 nothing_dies_when_dropped; then
	# Its memory, if it has any, and what the dirty limits know about it.
	diag "$(grep dying "$top/cgroup.stat")"
	diag "$(awk '$2' "$top/memory.stat")"
	diag "$(<"$top/memory.recharge_stat")"
	diag "$(<"$top/memory.dirty_stat")"
	diag "mounts: $(grep memcg= /proc/mounts || echo none with memcg=)"
	# The kernel moves inodes away from a removed cgroup's writeback, if they are clean, when
	# another cgroup is removed. If that helps, an inode held it.
	mkdir "$top/last" && rmdir "$top/last"
	diag "after another cgroup was removed: $(loop_until 10 nothing_dies_when_dropped && echo none is left)"
fi
check "the module can be removed" loop_until 20 module_unload
loaded=''

# Static keys are disabled some seconds after their last user is gone.
keys=(memcg_dirty_key memcg_policy_key memcg_access_key memcg_redirect_key)
keys_are_off()
{
	local value
	"$workload" keys "${keys[@]}" >"$work/keys" || return
	for value in $(<"$work/keys"); do
		[[ $value == *=0 ]] || return
	done
}
if [[ -e /proc/kcore ]]; then
	check "no static key is left enabled" loop_until 30 keys_are_off
	diag "$(<"$work/keys")"
else
	skip "no static key is left enabled" "the kernel has no /proc/kcore"
fi

finish
