#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The eight cases of the recharge RFC: a cgroup brings in a file and is removed; another
# cgroup maps the file before the removal, or maps, writes or reads it afterwards, on a disk
# or in tmpfs. The file is then charged to the other cgroup, and the parent's total does not
# change. The access comes right after the removal, as from a service that is restarted.
# vm: --disk 512M --timeout 120 --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
switch mapped 1 access 1
size=$(pick $((50 * M)) $((8 * M)))

# one FS KEY CASE
one()
{
	local key=$2 what="$1, $3" before
	cg_make p/old p/user
	fill p/old mnt/f "$size"
	[[ $3 != "mapped before" ]] || keep user p/user --file "$work/mnt/f.0" --size "$size"
	before=$(memory_of p "$key")
	check_num "$what: the first cgroup is charged" "$(memory_of p/old "$key")" '>=' "$size"
	cg_remove p/old
	case $3 in
	"mapped after") keep user p/user --file "$work/mnt/f.0" --size "$size" ;;
	"written after") fill p/user mnt/f "$size" --overwrite ;;
	"read after") read_as p/user mnt/f.0 "$size" ;;
	esac
	check_moves "$what" p p/user "$key" "$size" 5
	check_eq "$what: the parent's total is the same" "$(memory_of p "$key")" "$before"
	check_eq "$what: recharged_out equals recharged_in" \
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
