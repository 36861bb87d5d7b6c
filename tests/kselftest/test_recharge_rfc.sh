#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The eight cases of the recharge RFC: a cgroup brings in a file and is removed;
# the file is mapped by another before that, or is mapped, written or read after
# it; on a disk or in tmpfs. Then it is the other's, and no total above changes. The other
# comes right after the removal, as a service that is restarted does.
# vm: --disk 512M --timeout 120 --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
switch mapped 1
switch access 1
size=$(pick $((50 * M)) $((8 * M)))

# one FS KEY CASE
one()
{
	local key=$2 what="$1, $3" before
	cg_make p/old p/user
	fill p/old mnt/f "$size"
	[[ $3 != "mapped before" ]] || keep user p/user --file "$work/mnt/f.0" --size "$size"
	before=$(memory_of p "$key")
	check_num "$what: the file is the first one's" "$(memory_of p/old "$key")" '>=' "$size"
	cg_remove p/old
	case $3 in
	"mapped after") keep user p/user --file "$work/mnt/f.0" --size "$size" ;;
	"written after") fill p/user mnt/f "$size" --overwrite ;;
	"read after") read_as p/user mnt/f.0 "$size" ;;
	esac
	check_moves "$what" p p/user "$key" "$size" 5
	check_eq "$what: the total above is the same" "$(memory_of p "$key")" "$before"
	check_eq "$what: what came out of one went into the other" \
		"$(recharged p recharged_out)" "$(recharged p/user recharged_in)"
	check_audit "$what"
	cg_remove p/user p
	rm "$work/mnt/f.0"
}

for case in "mapped before" "mapped after" "written after" "read after"; do
	[[ -d $work/mnt ]] || tmpfs_make mnt
	one tmpfs shmem "$case"
done
fs_remove mnt
fs_make ext4 mnt
for case in "mapped before" "mapped after" "written after" "read after"; do
	one disk file "$case"
done

finish
