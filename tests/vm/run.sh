#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Boots one guest, runs one command in it as root and exits with its status.
# This is the host's side of the one VM runner, for demo, tests, bench and
# shell alike; init is the guest's side, mkinitramfs makes its file system.
#
# Nothing is mixed: the kernel's console goes to a log, the command's output
# to stdout as it comes, the verdict to a port of its own (see init), and what
# this script has to say to stderr. Only a verdict that is complete counts, so
# silence, panic, hang, splat and leak all fail, each with its own words.
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
		  --icount                      guest time counts instructions, 1 ns each; one
		                                processor, disks at full speed, KASLR off
		  --timeout SECONDS             for the whole run (60); 4 times that under TCG,
		                                12 times for the debug kernel under TCG
		  --append KERNEL_ARGS          more kernel parameters
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
flavor=release kernel='' module='' insmod='' mem=1024 smp=2 icount=''
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
	--append) append=$2 ;;
	--add) adds+=("$2") ;;
	--log) log=$2 ;;
	--out) out=$2 ;;
	--insmod) insmod=1 ;;
	--icount) icount=1 ;;
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

# Each run holds a lock on its directory; one that nobody holds was left by a
# run that was killed.
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

# Without the wait bash would say that it was killed.
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

# First of all, for what it may find missing says nothing about KVM.
base=$("$here/mkinitramfs") || exit 125

# Whether KVM works and how fast the time stamp counter runs are questions to
# the host. What was found holds until it boots again.
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

case $accel in
auto) if [[ $icount ]]; then accel=tcg; else find_accel; fi ;;
kvm | tcg) ;;
*) die "ACCEL is auto, kvm or tcg, not $accel" ;;
esac
# The device that is to be behind the guest's timers; see "retry" in init.
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

