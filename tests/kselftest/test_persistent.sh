#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# memory.persistent: a cgroup pays for the page cache and shared memory of its descendants.
# When instances come and go, the second is charged like the first; the nearest ancestor
# with the setting pays; the payer's own limits hold; cgroups without the setting pay for
# nothing.
# vm: --disk 512M --timeout 150 --shared
. "$(dirname "$0")/lib.sh"
setup_recharge
size=$(pick $((8 * M)) $((4 * M)))
cg_make service/inner/one service/inner/two other
little=$((64 * 1024))

# --- the file ----------------------------------------------------------------------------
check_eq "the mode" "$(stat -c %a "$top/service/memory.persistent")" 644
check_eq "the default" "$(knob service persistent)" ""
check "the root cgroup has no memory.persistent" test ! -e "${top%/*}/memory.persistent"
# accepts INPUT READ-BACK
accepts()
{
	check_eq "'$1' is accepted" "$(put service persistent "$1")" ok
	check_eq "'$1' reads back" "$(knob service persistent)" "$2"
}
accepts 'file\n' file
accepts 'shmem' shmem
accepts 'file shmem\n' "file shmem"
accepts ' shmem  file ' "file shmem"
for input in x files FILE 'file,shmem' 'file anon' max 0 '+file' 'file\0' '-file'; do
	check_eq "'$input' is refused" "$(put service persistent "$input")" EINVAL
	check_eq "'$input' leaves the old value" "$(knob service persistent)" "file shmem"
done
accepts '\n' ""

# --- who pays ------------------------------------------------------------------------------
tmpfs_make mnt
fs_make ext4 disk

# brings CGROUP NAME: write a tmpfs file and a file on the disk.
brings()
{
	fill "$1" "mnt/$2" "$size"
	fill "$1" "disk/$2" "$size"
}

