#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A submount, which the kernel creates on behalf of a mount with memcg=, as network file
# systems do where the server crosses into another file system. It is charged like its parent
# mount, and holds the module until it is unmounted. File systems with submounts need a
# server, so a test module makes the same call.
# vm: --timeout 60 --shared
. "$(dirname "$0")/lib.sh"
setup_unloaded
submount=$(dirname "$module")/submount.ko
[[ -r $submount ]] || skip_all "no module $submount, see tools/module.sh"
must module_load
mkdir "$work/mnt"
cg_make pod

# used COUNT: the module has COUNT references.
used()
{
	grep -qx "$1" /sys/module/memcg_knobs/refcnt
}

for options in size=1M "size=1M,memcg=$top/pod"; do
	what=${options#size=1M}
	what=${what:+with memcg=, }
	what=${what:-without, }
	must mount -t tmpfs -o "$options" tmpfs "$work/mnt"
	had=$(</sys/module/memcg_knobs/refcnt)
	check "${what}the submount is charged like its parent mount" \
		insmod "$submount" "path=$work/mnt"
	check "${what}the submount holds the module like its parent mount" used $((2 * had))
	must umount "$work/mnt"
	check "${what}the submount holds the module without its parent mount" used "$had"
	check "${what}the submount can be removed" rmmod submount
	check "${what}no reference to the module is left" loop_until 10 used 0
done
check_eq "with memcg=, the parent mount held the module" "$had" 1

must module_unload
finish
