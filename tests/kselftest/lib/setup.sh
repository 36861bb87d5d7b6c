# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # Variables of lib.sh and of the tests.
# Setup and cleanup of a test (module, mounts, sysctls), and small helpers.

# pick FULL QUICK: print FULL in a full run, QUICK in a quick one.
quick=${KNOBS_QUICK-} debug=''
[[ ! -e /sys/kernel/debug/kmemleak ]] || quick=1 debug=1
pick()
{
	if [[ $quick ]]; then echo "$2"; else echo "$1"; fi
}

# loop_until SECONDS COMMAND...: poll until the command succeeds; fail after SECONDS. One
# second is added because the clock counts whole seconds and the first may end at once.
loop_until()
{
	local end=$((SECONDS + $1 * ${VM_SLOWNESS:-1} + 1))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.02
	done
}

# stays SECONDS COMMAND...: the command succeeds each time it is run during SECONDS.
stays()
{
	local polls=$(($1 * 10))
	shift
	while ((polls-- > 0)); do
		"$@" || return 1
		sleep 0.1
	done
}

# figures ARRAY LINE: read the words key=value of a line into an associative array.
figures()
{
	local -n into=$1
	local word
	into=()
	for word in $2; do
		# shellcheck disable=SC2034 # A reference.
		into[${word%%=*}]=${word#*=}
	done
}

# The amount by which statistics may exceed a limit: the kernel flushes them only after
# about this many pages have changed.
slack=$((64 * PAGE * $(nproc)))

work='' top='' workload='' loaded='' mounts=() module=${MODULE:-/lib/memcg_knobs.ko}
# Commands that undo runs, last added first; and whether the test ends with an audit on all
# kernels.
at_undo=() audited=''

is_loaded()
{
	[[ -e /sys/module/memcg_knobs ]]
}

module_load()
{
	insmod "$module"
}

module_unload()
{
	rmmod memcg_knobs
}

# setup_base: check and set up what every test needs except the module. The test is skipped
# if a requirement is missing.
setup_base()
{
	local cgroup2
	[[ $(id -u) == 0 ]] || skip_all "not root"
	cgroup2=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[[ $cgroup2 ]] || skip_all "cgroup2 is not mounted"
	echo "+memory +io" >"$cgroup2/cgroup.subtree_control" ||
		skip_all "no memory and io controllers in cgroup2"
	workload=${WORKLOAD:-$(type -P workload)}
	workload=${workload:-$(dirname "$0")/workload}
	[[ -x $workload ]] || skip_all "no load generator, set WORKLOAD"
	work=$(mktemp -d) || bail "no temporary directory"
	top=$cgroup2/memcg_knobs_test.$$
	must mkdir "$top"
}

# setup: load the module and set up the rest. A module that was already loaded stays loaded
# after the test.
setup()
{
	if ! is_loaded; then
		[[ -r $module ]] || skip_all "no module $module"
		must module_load
		loaded=1
	fi
	setup_base
}

# setup_unloaded: for tests that load the module themselves.
setup_unloaded()
{
	[[ -r $module ]] || skip_all "no module $module"
	! is_loaded || must module_unload
	loaded=1
	setup_base
}

# stop_all: end all loads without reading their figures.
stop_all()
{
	local pid
	for pid in "${running[@]}"; do
		kill -KILL "$pid" 2>/dev/null
	done
	running=()
}

# undo: revert setup and all other changes.
undo()
{
	local result=0 mount command
	stop_all
	if [[ -d $top ]]; then
		echo 1 >"$top/cgroup.kill"
		loop_until 30 is_empty "$top" || diag "processes are left in $top"
		find "$top" -depth -type d -exec rmdir {} + || result=1
	fi
	for mount in "${mounts[@]}"; do
		# Deleted files need not be written back first.
		rm -rf "${mount:?}"/*
		loop_until 10 umount "$mount" || result=1
	done
	mounts=()
	for command in "${at_undo[@]}"; do
		$command || result=1
	done
	at_undo=()
	restore_sysctls
	if [[ $loaded ]] && is_loaded; then
		module_unload || result=1
	fi
	loaded=''
	[[ ! $work ]] || rm -rf "$work"
	return "$result"
}

# fs_make TYPE DIRECTORY [DEVICE [OPTIONS]]: create a file system, mounted in $work.
fs_make()
{
	local type=$1 device=${3:-${SCRATCH-}}
	[[ -b $device ]] ||
		skip_all "no scratch disk: name one that may be overwritten in SCRATCH (SCRATCH2)"
	type -P "mkfs.$type" >/dev/null || skip_all "no mkfs.$type"
	# The disk may be slow, so write as little as possible, both now and by lazy
	# initialization. mkfs.xfs writes a log of at least 64 MiB, except in the
	# file system's own tests, which these variables claim to be.
	case $type in
	ext*)
		mke2fs -q -F -b 4096 -t "$type" -N 1024 \
			-E nodiscard,lazy_itable_init=0,lazy_journal_init=1 "$device"
		;;
	xfs) TEST_DIR=1 TEST_DEV=1 QA_CHECK_FS=1 mkfs.xfs -q -f -K -l size=8m "$device" ;;
	f2fs) mkfs.f2fs -q -f -t 0 "$device" ;;
	*) "mkfs.$type" -q -f -K "$device" ;;
	esac >/dev/null 2>"$work/mkfs" || bail "mkfs.$type: $(cat "$work/mkfs")"
	mount_at "$device" "$2" -t "$type" ${4:+-o "$4"}
}

# mount_at DEVICE DIRECTORY [OPTION...]: mount the device in $work until the end of the test.
mount_at()
{
	must mkdir -p "$work/$2"
	must mount "${@:3}" "$1" "$work/$2"
	mounts=("$work/$2" "${mounts[@]}")
}

# loop_mount TYPE IMAGE DIRECTORY: mount the file IMAGE in $work through a loop device, which
# is detached on unmount.
loop_mount()
{
	local device
	device=$(losetup -f) || skip_all "no loop device"
	must losetup "$device" "$work/$2"
	mount_at "$device" "$3" -t "$1"
	# The device is in use, so it is detached when it is unmounted.
	must losetup -d "$device"
}

# stalling_disk: mount a file system in $work/slow whose disk is stopped by disk_stalls and
# started again by disk_goes_on. The disk is a loop device; to stop it, the file system that
# holds its file is frozen. A disk that always works is mounted in $work/good.
stalled=''
stalling_disk()
{
	mount_at "$SCRATCH" under
	mount_at "$SCRATCH2" good
	must truncate -s 128M "$work/under/image"
	must mke2fs -q -F -t ext2 -b 4096 -E nodiscard "$work/under/image"
	sync
	loop_mount ext2 under/image slow
	# Unfreeze before anything is unmounted: umount would wait for the disk for ever.
	trap 'left=$?; disk_goes_on; on_exit "$left"' EXIT
}

disk_stalls()
{
	must fsfreeze --freeze "$work/under"
	stalled=1
}

disk_goes_on()
{
	[[ ! $stalled ]] || fsfreeze --unfreeze "$work/under"
	stalled=''
}

# drop_journal DIRECTORY: remove the journal of an ext4, so that no task waits for a commit.
drop_journal()
{
	local device
	device=$(awk -v on="$work/$1" '$2 == on { print $1 }' /proc/mounts)
	must umount "$work/$1"
	must tune2fs -O ^has_journal "$device" >/dev/null
	must mount "$device" "$work/$1"
}

# fs_remove DIRECTORY
fs_remove()
{
	local directory=$work/$1 mount left=()
	rm -rf "${directory:?}"/*
	must loop_until 10 umount "$directory"
	for mount in "${mounts[@]}"; do
		[[ $mount == "$directory" ]] || left+=("$mount")
	done
	mounts=("${left[@]}")
}

# disk_written DEVICE: bytes written to the device so far.
disk_written()
{
	local stat
	read -ra stat <"/sys/class/block/${1##*/}/stat"
	echo $((stat[6] * 512))
}

