#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The share of a disk that a victim gets next to a hog, depending on the countermeasure: none, one that any kernel
# offers, a dirty limit without a pace, a limit with a pace, or a floor for the victim. The victim appends 4 KiB and
# syncs it 20 times a second (fsync), or appends 125 times a second (append), or reads 4 KiB at random (read). Also
# the share of a hog without a victim (alone).
# A cell is VM:HOG:MEANS:VICTIM. VM: bytes is vm.dirty_bytes=32M, ratio is vm.dirty_ratio=20 with memory.max=128M on both.
# columns: fs,kernel,bps,vm,hog,means,victim,rate,p50_us,p99_us,max_us,hog_rate,disk
# vm: --flavor release --insmod --timeout 200 --disk 512M,bps=2000000,fs=ext4 -- ext4 2000000 10 bytes:none:none:fsync bytes:seq:limit:fsync bytes:seq:pace:fsync bytes:sync:pace:fsync bytes:none:none:append bytes:seq:limit:append bytes:seq:pace:append bytes:seq:floor:append bytes:none:none:read bytes:seq:pace:read
# vm: --flavor release --insmod --timeout 200 --disk 512M,bps=2000000,fs=xfs -- xfs 2000000 10 bytes:none:none:fsync bytes:seq:limit:fsync bytes:seq:pace:fsync bytes:none:none:append bytes:seq:pace:append bytes:seq:floor:append
# vm: --flavor release --insmod --timeout 200 --disk 512M,bps=2000000,fs=btrfs -- btrfs 2000000 10 bytes:none:none:fsync bytes:seq:limit:fsync bytes:seq:pace:fsync bytes:none:none:append bytes:seq:floor:append
# vm: --flavor release --insmod --timeout 200 --disk 512M,bps=2000000,fs=ext2 -- ext2 2000000 10 bytes:none:none:append bytes:seq:floor:append
# vm: --flavor release --insmod --timeout 200 --disk 1G,bps=20000000,fs=ext4 -- ext4 20000000 10 bytes:none:none:fsync bytes:seq:limit:fsync bytes:seq:pace:fsync bytes:many:pace:fsync bytes:mmap:pace:fsync bytes:sync:limit:fsync bytes:sync:pace:fsync ratio:seq:limit:fsync ratio:seq:pace:fsync bytes:none:none:read bytes:seq:pace:read
# vm: --flavor release --insmod --timeout 200 --disk 1G,bps=20000000,fs=xfs -- xfs 20000000 10 bytes:none:none:fsync bytes:seq:limit:fsync bytes:seq:pace:fsync
# vm: --flavor release --insmod --timeout 200 --disk 1G,bps=20000000,fs=btrfs -- btrfs 20000000 10 bytes:none:none:fsync bytes:seq:limit:fsync bytes:seq:pace:fsync
# vm: --flavor release --insmod --timeout 200 --disk 2G,bps=200000000,fs=ext4 -- ext4 200000000 10 bytes:none:none:fsync bytes:seq:limit:fsync bytes:seq:pace:fsync ratio:seq:pace:fsync
# vm: --flavor release --insmod --timeout 200 --disk 512M,bps=2000000,fs=ext4 -- ext4 2000000 10 bytes:seq:limit:alone bytes:seq:pace:alone bytes:many:limit:alone bytes:many:pace:alone
# vm: --flavor release --insmod --timeout 200 --disk 1G,bps=20000000,fs=ext4 -- ext4 20000000 10 bytes:seq:limit:alone bytes:seq:pace:alone bytes:many:limit:alone bytes:many:pace:alone
# vm: --flavor release --insmod --timeout 200 --disk 2G,bps=200000000,fs=ext4 -- ext4 200000000 10 bytes:seq:limit:alone bytes:seq:pace:alone bytes:many:limit:alone bytes:many:pace:alone
# vm: --flavor stock --timeout 250 --disk 512M,bps=2000000,fs=ext4 -- ext4 2000000 10 bytes:none:none:fsync bytes:seq:none:fsync bytes:seq:io.max:fsync bytes:seq:io.latency:fsync bytes:seq:iocost:fsync bytes:seq:wbt:fsync bytes:seq:bfq:fsync ratio:seq:none:fsync ratio:seq:io.max:fsync
# vm: --flavor stock --timeout 250 --disk 1G,bps=20000000,fs=ext4 -- ext4 20000000 10 bytes:none:none:fsync bytes:seq:none:fsync bytes:seq:io.max:fsync bytes:seq:io.latency:fsync bytes:seq:iocost:fsync bytes:seq:wbt:fsync bytes:seq:bfq:fsync ratio:seq:none:fsync ratio:seq:io.max:fsync bytes:sync:none:fsync
# vm: --flavor stock --timeout 250 --disk 2G,bps=200000000,fs=ext4 -- ext4 200000000 10 bytes:none:none:fsync bytes:seq:none:fsync bytes:seq:io.max:fsync bytes:seq:wbt:fsync bytes:seq:bfq:fsync ratio:seq:none:fsync
. "$(dirname "$0")/lib.sh"
fs=$1 bps=$2 seconds=$3
shift 3
begin "$fs"
queue=/sys/block/${SCRATCH##*/}/queue
device=$(<"${queue%/queue}/dev")
# The file for the reading victim, which must not be in memory.
must dd if=/dev/urandom of="$work/mnt/data" bs=1M count=32 status=none
sync

# hog_options HOG: set the array hog to the options of the load.
hog_options()
{
	hog=(--seconds 3600 --size "$((bps * 32 > 512 * M ? 512 : bps * 32 / M))M" --block 64k)
	case $1 in
	many) hog=(--seconds 3600 --size 32M --writers 16) ;;
	mmap) hog+=(--mode mmap) ;;
	sync) hog=(--seconds 3600 --size 8M --block 64k --fsync) ;;
	esac
}

