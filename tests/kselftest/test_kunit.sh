#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The module's own KUnit suites, which run when the module is loaded into a kernel with
# CONFIG_KUNIT, all pass.
# vm: --shared
. "$(dirname "$0")/lib.sh"
setup_unloaded
kunit=/sys/kernel/debug/kunit
[[ -d $kunit ]] || skip_all "no KUnit in this kernel"

suites()
{
	find "$kunit" -mindepth 1 -maxdepth 1 | sort
}
before=$(suites)
must module_load
ours=$(suites | grep -vxF -- "$before")
check_num "the module has a suite for each file of arithmetic or parsing" \
	"$(grep -c /memcg_knobs_ <<<"$ours")" '==' 7
while read -r suite; do
	[[ $suite ]] || continue
	check_num "${suite##*/}: tests pass" "$(grep -c '^ *ok ' "$suite/results")" '>' 0
	check_eq "${suite##*/}: no test fails" "$(grep -c '^ *not ok ' "$suite/results")" 0
	grep '^ *not ok ' "$suite/results"
done <<<"$ours"

finish