# disk_has_written BYTES: the scratch disk has written BYTES so far.
disk_has_written()
{
	(($(disk_written "$SCRATCH") >= $1))
}

# has_written CGROUP BYTES: the cgroup has written BYTES to disks.
has_written()
{
	(($(written_by "$1") >= $2))
}

# written_by CGROUP: bytes that the cgroup wrote to disks.
written_by()
{
	awk -F 'wbytes=' 'NF > 1 { bytes += $2 } END { print bytes + 0 }' "$top/$1/io.stat"
}

# check_content DESCRIPTION FILE LIKE: the content of FILE on the disk equals the start of
# LIKE. Dirty pages are written first, and the file is then read from the disk.
check_content()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
	check "$1" is_same "$2" "$3" || diag "$(cat "$work/content")"
}

is_same()
{
	"$workload" read --file "$1" --size "$(stat -c %s "$1")" --same-as "$2" >"$work/content" 2>&1
}

# set_sysctl NAME VALUE: set a sysctl until the end of the test.
sysctls=()
set_sysctl()
{
	local file=/proc/sys/${1//.//}
	sysctls=("$file $(cat "$file")" "${sysctls[@]}")
	echo "$2" >"$file" || bail "cannot set $1 to $2"
}

restore_sysctls()
{
	local entry
	for entry in "${sysctls[@]}"; do
		# In each pair of bytes and ratio, the unused file reads 0; writing 0
		# back would reset the other.
		[[ ${entry#* } == 0 ]] || echo "${entry#* }" >"${entry% *}"
	done
	sysctls=()
}

# system_limit BYTES: set the system-wide dirty limit, and the background limit to half of it.
system_limit()
{
	# Save the ratios first: setting the bytes resets them, and they must be
	# restored at the end.
	local name
	for name in dirty_ratio dirty_background_ratio; do
		sysctls+=("/proc/sys/vm/$name $(cat "/proc/sys/vm/$name")")
	done
	set_sysctl vm.dirty_background_bytes $(($1 / 2))
	set_sysctl vm.dirty_bytes "$1"
}

# no_periodic_writeback: pages stay dirty until a limit or a task causes writeback.
no_periodic_writeback()
{
	set_sysctl vm.dirty_writeback_centisecs 0
}

# no_periodic_commit DIRECTORY: stop ext4's periodic journal commits, which dirty pages of the
# block device.
no_periodic_commit()
{
	must mount -o remount,commit=600 "$work/$1"
}