# What this run adds to the base initramfs: module, binaries, tests, the job.
make_initrd()
{
	local stage=$work/stage add i scratch=''
	mkdir -p "$stage"/{bin,job,lib}
	[[ ! $module ]] || cp "$module" "$stage/lib/memcg_knobs.ko"
	[[ ! -d $top/build/bin ]] || cp -rL "$top/build/bin/." "$stage/bin"
	[[ ! -d $top/tests/kselftest ]] || cp -r "$top/tests/kselftest" "$stage/tests"
	for add in ${adds[@]+"${adds[@]}"}; do
		[[ $add == *:/* ]] || die "--add takes HOSTPATH:GUESTPATH, not $add"
		mkdir -p "$stage$(dirname "${add#*:}")"
		cp -aH "${add%%:*}" "$stage${add#*:}" || exit 125
	done
	for i in "${!disks[@]}"; do
		scratch+=" SCRATCH$( ((i == 0)) || echo $((i + 1)))=/dev/vd$(disk_letter "$i")"
	done
	cat >"$stage/job/settings" <<-END
		JOB_INSMOD=$insmod
		JOB_TIMER=$timer_device
		JOB_OUT=${out:+1}
		JOB_TTY=$interactive
	END
	{
		echo "export VM_FLAVOR=$flavor VM_ACCEL=$accel VM_SLOWNESS=$slowness$scratch"
		printf 'export TERM=%q\n' "${TERM:-dumb}"
		[[ ! $interactive ]] || stty size | awk '{ print "stty rows", $1, "cols", $2 }'
		printf 'exec'
		printf ' %q' "$@"
		echo
	} >"$stage/job/command"
	{
		cat "$base"
		(cd "$stage" && find . -mindepth 1 | cpio -o -H newc -R 0:0 --quiet)
	} >"$work/initrd"
}

disk_letter()
{
	local letters=abcdefgh
	echo "${letters:$1:1}"
}

make_disks()
{
	local i part parts file limits
	((${#disks[@]} <= 7)) || die "more than 7 disks"
	for i in "${!disks[@]}"; do
		IFS=, read -ra parts <<<"${disks[i]}"
		file=$work/disk$i limits=''
		truncate -s "${parts[0]}" "$file" || exit 125
		for part in "${parts[@]:1}"; do
			case $part in
			bps=*) limits+=,throttling.bps-write=${part#*=} ;;
			iops=*) limits+=,throttling.iops-write=${part#*=} ;;
			fs=*) make_fs "${part#*=}" "$file" ;;
			*) die "--disk: what is $part?" ;;
			esac
		done
		# A speed is so much per second of the host, which means nothing to
		# a guest whose clock counts instructions.
		[[ ! $icount ]] || limits=''
		# The kernel finds the device on the last bus first. What QEMU merges
		# it also lets end as one: a slow disk would stand still for seconds,
		# and then be done with 8 MiB at once.
		vm+=(-drive "if=none,id=disk$i,format=raw,file=$file,cache=unsafe,aio=threads$limits"
			-device "virtio-blk-device,drive=disk$i,bus=virtio-mmio-bus.$((7 - i)),request-merging=off")
	done
}

# Made here, a file system costs the slow disk nothing, and has no tables left
# that the guest would still write in the background.
make_fs()
{
	# mkfs.btrfs has notes for its user even if it is to be quiet.
	case $1 in
	ext2 | ext4)
		mke2fs -q -F -b 4096 -t "$1" \
			-E nodiscard,lazy_itable_init=0,lazy_journal_init=0 "$2"
		;;
	xfs) mkfs.xfs -q -K "$2" ;;
	btrfs) mkfs.btrfs -q -K "$2" ;;
	*) die "--disk: fs is ext2, ext4, xfs or btrfs, not $1" ;;
	esac >/dev/null || exit 125
}

args="console=ttyS0 earlycon=uart8250,io,0x3f8 reboot=t panic=-1 panic_on_warn=1"
# For the log of a hang, see time_out. Without a PC speaker's port to read the
# kernel takes the NMI for a hardware fault, so it has to panic on that as well.
args+=" unknown_nmi_panic sysctl.kernel.panic_on_unrecovered_nmi=1"
args+=" panic_sys_info=blocked_tasks,all_bt"
# Loop devices are made when somebody wants one.
args+=" loop.max_loop=0"
# There is nothing to check the TSC against, and no doubt about it.
args+=" tsc=reliable no_timer_check ${tsc_khz:+tsc_early_khz=$tsc_khz}"
# Where the host is slow a stalled processor is no fault of the guest's kernel.
args+=" rcupdate.rcu_cpu_stall_timeout=$((21 * slowness))"
if [[ $flavor == debug && $slowness -gt 1 ]]; then
	# Seconds; 60 is the most that the first of them takes.
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
# TCG is slow at some things that make a real processor fast: walking five
# levels of page tables, and copying with "rep movsb", where it goes byte by byte.
tcg_cpu=max,la57=off,erms=off,fsrm=off
if [[ $icount ]]; then
	# Guest time runs ahead while a guest waits for the host, so it is no measure of how long a task hangs.
	args+=' sysctl.kernel.hung_task_timeout_secs=0'
	# The fixed clock and seed are for runs that differ as little as can be.
	args+=" nokaslr"
	# To calibrate it takes 20 s of spinning, and one processor needs it not.
	args+=" nolapic_timer"
	# shellcheck disable=SC2054
	vm+=(-accel tcg,thread=single -icount "shift=0,sleep=off" -smp 1
		-cpu "$tcg_cpu" -seed 1 -rtc "base=2026-01-01,clock=vm")
elif [[ $accel == kvm ]]; then
	vm+=(-accel kvm -smp "$smp" -cpu host)
else
	# The processors take turns on one host thread. With a thread for each,
	# QEMU 7.2 sometimes keeps the translation of an int3 that the kernel has
	# patched away again, and a processor runs into it: seen once in about
	# a hundred switches of a static branch, which the module's tests make.
	# shellcheck disable=SC2054
	vm+=(-accel tcg,thread=single -smp "$smp" -cpu "$tcg_cpu")
fi
make_disks
make_initrd "$@"
mkfifo "$work"/monitor.{in,out}
: >"$work/verdict"
: >"$work/output"
: >"$console"

# The kernel's complaints, as they begin: after the time stamp, perhaps with
# the name of a subsystem. Text elsewhere in a line is somebody's words. A file
# system that finds something wrong with itself may go on all the same, and so
# does the kernel without kmemleak, lockdep or the debugging of objects once that
# has run out of memory, or come upon a lock that nobody initialized.
splats='BUG[: ]|WARNING: |INFO: (possible|rcu|task|lockdep|trying)|KASAN|UBSAN|Oops|general protection|kernel BUG|Kernel panic|.*blocked for more than'
splats+='|EXT4-fs error|EXT4-fs .*(Data will be lost|allocation failed)|JBD2:.*[Ee]rror|XFS .*([Cc]orrupt|[Ee]rror)|BTRFS:? (error|critical)|(Buffer )?I/O error'
splats+='|Kernel memory leak detector disabled|turning off the locking correctness validator|.*ODEBUG disabled'
splats="^\\[ *[0-9]+\\.[0-9]+\\] ([a-z]+: )?($splats)"

first_splat()
{
	grep -nEm1 -- "$splats" "$console" | tr -d '\r'
}

# The guest is asked with an NMI for a last word, which a guest that only waits
# and one that spins with interrupts off both give: a panic with the
# processors' backtraces and the blocked tasks.
time_out()
{
	splat=$(first_splat) || true
	# A pipe that nobody reads any more would block, so it is not ours to wait.
	echo nmi >"$work/monitor.in" &
	asked=$!
	sleep 5 &
	timer=$!
	wait -n "$qemu" "$timer" 2>/dev/null || true
	stop "$timer"
	timer=''
	kill -KILL "$qemu" 2>/dev/null || true
	stop "$asked"
}

limit=$((seconds * slowness))
[[ ! $interactive ]] || limit=infinity
if [[ $interactive ]]; then
	stty=$(stty -g)
	say "a shell in the guest; leave with exit, or C-a x"
fi
# All of it dies with this script even if that is killed.
tied=(setpriv --pdeathsig KILL)
exec {stdin}<&0
"${tied[@]}" qemu-system-x86_64 "${vm[@]}" -append "$args $append" \
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

declare -A verdict=()
while read -r word text; do
	verdict[$word]=${text:-yes}
done <"$work/verdict"
[[ $timed_out ]] || splat=$(first_splat) || true

if [[ ${verdict[retry]-} && ${VM_TRIES:=1} -lt 5 ]]; then
	say "once more: ${verdict[retry]}"
	cleanup
	VM_TRIES=$((VM_TRIES + 1)) exec "$0" "${argv[@]}"
fi

if [[ $out && -s $work/out.tar ]]; then
	mkdir -p "$out"
	tar -x --no-same-owner -C "$out" -f "$work/out.tar" ||
		say "what COMMAND left in /out did not come through whole"
fi

# From the most to the least particular. What a kernel did after it complained
# is of no interest.
status=${verdict[exit]-}
if [[ ${verdict[harness]-} ]]; then
	result=125 words="the guest could not be set up: ${verdict[harness]}"
elif [[ ${verdict[retry]-} ]]; then
	result=125 words="the machine is too busy: ${verdict[retry]}"
elif [[ $splat && $splat != *"Kernel panic"* ]]; then
	result=70 words="kernel splat: ${splat#*] }"
elif [[ $splat ]]; then
	result=70 words="kernel panic: ${splat#*not syncing: }"
elif [[ $timed_out ]]; then
	result=124
	if [[ $status ]]; then
		words="time-out: COMMAND ended with $status, but the guest did not come to its end"
	elif [[ ${verdict[command]-} ]]; then
		words="time-out: COMMAND did not end"
	else
		words="time-out: the guest never came to COMMAND"
	fi
	words+=" within $limit s"
elif [[ ! ${verdict[end]-} && $qemu_status -ne 0 ]]; then
	result=125 words="QEMU failed with $qemu_status: $(tail -n 3 "$work/qemu.err")"
elif [[ ! ${verdict[end]-} ]]; then
	result=125 words="silence: the guest ended without a verdict"
elif [[ ${verdict[stuck]-} ]]; then
	result=70 words="the module cannot be removed: ${verdict[stuck]}"
elif [[ ${verdict[blind]-} ]]; then
	result=70 words="leaks cannot be looked for: ${verdict[blind]}"
elif [[ ${verdict[leak]-} ]]; then
	result=70 words="kernel memory leaked"
	splat=$(grep -nm1 '^unreferenced object' "$console") || true
else
	result=$status words="COMMAND ended with $status"
fi
# In 4 a test says that it skips itself, which is nothing to look into, nor is
# how the last command of a shell ended.
if [[ $result == "$status" ]]; then
	if [[ $interactive || $result == [04] ]]; then
		exit "$result"
	fi
fi

if [[ ! $log ]]; then
	mkdir -p "$top/build/log"
	log=$top/build/log/vm-$(date +%Y%m%d-%H%M%S)-$$.log
	mv "$console" "$log"
fi
say "$words"
if [[ $splat ]]; then
	say "from $log, line ${splat%%:*}:"
	sed -n "${splat%%:*},+29p" "$log"
else
	say "last lines of $log:"
	tail -n 15 "$log"
fi | tr -d '\r' | sed 's/^/    /' >&2
exit "$result"
