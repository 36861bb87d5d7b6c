# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # The variables are those of run.sh.
# Properties of the host: whether KVM works, and the rate of the time stamp
# counter. They are kept until the host reboots. Sourced by run.sh.
host=$top/build/vm/host-$(</proc/sys/kernel/random/boot_id)
accel=${ACCEL:-auto} tsc_khz=${VM_TSC_KHZ-}

remember()
{
	echo "$2" >"$work/answer"
	mv "$work/answer" "$host-$1"
}

# ask_guest: run this script again with another command, to examine the host.
ask_guest()
{
	"$0" --flavor "$flavor" --kernel "$kernel" --log /dev/null "$@" 2>/dev/null
}

# On some hosts, /dev/kvm exists but cannot boot a guest; only a guest that ran
# proves that it works.
find_accel()
{
	local status=0
	accel=tcg
	[[ -w /dev/kvm ]] || return 0
	if [[ ! -s $host-accel ]]; then
		# With KVM, a guest boots in a second or two. The debug kernel also scans
		# for leaks, which takes several seconds.
		say "trying whether KVM can boot a guest, for 40 s at most"
		ACCEL=kvm ask_guest --timeout 40 -- true || status=$?
		case $status in
		0) accel=kvm ;;
		# The kernel failed, not KVM, so do not remember the result.
		70) return 0 ;;
		esac
		say "using $accel"
		remember accel "$accel"
	fi
	accel=$(<"$host-accel")
}

# Under TCG, a guest reads the host's TSC but has no clock to calibrate it with,
# and would fall back to jiffies: no high resolution timers, 4 ms steps. So one
# guest is given a rate of 1 GHz, and its clock is compared with the host's (slope
# of the line through all readings). The resulting rate is passed to all others.
find_tsc_khz()
{
	local guest khz
	if [[ ! -s $host-tsc_khz ]]; then
		say "measuring the time stamp counter, some 10 s"
		# shellcheck disable=SC2016 # The guest's shell expands it.
		khz=$(ACCEL=tcg VM_TSC_KHZ=1000000 ask_guest -- \
			bash -c 'for ((i = 0; i < 100; i++)); do date +%s%N; usleep 100000; done' |
			while read -r guest; do
				echo "${EPOCHREALTIME/[.,]/} $guest"
			done |
			awk 'NR == 1 { x0 = $1; y0 = $2 }
				{ x = $1 - x0; y = $2 - y0; n++; sx += x; sy += y; sxx += x * x; sxy += x * y }
				END { if (n == 100) printf "%.0f", 1000 * (n * sxy - sx * sy) / (n * sxx - sx * sx) }') || true
		[[ $khz =~ ^[1-9][0-9]{5,6}$ ]] || die "cannot measure the time stamp counter: '$khz'"
		remember tsc_khz "$khz"
	fi
	tsc_khz=$(<"$host-tsc_khz")
}
