#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the patches and the module cost where nobody is throttled: instructions
# per 4 KiB read, write, and fault of a shared mapping. Guest time counts
# instructions here, so the figures depend neither on the machine nor on what
# else it does. Each state is measured in two guests, which shows how far
# figures can be trusted.
#   stock      the kernel without the patches
#   unloaded   with them
#   unset      and the module loaded
#   set        and a limit on the writer's cgroup, which it does not reach
#   recharge   instead, recharging switched on, and nothing inherited
#   inherited  and something is, but not what is measured
# columns: kernel,state,fs,op,pages,instructions
# vm: --flavor stock --icount --timeout 120 --disk 512M,fs=ext4 -- stock
# vm: --flavor release --icount --timeout 120 --disk 512M,fs=ext4 -- unloaded
# vm: --flavor release --icount --insmod --timeout 120 --disk 512M,fs=ext4 -- unset
# vm: --flavor release --icount --insmod --timeout 120 --disk 512M,fs=ext4 -- set
# vm: --flavor release --icount --insmod --timeout 120 --disk 512M,fs=ext4 -- recharge
# vm: --flavor release --icount --insmod --timeout 120 --disk 512M,fs=ext4 -- inherited
# vm: --flavor stock --icount --timeout 120 --disk 512M,fs=ext4 -- stock
# vm: --flavor release --icount --timeout 120 --disk 512M,fs=ext4 -- unloaded
# vm: --flavor release --icount --insmod --timeout 120 --disk 512M,fs=ext4 -- unset
# vm: --flavor release --icount --insmod --timeout 120 --disk 512M,fs=ext4 -- set
# vm: --flavor release --icount --insmod --timeout 120 --disk 512M,fs=ext4 -- recharge
# vm: --flavor release --icount --insmod --timeout 120 --disk 512M,fs=ext4 -- inherited
. "$(dirname "$0")/lib.sh"
state=$1
begin ext4
# Nothing is written back while a round runs, and a time stamp that changes
# starts no transaction.
system_limit $((512 * M))
no_periodic_writeback
must mount -o remount,lazytime "$work/mnt"
must mkdir "$work/tmpfs"
must mount -t tmpfs tmpfs "$work/tmpfs"
cg_make writer
case $state in
set) set_knob writer dirty_limit_in_bytes 256M ;;
recharge | inherited)
	for name in mapped access adopt; do
		switch $name 1
	done
	;;
esac
# Another one's file, which nobody touches.
[[ $state != inherited ]] || bequeath others/service tmpfs/others $((16 * M))

# measure FS DIRECTORY OPERATION PAGES
measure()
{
	cost_of writer "$2/file" "$3" "$4"
	row "$VM_FLAVOR" "$state" "$1" "$3" "$4" "${F[ns]}"
}

# A guest that has just booted still does this and that; one run for nothing is
# enough for it to come to rest.
cost_of writer mnt/file write clean
for pages in clean fresh; do
	for op in read write fault; do
		case $op-$pages in
		read-fresh) continue ;;
		fault-fresh) ;;
		*) measure ext4 mnt "$op" "$pages" ;;
		esac
		measure tmpfs tmpfs "$op" "$pages"
	done
done

# That accesses were noted all the time shows when the other's file is touched.
if [[ $state == inherited ]]; then
	cg_make others/user
	read_as others/user tmpfs/others.0 $((16 * M))
	must loop_until 5 holds others/user shmem $((16 * M))
fi
