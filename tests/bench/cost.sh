#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The cost of the patches and of the module when no task is throttled: instructions
# per 4 KiB read, write, and fault of a shared mapping. The guest's clock counts
# instructions, so the figures depend neither on the machine nor on its load. Each
# state is measured in two guests, which shows how reliable the figures are.
#   stock      the kernel without the patches
#   unloaded   the patched kernel without the module
#   unset      the module loaded, nothing set
#   set        a limit on the writer's cgroup that is not reached
#   recharge   no limit, but recharging switched on, and nothing inherited
#   inherited  the same with inherited memory, which is not the memory that is measured
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
# No writeback during a round, and no transaction for a changed time stamp.
system_limit $((512 * M))
no_periodic_writeback
must mount -o remount,lazytime "$work/mnt"
mount_at tmpfs tmpfs -t tmpfs
cg_make writer
case $state in
set) set_knob writer dirty_limit_in_bytes 256M ;;
recharge | inherited) switch mapped 1 access 1 adopt 1 ;;
esac
# Another cgroup's file, which is not accessed.
[[ $state != inherited ]] || bequeath others/service tmpfs/others $((16 * M))

# measure FS DIRECTORY OPERATION PAGES
measure()
{
	cost_of writer "$2/file" "$3" "$4"
	row "$VM_FLAVOR" "$state" "$1" "$3" "$4" "${F[ns]}"
}

# A guest that has just booted has background activity, which ends during one unmeasured run.
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

# Access the other cgroup's file to check that accesses were recorded all the time.
if [[ $state == inherited ]]; then
	cg_make others/user
	read_as others/user tmpfs/others.0 $((16 * M))
	must loop_until 5 holds others/user shmem $((16 * M))
fi
