#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The share that a small writer at a fixed rate (125 appends of 4 KiB a second) gets of a
# disk of 2 MB/s to which a hog writes as well, and where in the kernel it waits:
#   alone     no hog
#   beside    the hog has no limit
#   limited   the hog has a limit of 4 MiB
#   floor     the hog has no limit, but the victim has dirty_min=8M
# columns: fs,kernel,case,rate,on_time,p50_us,p99_us,max_us,victim_max,hog_max,hog_rate,waits
# vm: --flavor stock --timeout 90 --disk 512M,bps=2000000,fs=ext2 -- ext2 30 alone beside
# vm: --flavor release --insmod --timeout 120 --disk 512M,bps=2000000,fs=ext2 -- ext2 30 alone limited floor
# vm: --flavor stock --timeout 90 --disk 512M,bps=2000000,fs=xfs -- xfs 30 alone beside
# vm: --flavor release --insmod --timeout 120 --disk 512M,bps=2000000,fs=xfs -- xfs 30 alone limited floor
# vm: --flavor stock --timeout 90 --disk 512M,bps=2000000,fs=ext4 -- ext4 30 alone beside
# vm: --flavor release --insmod --timeout 120 --disk 512M,bps=2000000,fs=ext4 -- ext4 30 alone limited floor
# vm: --flavor stock --timeout 90 --disk 512M,bps=2000000,fs=btrfs -- btrfs 30 alone beside
# vm: --flavor release --insmod --timeout 120 --disk 512M,bps=2000000,fs=btrfs -- btrfs 30 alone limited floor
. "$(dirname "$0")/lib.sh"
fs=$1 seconds=$2
shift 2
begin "$fs"
system_limit $((32 * M))

# most_waits: print "function share; ..." of the samples in F, for the functions in
# which the victim waited, except for the wait for its next append.
most_waits()
{
	local place
	for place in "${!F[@]}"; do
		case $place in
		n | running | hrtimer_nanosleep | do_nanosleep) ;;
		*) echo "${F[$place]} ${F[n]} $place" ;;
		esac
	done | sort -rn | awk '$1 / $2 >= 0.005 {
		printf "%s%s %.0f %%", separator, $3, 100 * $1 / $2; separator = "; " }'
}

declare -A V=()
for case in "$@"; do
	cg_make hog victim
	full=$((16 * M)) hog_max=0 hog_rate=0
	case $case in
	limited)
		set_knob hog dirty_limit_in_bytes 4M
		full=$((2 * M))
		;;
	floor)
		# Floors are granted from the root down.
		set_knob . dirty_min 8M
		set_knob victim dirty_min 8M
		;;
	esac
	if [[ $case != alone ]]; then
		spawn_writers hog hog mnt/hog --seconds 3600 --size 128M
		watch_limit samples hog $((full * 2))
		must await above hog "$full" 30
	fi
	spawn victim append --cgroup "$top/victim" --file "$work/mnt/victim" --seconds "$seconds"
	spawn held sample --cgroup "$top/victim" --interval-ms 100 --pid "${running[victim]}"
	spawn waits waits --pid "${running[victim]}"
	collect victim V
	collect waits F
	collect held S
	victim_max=${S[max]}
	if [[ $case != alone ]]; then
		halt samples S
		halt hog W
		hog_max=${S[max]} hog_rate=${W[rate]}
	fi
	row "$fs" "$VM_FLAVOR" "$case" "${V[rate]}" "${V[on_time]}" "${V[p50_us]}" "${V[p99_us]}" \
		"${V[max_us]}" "$victim_max" "$hog_max" "$hog_rate" "$(most_waits)"
	clean hog victim
done
