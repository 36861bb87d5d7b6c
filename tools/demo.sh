#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# demo.sh: `make demo` from a fresh checkout: packages, kernel, module, programs, then the acts of tests/demo/run.sh.
# Usage: tools/demo.sh
#
# Each step prints the elapsed time and the expected total: the durations of the last run on this machine, or else those on
# two processors without KVM. The output of builds is in build/log/demo-STEP.log; its last line is shown continuously on a
# terminal, elsewhere every five minutes.

# The terminal's character set, before env.sh changes the locale.
export MEMCG_KNOBS_CHARSET=${LC_ALL:-${LC_CTYPE:-${LANG-}}}
# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

steps=(deps kernel module programs limit restart pay)
declare -A text=(
	[deps]="installing missing packages" [kernel]="building the patched kernel" [module]="building the module"
	[programs]="building memcgctl and the load generator"
)
declare -A usual=([deps]=90 [kernel]=1500 [module]=25 [programs]=100 [limit]=110 [restart]=80 [pay]=50)
durations=$CACHE/durations/demo

run() {
	case $1 in
	deps) "$TOP/tools/deps.sh" ;;
	kernel) "$TOP/tools/kernel.sh" release ;;
	module) KDIR='' "$TOP/tools/module.sh" release ;;
	programs) "$TOP/tools/crates.sh" build ;;
	*) "$TOP/tests/demo/run.sh" "$1" ;;
	esac
}

# expected STEP: the expected duration in seconds. A step that has been built before is only checked.
expected() {
	local last=''
	[[ ! -s $durations/$1 ]] || last=$(<"$durations/$1")
	case $1 in
	kernel) [[ ! -e $BUILD/release/linux/.done ]] || last=5 ;;
	module) [[ ! -e $BUILD/release/memcg_knobs.ko ]] || last=5 ;;
	programs) [[ ! -e $BUILD/bin/workload ]] || last=5 ;;
	esac
	echo "${last:-${usual[$1]}}"
}

# follow PID LOG: show the progress until the process has ended.
follow() {
	local shown=$EPOCHSECONDS every=300 end='\n' last
	[[ ! -t 1 ]] || { every=1 end='\033[K\r'; }
	while kill -0 "$1" 2>/dev/null; do
		sleep 0.5
		((EPOCHSECONDS - shown >= every)) || continue
		shown=$EPOCHSECONDS
		last=$(tr '\r' '\n' <"$2" | grep '^==> ' | tail -n 1 || true)
		[[ ! $last ]] || printf "%s$end" "$last"
	done
	[[ ! -t 1 ]] || printf '\033[K'
}

# build STEP: run the step with its output in a log, in a process group that ends with this script.
build() {
	local log=$BUILD/log/demo-$1.log status=0
	mkdir -p "$BUILD/log"
	set -m
	run "$1" >"$log" 2>&1 </dev/null &
	set +m
	child=$!
	follow "$child" "$log"
	wait "$child" || status=$?
	child=
	((status == 0)) && return
	tail -n 20 "$log" >&2
	die demo "${text[$1]} failed; the whole log is $log"
}

child=
trap '[[ ! $child ]] || kill -- "-$child" 2>/dev/null' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
MEMCG_KNOBS_TOTAL=0
for step in "${steps[@]}"; do
	MEMCG_KNOBS_TOTAL=$((MEMCG_KNOBS_TOTAL + $(expected "$step")))
done
export MEMCG_KNOBS_TOTAL
mkdir -p "$durations"
rm -rf "$BUILD/demo"
for step in "${steps[@]}"; do
	begin=$EPOCHSECONDS expect=$(expected "$step")
	[[ ! ${text[$step]:-} ]] || step demo "${text[$step]}, about $(minutes "$expect")"
	case $step in
	# deps may ask for a password, and the acts print their results.
	deps | limit | restart | pay) run "$step" ;;
	*) build "$step" ;;
	esac
	took=$((EPOCHSECONDS - begin))
	# Correct the total by the difference.
	MEMCG_KNOBS_TOTAL=$((MEMCG_KNOBS_TOTAL + took - expect))
	# The duration of a build that had nothing to do is no estimate.
	[[ ${text[$step]:-} && $took -lt 10 && $step != deps ]] || echo "$took" >"$durations/$step"
done
step demo "done"
