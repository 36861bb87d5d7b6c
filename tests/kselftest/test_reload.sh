#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The module is loaded and removed repeatedly while limited and unlimited cgroups write. Its
# files, and with them its effects, come and go.
# vm: --disk 512M,bps=20000000 --timeout 120 --shared
# vm-debug: --disk 512M,bps=2000000 --append kunit.enable=0 --timeout 120
. "$(dirname "$0")/lib.sh"
setup_unloaded
fs_make ext4 mnt

cg_make a p/c
spawn_writers a a mnt/a --size 48M --seconds 3600 --writers "$(pick 2 1)"
spawn_writers c p/c mnt/c --size 48M --seconds 3600 --mode mmap --writers "$(pick 2 1)"

rounds=$(pick 100 50) wrong=0
for round in $(seq "$rounds"); do
	must module_load
	# The limits of the previous round are gone.
	[[ $(knob a dirty_limit_in_bytes) == max ]] || wrong=$((wrong + 1))
	set_knob a dirty_limit_in_bytes 4M
	set_knob p dirty_ratio 1
	set_knob p/c dirty_min 1M
	# In some rounds, the module is removed while it throttles writers.
	if ((round % 10 == 5)); then
		must await below a $((4 * M)) 60
	fi
	must module_unload
	[[ ! -e $top/a/memory.dirty_limit_in_bytes && ! -e $top/p/c/memory.dirty_stat ]] ||
		wrong=$((wrong + 1))
done
ok "the module was loaded and removed $rounds times under writers"
check_eq "the files came without old values and went in all rounds" "$wrong" 0
check "a limit has no effect without the module" await above a $((16 * M)) 30
halt a W
halt c W

# Cgroups come and go while the module is loaded and removed. State that is not freed is a
# leak, which the debug kernel detects when the test has ended. One cgroup stays, so that the
# others have the memory controller.
cg_make g/stays
churn()
{
	while [[ ! -e $work/enough ]]; do
		mkdir "$top"/g/{1..20} && rmdir "$top"/g/{1..20} || return 1
	done
}
churn &
for round in $(seq "$(pick 20 10)"); do
	must module_load
	must module_unload
done
touch "$work/enough"
check "cgroups come and go while the module is reloaded $round times" wait $!

# Finally, load the module and use it.
must module_load
rm "$work"/mnt/a.*
cg_make b
set_knob b dirty_limit_in_bytes 4M
hold b $((4 * M)) "$(pick 4 3)" mnt/b
check_limit "loaded again" S $((4 * M))

finish
