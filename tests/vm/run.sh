#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Boots one guest, runs one command in it as root and exits with its status.
# This is the host's side of the VM runner, for demo, tests, benchmarks and the
# shell. host.sh finds out what the host can do, initrd.sh builds the guest, and
# judge.sh reports how it ended; init is the guest's side, mkinitramfs makes its
# file system.
#
# Outputs are not mixed: the kernel's console goes to a log, the command's output
# directly to stdout, the verdict to a port of its own (see init), and messages of
# this script to stderr. Only a complete verdict counts, so silence, panic, hang,
# splat and leak all fail, each with its own message.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

usage()
{
	cat <<-END
		Usage: tests/vm/run.sh [OPTIONS] -- COMMAND [ARG...]
		       tests/vm/run.sh [OPTIONS] --interactive
		       tests/vm/run.sh [OPTIONS] --which-accel
		  --flavor release|debug|stock  the kernel in build/FLAVOR, and its module
		  --kernel FILE, --module FILE  others instead
		  --insmod                      load the module before COMMAND
		  --disk SIZE[,bps=N][,iops=N][,fs=TYPE]
		                                a scratch disk, /dev/vda and on, that writes at
		                                most N bytes, N requests a second; with an empty
		                                ext2, ext4, xfs (300M at least) or btrfs on it
		                                (repeatable)
		  --mem MIB, --smp N            memory (1024) and processors (2)
		  --io-errors                   disks are made to fail: that the kernel says so is no
		                                complaint
		  --icount                      guest time counts instructions, 1 ns each; one
		                                processor, disks at full speed, KASLR off
		  --timeout SECONDS             for the whole run (60); 4 times that under TCG,
		                                12 times for the debug kernel under TCG
		  --append KERNEL_ARGS          more kernel parameters (repeatable)
		  --add HOSTPATH:GUESTPATH      one more file or directory for the guest
		                                (repeatable)
		  --out DIR                     afterwards copy the guest's /out to DIR
		  --log FILE                    keep the console log there, in any case
		  --interactive                 a shell on this terminal, no time limit
		  --which-accel                 only say how guests run here, kvm or tcg, and
		                                find out whatever has to be known for that
		ACCEL=auto|kvm|tcg in the environment chooses how; auto tries if KVM can boot.
		COMMAND finds its disks in \$SCRATCH, \$SCRATCH2 and on, and \$VM_FLAVOR,
		\$VM_ACCEL and \$VM_SLOWNESS (1, 4 or 12, as above).
		Exit status: COMMAND's; 70 the kernel complained (panic, splat, leak);
		124 time-out; 125 the guest could not be started or ended without a verdict.
	END
}

say()
{
	echo "vm: $*" >&2
}

die()
{
	say "$@"
	exit 125
}

argv=("$@")
top=$(cd "$(dirname "$0")/../.." && pwd)
here=$top/tests/vm
flavor=release kernel='' module='' insmod='' mem=1024 smp=2 icount='' io_errors=''
seconds=60 append='' out='' log='' interactive='' which_accel=''
disks=() adds=()

needs_value=' --flavor --kernel --module --disk --mem --smp --timeout --append --add --log --out '
while [[ ${1-} == -* ]]; do
	if [[ $needs_value == *" $1 "* && $# -lt 2 ]]; then
		die "$1 needs a value"
	fi
	case $1 in
	--flavor) flavor=$2 ;;
	--kernel) kernel=$2 ;;
	--module) module=$2 ;;
	--disk) disks+=("$2") ;;
	--mem) mem=$2 ;;
	--smp) smp=$2 ;;
	--timeout) seconds=$2 ;;
	--append) append+=" $2" ;;
	--add) adds+=("$2") ;;
	--log) log=$2 ;;
	--out) out=$2 ;;
	--insmod) insmod=1 ;;
	--icount) icount=1 ;;
	--io-errors) io_errors=1 ;;
	--interactive) interactive=1 ;;
	--which-accel) which_accel=1 ;;
	--help)
		usage
		exit
		;;
	--)
		shift
		break
		;;
	*) die "unknown option $1 (--help lists them)" ;;
	esac
	[[ $needs_value != *" $1 "* ]] || shift
	shift
