#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# "make torture" and "make fuzz": run test_torture.sh or test_fuzz.sh for the given time, in
# the machine that its header describes, from a seed that is printed. The same seed usually
# reproduces a failure.
# Usage: tests/kselftest/torture.sh [--flavor release|debug] [torture|fuzz]
#   MINUTES=N   (30, or 10)
#   SEED=N      (random by default)
#   ARGS=...    more options of "workload torture"
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
flavor=debug
if [[ ${1-} == --flavor ]]; then
	flavor=${2-}
	shift 2
fi
what=${1:-torture}
case $what in
torture) minutes=30 ;;
fuzz) minutes=10 ;;
*)
	echo "torture.sh: torture or fuzz, not '$what'" >&2
	exit 2
	;;
esac
minutes=${MINUTES:-$minutes} seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
for number in "$minutes" "$seed"; do
	[[ $number =~ ^[0-9]+$ ]] || {
		echo "torture.sh: not a number: '$number'" >&2
		exit 2
	}
done

read -ra machine < <(sed -n 's/^# vm: //p' "$here/test_$what.sh" | sed -E 's/--timeout +[0-9]+//')
log=$top/build/log/$what
mkdir -p "$log"
echo "==> [$what] seed $seed, $minutes minutes on the $flavor kernel; to have it again:" \
	"make $what SEED=$seed MINUTES=$minutes"
status=0
# The runner multiplies this for a slow guest. The constant is for setup and for the checks at
# the end.
"$top/tests/vm/run.sh" --flavor "$flavor" "${machine[@]}" --timeout $((60 * minutes + 240)) \
	--log "$log/$seed.console" -- \
	env "TORTURE_SECONDS=$((60 * minutes))" "TORTURE_SEED=$seed" "TORTURE_ARGS=${ARGS-}" \
	"/tests/test_$what.sh" </dev/null | tee "$log/$seed.tap" || status=$?
echo "==> [$what] seed $seed: $( ((status == 0)) && echo "nothing was found" || echo "failed with $status"); all of it" \
	"is in ${log#"$top/"}/$seed.{tap,console}"
exit "$status"