# use MEANS, stop_using MEANS: apply or revert a countermeasure.
use()
{
	case $1 in
	limit) set_knob hog dirty_limit_in_bytes 4M dirty_pace_usec max ;;
	pace) set_knob hog dirty_limit_in_bytes 4M ;;
	floor)
		set_knob . dirty_min 8M
		set_knob victim dirty_min 8M
		;;
	io.max) must put_in "$top/hog/io.max" "$device wbps=$((bps / 2))" ;;
	io.latency) must put_in "$top/victim/io.latency" "$device target=20000" ;;
	iocost)
		must put_in "${top%/*}/io.cost.qos" \
			"$device enable=1 ctrl=user rpct=95.00 rlat=20000 wpct=95.00 wlat=20000 min=50.00 max=150.00"
		must put_in "$top/hog/io.weight" 10
		must put_in "$top/victim/io.weight" 1000
		;;
	wbt) must put_in "$queue/wbt_lat_usec" 20000 ;;
	bfq)
		must put_in "$queue/scheduler" bfq
		must put_in "$top/hog/io.bfq.weight" 10
		must put_in "$top/victim/io.bfq.weight" 1000
		;;
	esac
}

stop_using()
{
	case $1 in
	floor) set_knob . dirty_min 0 ;;
	iocost) must put_in "${top%/*}/io.cost.qos" "$device enable=0" ;;
	wbt) must put_in "$queue/wbt_lat_usec" 0 ;;
	bfq) must put_in "$queue/scheduler" mq-deadline ;;
	esac
}

put_in()
{
	echo "$2" >"$1"
}

declare -A V=()
[[ $VM_FLAVOR == stock ]] || echo "# pace: $(<$SWITCHES/writeback_pace_usec)"
for cell in "$@"; do
	IFS=: read -r vm kind means victim <<<"$cell"
	[[ -d $top/hog ]] || cg_make hog victim
	if [[ $vm == bytes ]]; then
		system_limit $((32 * M))
	else
		set_sysctl vm.dirty_ratio 20
		set_sysctl vm.dirty_background_ratio 10
		must put_in "$top/hog/memory.max" 128M
		must put_in "$top/victim/memory.max" 128M
	fi
	use "$means"
	hog_rate=0 before=$(disk_written "$SCRATCH")
	if [[ $kind != none ]]; then
		hog_options "$kind"
		spawn_writers hog hog mnt/hog "${hog[@]}"
		# Wait until the hog has filled its limit and the disk's first burst is over.
		must loop_until 60 disk_has_written $((before + 3 * bps))
	fi
	before=$(disk_written "$SCRATCH")
	case $victim in
	fsync) spawn victim append --fsync --cgroup "$top/victim" --file "$work/mnt/victim" --rate 20 --seconds "$seconds" ;;
	append) spawn victim append --cgroup "$top/victim" --file "$work/mnt/victim" --seconds "$seconds" ;;
	read) spawn victim peek --cgroup "$top/victim" --file "$work/mnt/data" --rate 50 --seconds "$seconds" ;;
	esac
	if [[ $victim == alone ]]; then
		rate_meanwhile sleep "$seconds"
		V=([rate]=0 [p50_us]=0 [p99_us]=0 [max_us]=0)
		hog_rate=$rate
	else
		begin_us=${EPOCHREALTIME/./}
		collect victim V
		hog_rate=$((($(disk_written "$SCRATCH") - before) * 1000000 / (${EPOCHREALTIME/./} - begin_us)))
	fi
	[[ $kind == none ]] || halt hog F
	row "$fs" "$VM_FLAVOR" "$bps" "$vm" "$kind" "$means" "$victim" "${V[rate]}" "${V[p50_us]}" "${V[p99_us]}" \
		"${V[max_us]}" "$hog_rate" "$(disk_written "$SCRATCH")"
	stop_using "$means"
	find "$work/mnt" -type f ! -name data -exec rm {} +
	sync
	restore_sysctls
	cg_remove hog victim
done
