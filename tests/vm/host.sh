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

# This same script with another command, for a question to the host.
ask_guest()
{
	"$0" --flavor "$flavor" --kernel "$kernel" --log /dev/null "$@" 2>/dev/null
}

# A /dev/kvm that cannot boot a guest exists; only a guest that ran proves it
# good.
find_accel()
{
	local status=0
	accel=tcg
	[[ -w /dev/kvm ]] || return 0
	if [[ ! -s $host-accel ]]; then
		# With KVM a guest boots in a second or two. The debug kernel's looks for
		# leaks as well, which takes several.
		say "trying whether KVM can boot a guest, for 40 s at most"
		ACCEL=kvm ask_guest --timeout 40 -- true || status=$?
		case $status in
		0) accel=kvm ;;
		# The kernel's fault and not KVM's: nothing to remember.
		70) return 0 ;;
		esac
		say "using $accel"
		remember accel "$accel"
	fi
	accel=$(<"$host-accel")
}

# Under TCG a guest counts the host's TSC but has no clock to measure it with,
# and would be left with jiffies: no high resolution timers, 4 ms steps. So a
# guest is told a rate of 1 GHz, its clock compared with the host's (slope of
# the line through all readings), and what comes out told to all others.
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