done

case $flavor in
release | debug | stock) ;;
*) die "no such flavor: $flavor" ;;
esac
for number in "$mem" "$smp" "$seconds"; do
	[[ $number =~ ^[1-9][0-9]*$ ]] || die "not a number: $number"
done
if [[ $interactive ]]; then
	[[ -t 0 && -t 1 ]] || die "--interactive needs a terminal"
	[[ $# -gt 0 ]] || set -- bash
fi
[[ $# -gt 0 || $which_accel ]] || die "which COMMAND? (--help says more)"
type -P qemu-system-x86_64 >/dev/null ||
	die "qemu-system-x86_64 is missing (Debian: apt-get install qemu-system-x86)"
if [[ ! $kernel ]]; then
	kernel=$top/build/$flavor/bzImage
	if [[ ! $module && $flavor != stock ]]; then
		module=$top/build/$flavor/memcg_knobs.ko
	fi
fi
for file in "$kernel" ${module:+"$module"}; do
	[[ -r $file ]] || die "$file is missing (make kernel builds it)"
done
[[ ! $insmod || $module ]] || die "--insmod: there is no module for this kernel"

# Each run holds a lock on its directory; a directory without one was left by a run
# that was killed.
mkdir -p "$top/build/vm"
exec {all}<"$top/build/vm"
flock "$all"
for dir in "$top"/build/vm/run.*; do
	[[ ! -d $dir ]] || flock -n "$dir" rm -rf "$dir" || true
done
work=$(mktemp -d "$top/build/vm/run.XXXXXX")
exec {own}<"$work"
flock "$own"
exec {all}<&-
qemu='' tail='' timer='' stty=''

# Without the wait, bash would print that the process was killed.
stop()
{
	kill -KILL "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

# shellcheck disable=SC2317 # The trap calls it.
cleanup()
{
	local pid
	for pid in $qemu $tail $timer; do
		stop "$pid"
	done
	[[ ! $stty ]] || stty "$stty"
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# Before anything else, because missing programs say nothing about KVM.
base=$("$here/mkinitramfs") || exit 125
# shellcheck source=tests/vm/host.sh
source "$here/host.sh"
# shellcheck source=tests/vm/initrd.sh
source "$here/initrd.sh"
# shellcheck source=tests/vm/judge.sh
source "$here/judge.sh"

case $accel in
auto) if [[ $icount ]]; then accel=tcg; else find_accel; fi ;;
kvm | tcg) ;;
*) die "ACCEL is auto, kvm or tcg, not $accel" ;;
esac
# The clock event device that the guest must use; see "retry" in init.
timer_device=lapic
if [[ $icount ]]; then
	accel=tcg tsc_khz=1000000 timer_device=pit
elif [[ $tsc_khz ]]; then
	timer_device=
elif [[ $accel == tcg ]]; then
	find_tsc_khz
fi

if [[ $which_accel ]]; then
	echo "$accel"
	exit
fi

slowness=1
if [[ $accel == tcg ]]; then
	slowness=4
	[[ $flavor != debug ]] || slowness=12
fi

args="console=ttyS0 earlycon=uart8250,io,0x3f8 reboot=t panic=-1 panic_on_warn=1"
# For the log of a hang, see time_out. Without a PC speaker port, the kernel takes the
# NMI for a hardware fault, so it must panic on those as well.
args+=" unknown_nmi_panic sysctl.kernel.panic_on_unrecovered_nmi=1"
args+=" panic_sys_info=blocked_tasks,all_bt"
# Loop devices are created on demand.
args+=" loop.max_loop=0"
# The TSC is reliable, and there is no clock to check it against.
args+=" tsc=reliable no_timer_check ${tsc_khz:+tsc_early_khz=$tsc_khz}"
# On a slow host, a stalled processor is not the fault of the guest's kernel.
args+=" rcupdate.rcu_cpu_stall_timeout=$((21 * slowness))"
if [[ $flavor == debug && $slowness -gt 1 ]]; then
	# In seconds; the kernel accepts at most 60 for watchdog_thresh.
	args+=" sysctl.kernel.watchdog_thresh=60"
	args+=" workqueue.watchdog_thresh=$((30 * slowness))"
fi

console=${log:-$work/console}
# shellcheck disable=SC2054 # The commas are QEMU's.
vm=(-M microvm,acpi=off,rtc=on -nodefaults -no-user-config -display none
	-no-reboot -m "$mem" -kernel "$kernel" -initrd "$work/initrd"
	-chardev "file,id=console,path=$console" -serial chardev:console
	-chardev "pipe,id=monitor,path=$work/monitor" -mon chardev=monitor
	-device "virtio-serial-device,bus=virtio-mmio-bus.0"
	-chardev "file,id=verdict,path=$work/verdict"
	-device virtserialport,name=verdict,chardev=verdict)
if [[ $interactive ]]; then
	# shellcheck disable=SC2054
	vm+=(-chardev stdio,id=tty,mux=on,signal=off -device virtconsole,chardev=tty)
else
	# shellcheck disable=SC2054
	vm+=(-chardev "file,id=output,path=$work/output"
		-device virtserialport,name=output,chardev=output)
fi
if [[ $out ]]; then
	# shellcheck disable=SC2054
	vm+=(-chardev "file,id=out,path=$work/out.tar"
		-device virtserialport,name=out,chardev=out)
fi
# TCG is slow at some features of fast processors: five levels of page tables, and
# copying with "rep movsb", which it does byte by byte.
tcg_cpu=max,la57=off,erms=off,fsrm=off
if [[ $icount ]]; then
	# Guest time runs ahead while the guest waits for the host, so it cannot show that a task hangs.
	args+=' sysctl.kernel.hung_task_timeout_secs=0'
	# A fixed clock and seed make runs differ as little as possible.
	args+=" nokaslr"
	# Calibration takes 20 s of spinning, and one processor does not need this timer.
	args+=" nolapic_timer"
	# shellcheck disable=SC2054
	vm+=(-accel tcg,thread=single -icount "shift=0,sleep=off" -smp 1
		-cpu "$tcg_cpu" -seed 1 -rtc "base=2026-01-01,clock=vm")
elif [[ $accel == kvm ]]; then
	vm+=(-accel kvm -smp "$smp" -cpu host)
else
	# The processors take turns on one host thread. With one thread each, QEMU 7.2
	# sometimes keeps the translation of an int3 that the kernel has already
	# patched away, and a processor runs into it: seen once in about a hundred
	# switches of a static branch, as the module's tests make them.
	# shellcheck disable=SC2054
	vm+=(-accel tcg,thread=single -smp "$smp" -cpu "$tcg_cpu")
fi
make_disks
make_initrd "$@"
mkfifo "$work"/monitor.{in,out}
: >"$work/verdict"
: >"$work/output"
: >"$console"

limit=$((seconds * slowness))
[[ ! $interactive ]] || limit=infinity
if [[ $interactive ]]; then
	stty=$(stty -g)
	say "a shell in the guest; leave with exit, or C-a x"
fi
# All processes die with this script, even if it is killed.
tied=(setpriv --pdeathsig KILL)
exec {stdin}<&0
"${tied[@]}" qemu-system-x86_64 "${vm[@]}" -append "$args$append" \
	<&"$stdin" 2>"$work/qemu.err" &
qemu=$!
"${tied[@]}" tail -n +1 -f -s 0.1 --pid="$qemu" "$work/output" &
tail=$!
"${tied[@]}" sleep "$limit" &
timer=$!
wait -n "$qemu" "$timer" 2>/dev/null || true
timed_out='' splat=''
if kill -0 "$qemu" 2>/dev/null; then
	timed_out=1
	stop "$timer"
	time_out
fi
qemu_status=0
wait "$qemu" 2>/dev/null || qemu_status=$?
wait "$tail" || true
[[ ! $timer ]] || stop "$timer"
qemu='' tail='' timer=''
judge
