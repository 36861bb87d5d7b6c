#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The cost of setting a limit or floor, and of creating a cgroup, does not depend on the number
# of siblings, below a parent that also has a limit. The guest's clock counts instructions.
# vm: --icount --mem 2048 --timeout 120
. "$(dirname "$0")/lib.sh"
[[ $VM_FLAVOR != debug ]] || skip_all "what is counted are the release kernel's instructions"
setup
few=20 many=1000
cg_make p
set_knob p dirty_limit_in_bytes 64M
# Enough for the floors of all children.
set_knob p dirty_min 16M
echo +memory +io >"$top/p/cgroup.subtree_control"

# siblings FROM TO: each has a limit of its own.
siblings()
{
	local n
	for ((n = $1; n <= $2; n++)); do
		must mkdir "$top/p/c$n"
		echo 1M >"$top/p/c$n/memory.dirty_limit_in_bytes" || bail "c$n: no limit"
	done
}

# of TIMES COMMAND...: run the command TIMES times, and set ns to the mean duration.
of()
{
	local n us=${EPOCHREALTIME/./}
	for ((n = 0; n < $1; n++)); do
		"${@:2}" $n
	done
	ns=$(((${EPOCHREALTIME/./} - us) * 1000 / $1))
}

set_limit()
{
	echo $((1 + $1 % 2))M >"$top/p/c1/memory.dirty_limit_in_bytes"
}
limit_anew()
{
	echo max >"$top/p/c1/memory.dirty_limit_in_bytes"
	echo 1M >"$top/p/c1/memory.dirty_limit_in_bytes"
}
set_floor()
{
	echo $((1 + $1 % 2))M >"$top/p/c1/memory.dirty_min"
}
make_one()
{
	mkdir "$top/p/new$1"
}

declare -A cost=()
measure()
{
	local what
	for what in set_limit limit_anew set_floor make_one; do
		of 100 $what
		cost[$what]=$ns
		diag "$1 siblings: $what $ns ns"
	done
	rmdir "$top"/p/new*
}

siblings 1 $few
measure $few
declare -A alone=()
for what in "${!cost[@]}"; do
	alone[$what]=${cost[$what]}
done
siblings $((few + 1)) $many
measure $many
# Otherwise the search for cgroups at the end takes long.
rmdir "$top"/p/c*
check_num "a limit is changed as fast" "${cost[set_limit]}" '<=' $((alone[set_limit] * 5 / 4))
check_num "a limit is set anew as fast" "${cost[limit_anew]}" '<=' $((alone[limit_anew] * 5 / 4))
check_num "a floor is set as fast" "${cost[set_floor]}" '<=' $((alone[set_floor] * 5 / 4))
check_num "a cgroup is created as fast" "${cost[make_one]}" '<=' $((alone[make_one] * 5 / 4))

finish
