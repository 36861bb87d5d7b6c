#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The files and the mount option under values from a grammar, some of which are nearly
# right: what is taken reads back as the contract says, what is refused changes nothing and
# is refused with an errno that can be explained. Many at once, some of them in cgroups that
# vanish. "make fuzz" does so for longer, from another seed each time (see torture.sh).
# vm: --append kunit.enable=0 --timeout 90 --shared
. "$(dirname "$0")/lib.sh"
seconds=${TORTURE_SECONDS:-$(pick 15 30)} seed=${TORTURE_SEED:-1}
setup
audited=1
must mkdir "$work/mounts"
spawn fuzz fuzz --seed "$seed" --seconds "$seconds" --cgroup "$top" --mounts "$work/mounts"
status=0
wait "${running[fuzz]}" || status=$?
unset "running[fuzz]"
diag "$(cat "$work/fuzz.out" "$work/fuzz.err")"
figures W "$(cat "$work/fuzz.out")"
check_eq "seed $seed: nothing is found" "$status" 0
for name in taken refused mounted vanished; do
	check_num "values, and cgroups: $name" "${W[$name]:-0}" '>' 10
done
must find "$top" -mindepth 1 -depth -type d -exec rmdir {} +
check "no removed cgroup is left" loop_until 30 nothing_dies
check "the module comes out" loop_until 20 module_unload

finish
