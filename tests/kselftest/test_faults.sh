#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# For whatever the kernel finds no memory, at each place where it asks for some: the
# call fails with ENOMEM and has changed nothing, or it does without. That nothing
# leaks is for the debug kernel to find when the test has ended.
# vm: --append kunit.enable=0 --timeout 120
. "$(dirname "$0")/lib.sh"
inject=/sys/kernel/debug
[[ -e /proc/self/fail-nth && -d $inject/failslab ]] ||
	skip_all "no fault injection in this kernel"
setup_unloaded
# Nearly all of them may wait for memory; those do not fail unless asked to.
for file in failslab/ignore-gfp-wait fail_page_alloc/ignore-gfp-{wait,highmem}; do
	must put_back "$inject/$file" N
done
must put_back $inject/fail_page_alloc/min-order 0
must put_back $inject/failslab/verbose 0
must put_back $inject/fail_page_alloc/verbose 0

# survives DESCRIPTION [OPTION...] CALL...: with ENOMEM, and what else is in $also.
survives()
{
	local what=$1
	shift
	if ! "$workload" fail "$@" >"$work/fail" 2>"$work/fail.err"; then
		not_ok "$what"
		diag "$(cat "$work/fail.err")"
		return
	fi
	figures W "$(cat "$work/fail")"
	diag "$what: $(cat "$work/fail" "$work/fail.err")"
	check_num "$what: it can fail" "${W[failed]}" '>' 0
	check "$what: for want of memory" grep -qxE "ENOMEM:[0-9]+$also" <<<"${W[errnos]}"
	check_eq "$what: and then has changed nothing" "${W[changed]}" 0
}

also=''
cg_make a/b
# Before those are the loader's own.
survives "loading the module" --last 150 insmod "$module" memcg_knobs

must module_load
survives "making a cgroup" mkdir "$top/a/new"
survives "setting a limit" put "$top/a/b/memory.dirty_limit_in_bytes" 4M max
survives "setting a ratio" put "$top/a/b/memory.dirty_ratio" 10 max
survives "setting a floor" put "$top/a/b/memory.dirty_min" 4M 0
survives "paying for those below" put "$top/a/memory.persistent" file $'\n'
# That is what tmpfs has to say when there is no inode.
also='(,ENOSPC:[0-9]+)?'
survives "a mount that names its payer" mount --option "memcg=$top/a" "$work"

finish
