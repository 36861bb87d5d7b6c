# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # The variables are those of run.sh.
# The initramfs and the disks of a guest. Sourced by run.sh.

# make_initrd: add the module, binaries, tests and the job to the base initramfs.
make_initrd()
{
	local stage=$work/stage add i helper helpers scratch=''
	mkdir -p "$stage"/{bin,job,lib}
	if [[ $module ]]; then
		cp "$module" "$stage/lib/memcg_knobs.ko"
		# Other modules that tests need, if they were built.
		for helper in memcg_fleeting submount; do
			[[ ! -e ${module%/*}/$helper.ko ]] || cp "${module%/*}/$helper.ko" "$stage/lib/"
		done
	fi
	[[ ! -d $top/build/bin ]] || cp -rL "$top/build/bin/." "$stage/bin"
	[[ ! -d $top/tests/kselftest ]] || cp -r "$top/tests/kselftest" "$stage/tests"
	# The tests use the kernel's own helpers, which come from the kernel's tree.
	helpers=$top/build/$flavor/linux/source/tools/testing/selftests/kselftest/ktap_helpers.sh
	[[ ! -r $helpers ]] || install -D -m 644 "$helpers" "$stage/kselftest/ktap_helpers.sh"
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
		# Speeds are per second of the host's clock, which has no meaning in
		# a guest whose clock counts instructions.
		[[ ! $icount ]] || limits=''
		# The kernel finds the device on the last bus first. Requests that QEMU
		# merges also complete together: a slow disk would do nothing for
		# seconds, and then complete 8 MiB at once.
		vm+=(-drive "if=none,id=disk$i,format=raw,file=$file,cache=unsafe,aio=threads$limits"
			-device "virtio-blk-device,drive=disk$i,bus=virtio-mmio-bus.$((7 - i)),request-merging=off")
	done
}

# A file system that is made here does not depend on the slow disk, and leaves no
# tables that the guest would write in the background.
make_fs()
{
	# mkfs.btrfs prints notes even with its quiet option.
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
