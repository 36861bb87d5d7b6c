#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The module's own KUnit suites, which run when it is loaded into a kernel with
# CONFIG_KUNIT: none of them fails.
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
check_num "the module brings a suite for each file of arithmetic or parsing" \
	"$(grep -c /memcg_knobs_ <<<"$ours")" '==' 7
while read -r suite; do
	[[ $suite ]] || continue
	check_num "${suite##*/}: has tests that pass" "$(grep -c '^ *ok ' "$suite/results")" '>' 0
	check_eq "${suite##*/}: has none that fail" "$(grep -c '^ *not ok ' "$suite/results")" 0
	grep '^ *not ok ' "$suite/results"
done <<<"$ours"

finish
