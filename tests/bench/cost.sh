#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What the patches and the module cost where nobody is throttled: instructions
# per 4 KiB write and per fault of a shared mapping. Guest time counts
# instructions here, so the figures depend neither on the machine nor on what
# else it does. Each state is measured in two guests, which shows how far
# figures can be trusted.
#   stock     the kernel without the patches
#   unloaded  with them
#   unset     and the module loaded
#   set       and a limit on the writer's cgroup, which it does not reach
# columns: kernel,state,fs,op,pages,instructions
# vm: --flavor stock --icount --timeout 120 --disk 512M,fs=ext4 -- stock
# vm: --flavor release --icount --timeout 120 --disk 512M,fs=ext4 -- unloaded
# vm: --flavor release --icount --insmod --timeout 120 --disk 512M,fs=ext4 -- unset
# vm: --flavor release --icount --insmod --timeout 120 --disk 512M,fs=ext4 -- set
# vm: --flavor stock --icount --timeout 120 --disk 512M,fs=ext4 -- stock
# vm: --flavor release --icount --timeout 120 --disk 512M,fs=ext4 -- unloaded
# vm: --flavor release --icount --insmod --timeout 120 --disk 512M,fs=ext4 -- unset
# vm: --flavor release --icount --insmod --timeout 120 --disk 512M,fs=ext4 -- set
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
[[ $state != set ]] || set_knob writer dirty_limit_in_bytes 256M

# run DIRECTORY OPERATION PAGES
run()
{
	spawn cost cost --cgroup "$top/writer" --file "$work/$1/file" --op "$2" --pages "$3"
	collect cost F
}

# measure FS DIRECTORY OPERATION PAGES
measure()
{
	run "$2" "$3" "$4"
	row "$VM_FLAVOR" "$state" "$1" "$3" "$4" "${F[ns]}"
}

# A guest that has just booted still does this and that; one run for nothing is
# enough for it to come to rest.
run mnt write clean
for pages in clean fresh; do
	for op in write fault; do
		[[ $op-$pages == fault-fresh ]] || measure ext4 mnt "$op" "$pages"
		measure tmpfs tmpfs "$op" "$pages"
	done
done