# own NAME KEY: the charge of the cgroup itself, without its descendants.
own()
{
	local sum below
	sum=$(memory_of "$1" "$2")
	for below in "$top/$1"/*/; do
		[[ -d $below ]] || continue
		below=${below%/}
		sum=$((sum - $(memory_of "${below#"$top"/}" "$2")))
	done
	echo "$sum"
}

# pays DESCRIPTION NAME SHMEM FILE: the cgroup itself pays for at least so much of each.
# "file" in memory.stat includes shared memory.
pays()
{
	check_num "$1: $2 pays for the shared memory" "$(own "$2" shmem)" '>=' "$3"
	check_num "$1: $2 pays for the files" "$(($(own "$2" file) - $(own "$2" shmem)))" '>=' "$4"
}

# free DESCRIPTION NAME KEY: the cgroup itself pays for next to nothing.
free()
{
	check_num "$1: $2 pays for no $3" "$(own "$2" "$3")" '<=' $little
}

brings service/inner/one none
pays "not set" service/inner/one "$size" "$size"
set_knob service persistent "file shmem"
brings service/inner/one both
pays "both" service "$size" "$size"
check_num "both: the instance pays for no more" "$(own service/inner/one shmem)" '<=' $((size + little))
set_knob service persistent shmem
brings service/inner/two shm
pays "shmem" service $((2 * size)) "$size"
check_num "shmem: the instance pays for files" "$(memory_of service/inner/two file)" '>=' "$size"
free "shmem" service/inner/two shmem
set_knob service persistent file
brings service/inner/two file
pays "file" service $((2 * size)) $((2 * size))
check_num "file: the instance pays for shmem" "$(own service/inner/two shmem)" '>=' "$size"
set_knob service persistent "file shmem"

# The nearest ancestor with the setting pays.
set_knob service/inner persistent shmem
brings service/inner/one near
pays "nearest" service/inner "$size" 0
pays "nearest" service $((2 * size)) $((3 * size))
set_knob service/inner/one persistent file
fill service/inner/one disk/self "$size"
check_num "nearest: the cgroup itself pays" "$(own service/inner/one file)" '>=' "$size"
for name in service/inner service/inner/one; do
	set_knob "$name" persistent ""
done

# A descendant's setting does not concern its ancestors or siblings.
free "beside" other file
brings other mine
pays "beside" other "$size" "$size"
check_audit "who pays"
rm -rf "${work:?}"/mnt/* "${work:?}"/disk/*
cg_remove service/inner/one service/inner/two

# --- instances come and go -------------------------------------------------------------------
cg_make service/inner/one
fill service/inner/one disk/f "$size"
sync
had=$(own service file)
first=$(memory_of service/inner/one file)
cg_remove service/inner/one
# Except for metadata blocks of the disk, which belong to no file.
check_num "removed instance: nothing is inherited" "$(recharged service/inner inherited)" '<=' $little
cg_make service/inner/one
read_as service/inner/one disk/f.0 "$size"
check_num "the second instance is charged like the first" \
	"$(memory_of service/inner/one file)" '<=' $((first + little))
check_num "the service pays as before" "$(own service file)" '>=' $((had - little))
for ((i = 0; i < 20; i++)); do
	cg_make "service/inner/$i"
	fill "service/inner/$i" "mnt/$i" $((size / 8))
	cg_remove "service/inner/$i"
done
check_num "20 instances: the service pays" "$(own service shmem)" '>=' $((20 * size / 8))
check_num "20 instances: nothing is inherited" "$(recharged service/inner inherited)" '<=' $little
check_audit "come and go"
rm -rf "${work:?}"/mnt/*

# --- recharging respects the setting ----------------------------------------------------------
# Memory that was left before the setting was made is recharged to the cgroup that pays now,
# not to the user.
set_knob service persistent ""
bequeath service/inner/old mnt/old "$size"
set_knob service/inner persistent shmem
switch access 1 mapped 1
keep user service/inner/one --file "$work/mnt/old.0" --size "$size"
put service/inner recharge max >/dev/null
check_num "recharging: the user pays for nothing" "$(own service/inner/one shmem)" '<=' $little
pays "recharging" service/inner "$size" 0
halt user W
switch access 0 mapped 0
set_knob service/inner persistent ""
rm -rf "${work:?}"/mnt/*
check_audit "recharging"

# --- the payer's own limits hold --------------------------------------------------------------
set_knob service persistent "file shmem" max $((24 * M))
fill service/inner/one disk/big $((48 * M))
check_num "the payer's memory.max holds" "$(<"$top/service/memory.current")" '<=' $((24 * M))
check_eq "reclaim makes room below the payer's memory.max" "$(events service oom)" 0
set_knob service max max
sync
set_knob service dirty_limit_in_bytes 2M
watch_limit samples service $((2 * M))
fill service/inner/one disk/dirty $((4 * M))
halt samples S
check_num "the payer's dirty limit holds" "${S[max]}" '<=' $((2 * M + slack))
set_knob service dirty_limit_in_bytes max

# --- swap ---------------------------------------------------------------------------------------
zram_make 128M
fill service/inner/one mnt/s "$size"
put service reclaim $((2 * size)) >/dev/null
read_as service/inner/one mnt/s.0 "$size"
check_num "swapped in: the instance does not pay" "$(own service/inner/one shmem)" '<=' $little
pays "swapped in" service "$size" 0
check_audit "swap"

# --- memcg= takes precedence --------------------------------------------------------------------
tmpfs_make paid "memcg=$top/other"
before=$(memory_of other shmem)
fill service/inner/one paid/f "$size"
check_num "memcg= takes precedence" "$(memory_of other shmem)" '>=' $((before + size))
fs_remove paid

# --- a cgroup namespace in which the payer is not visible -----------------------------------------
echo 0 >"$top/service/inner/one/cgroup.procs"
before=$(own service shmem)
unshare -C -m dd if=/dev/zero of="$work/mnt/ns" bs=64k count=$((size / 65536)) 2>/dev/null
echo 0 >"${top%/*}/cgroup.procs"
check_num "cgroup namespace: the service pays" "$(own service shmem)" '>=' $((before + size))

# --- the setting ends with the module and with the cgroup -----------------------------------------
rm -rf "${work:?}"/mnt/*
must module_unload
fill service/inner/one mnt/off "$size"
check_num "the instance pays without the module" "$(memory_of service/inner/one shmem)" '>=' "$size"
must module_load
check_eq "the setting is reset with the module" "$(knob service persistent)" ""
set_knob service/inner persistent "shmem"
cg_remove service/inner/one service/inner
check_eq "the setting of a removed cgroup is not inherited" "$(knob service persistent)" ""
fs_remove disk
fs_remove mnt
finish
