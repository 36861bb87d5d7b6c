#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Pacing works on each file system, in its modes, on overlayfs and through a loop device:
# next to a limited cgroup that writes as fast as it can, a neighbour's fsync() gets through,
# and the hog makes progress. Without a pace, hardly any fsync() does. ext4 with data=journal,
# whose writeback the kernel attributes to no cgroup, is among them.
# vm: --disk 512M,bps=4000000 --timeout 400 --alone
. "$(dirname "$0")/lib.sh"
[[ ${VM_FLAVOR-} != debug ]] || skip_all "the debug kernel is slower than the disk, and has no f2fs; test_pace runs there"
setup
system_limit $((32 * M))

# beside NAME HOG-FILE VICTIM-FILE: a hog with a limit writes while a victim calls fsync().
beside()
{
	local name=$1 before held seconds=6
	cg_make hog victim
	set_knob hog dirty_limit_in_bytes 4M
	spawn_writers hog hog "$2" --seconds 3600 --size 24M --block 64k
	# It has been held back for a second, or cannot have more dirty.
	must loop_until 60 stat_is hog paced_usec '>' 1000000
	before=$(disk_written "$SCRATCH") held=$(stat_of hog paced_usec)
	spawn victim append --fsync --cgroup "$top/victim" --file "$work/$3" --rate 10 --seconds "$seconds"
	collect victim W
	before=$(($(disk_written "$SCRATCH") - before))
	diag "$name: ${W[ops]} of ${W[scheduled]} were synced, p50_us=${W[p50_us]} p99_us=${W[p99_us]}," \
		"the disk wrote $before bytes"
	check_num "$name: the hog's writeback is held back" "$(stat_of hog paced_usec)" '>' "$held"
	check_num "$name: at least four fifths of the neighbour's syncs get through in time" \
		"$((5 * W[ops]))" '>=' "$((4 * W[scheduled]))"
	halt hog W
	check_progress "$name: the hog makes progress" "${W[bytes]}" $((6 * M))
	cg_remove hog victim
}

while read -r type options; do
	fs_make "$type" mnt '' "$options"
	beside "$type${options:+ $options}" mnt/hog mnt/victim
	fs_remove mnt
done <<-END
	ext2
	ext4 data=ordered
	ext4 data=writeback
	ext4 data=journal
	xfs
	btrfs
	btrfs compress=zstd
	f2fs
END

# overlayfs, as in a container.
for type in ext4 xfs; do
	fs_make "$type" mnt
	must mkdir -p "$work/mnt"/{lower,upper,work}
	mount_at overlay over -t overlay \
		-o "lowerdir=$work/mnt/lower,upperdir=$work/mnt/upper,workdir=$work/mnt/work"
	beside "overlayfs on $type" over/hog over/victim
	fs_remove over
	fs_remove mnt
done

# A loop device whose file is on the paced file system, as for a container's volume.
device=''
drop_loop()
{
	[[ ! $device ]] || losetup -d "$device" || return
	device=''
}
for type in ext4 xfs btrfs; do
	fs_make "$type" mnt
	truncate -s 320M "$work/mnt/image"
	device=$(losetup -f)
	must losetup "$device" "$work/mnt/image"
	at_undo=(drop_loop "${at_undo[@]}")
	fs_make ext4 inside "$device"
	beside "a loop device on $type" inside/hog mnt/victim
	fs_remove inside
	must drop_loop

	# The image's pages and its inode belong to cgroups that are not paced: to the root cgroup,
	# or to the test's, which inherited them.
	must dd if="$work/mnt/image" of=/dev/null bs=1M status=none
	loop_mount ext4 mnt/image inside
	beside "a loop device on $type, with the image in memory" inside/hog mnt/victim
	fs_remove inside
	fs_remove mnt
done

finish
