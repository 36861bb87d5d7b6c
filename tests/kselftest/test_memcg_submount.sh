#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A file system that the kernel mounts on behalf of one with memcg=, as network file
# systems do where the server has another: it is charged as that one is, and keeps the
# module until it goes. The file systems that do so need a server; a module of the test's
# own makes the same call.
# vm: --timeout 60 --shared
. "$(dirname "$0")/lib.sh"
setup_unloaded
submount=$(dirname "$module")/submount.ko
[[ -r $submount ]] || skip_all "no module $submount, see tools/module.sh"
must module_load
mkdir "$work/mnt"
cg_make pod

# used COUNT: that many rely on the module.
# shellcheck disable=SC2317 # loop_until calls it.
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
	check "${what}what is mounted below it is charged as it is" \
		insmod "$submount" "path=$work/mnt"
	check "${what}and relies on the module as it does" used $((2 * had))
	must umount "$work/mnt"
	check "${what}also when it has gone itself" used "$had"
	check "${what}until that goes" rmmod submount
	check "${what}then nobody does" loop_until 10 used 0
done
check_eq "with memcg= it was somebody" "$had" 1

must module_unload
finish
