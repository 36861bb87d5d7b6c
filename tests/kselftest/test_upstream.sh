#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The selftests that the series adds to the kernel pass with the module, with all of their
# checks, and skip themselves without it.
# vm: --disk 512M,bps=20000000 --add build/FLAVOR/selftests:/selftests --timeout 90 --shared
. "$(dirname "$0")/lib.sh"
setup_unloaded
selftests=/selftests
[[ -x $selftests/test_fs_dirty ]] || skip_all "no selftests of the kernel in $selftests"
fs_make ext4 mnt

# run NAME: run a selftest in $work/mnt, because it writes files, with its output in $work/NAME.
run()
{
	(cd "$work/mnt" && "$selftests/$1") >"$work/$1" 2>&1
}

for name in test_fs_dirty test_charge_move test_memcg_mount; do
	run "$name"
	check "$name without the module: no check fails" test ! "$(grep '^not ok' "$work/$name")"
	check "$name without the module: it is skipped" grep -q '# SKIP' "$work/$name"
done

must module_load
for name in test_fs_dirty test_charge_move test_memcg_mount; do
	check "$name passes" run "$name"
	check "$name skips nothing" test ! "$(grep '# SKIP' "$work/$name")"
	diag "$(cat "$work/$name")"
done
finish
