#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What a cgroup costs does not depend on how many siblings it has: a write to a limit, and
# the making of a cgroup, below a parent that has a limit as well. The guest's clock counts
# instructions.
# vm: --icount --mem 2048 --timeout 120
. "$(dirname "$0")/lib.sh"
[[ $VM_FLAVOR != debug ]] || skip_all "what is counted are the release kernel's instructions"
setup
few=20 many=1000
cg_make p
set_knob p dirty_limit_in_bytes 64M
# For all that the children ask for.
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

# of TIMES COMMAND...: sets ns to what one of them takes.
of()
{
	local n us=${EPOCHREALTIME/./}
	for ((n = 0; n < $1; n++)); do
		"${@:2}" $n
	done
	ns=$(((${EPOCHREALTIME/./} - us) * 1000 / $1))
}

# shellcheck disable=SC2317 # of calls it.
set_limit()
{
	echo $((1 + $1 % 2))M >"$top/p/c1/memory.dirty_limit_in_bytes"
}
# shellcheck disable=SC2317 # of calls it.
limit_anew()
{
	echo max >"$top/p/c1/memory.dirty_limit_in_bytes"
	echo 1M >"$top/p/c1/memory.dirty_limit_in_bytes"
}
# shellcheck disable=SC2317 # of calls it.
set_floor()
{
	echo $((1 + $1 % 2))M >"$top/p/c1/memory.dirty_min"
}
# shellcheck disable=SC2317 # of calls it.
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
# Looking for them all takes a while.
rmdir "$top"/p/c*
check_num "a limit is written as fast" "${cost[set_limit]}" '<=' $((alone[set_limit] * 5 / 4))
check_num "and set anew" "${cost[limit_anew]}" '<=' $((alone[limit_anew] * 5 / 4))
check_num "and a floor" "${cost[set_floor]}" '<=' $((alone[set_floor] * 5 / 4))
check_num "a cgroup is made as fast" "${cost[make_one]}" '<=' $((alone[make_one] * 5 / 4))

finish
