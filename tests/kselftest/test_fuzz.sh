#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The files and the mount option memcg= with random values from a grammar, some of them nearly
# valid. Accepted values read back as documented; refused values change nothing, and the errno
# is one that the value explains. Many writers run at once, some in cgroups that are being
# removed. "make fuzz" runs longer, with a new seed each time (see torture.sh).
# vm: --append kunit.enable=0 --timeout 90 --shared
. "$(dirname "$0")/lib.sh"
seconds=${TORTURE_SECONDS:-$(pick 15 30)} seed=${TORTURE_SEED:-1}
setup
audited=1
must mkdir "$work/mounts"
spawn fuzz fuzz --seed "$seed" --seconds "$seconds" --cgroup "$top" --mounts "$work/mounts"
status=0
reap fuzz || status=$?
diag "$(cat "$work/fuzz.out" "$work/fuzz.err")"
figures W "$(cat "$work/fuzz.out")"
check_eq "seed $seed: the fuzzer finds no error" "$status" 0
for name in taken refused mounted vanished; do
	check_num "enough values or cgroups were $name" "${W[$name]:-0}" '>' 10
done
must find "$top" -mindepth 1 -depth -type d -exec rmdir {} +
check "no removed cgroup is left" loop_until 30 nothing_dies
check "the module can be removed" loop_until 20 module_unload

finish
