#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# `make demo`: what a limit does for a hog's neighbour, shown in one guest in
# two runs (guest.sh): a table, a picture here and as build/demo/dirty.svg, and
# in two lines what was seen. Fails if the limit was passed.
charset=${LC_ALL:-${LC_CTYPE:-${LANG-}}}
# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../tools/env.sh"
seconds=25 limit=$((8 << 20))
out=$BUILD/demo workload=$BUILD/bin/workload

step demo "a hog and its victim, without a limit and with one"
rm -rf "$out"
"$TOP/tests/vm/run.sh" --flavor release --insmod --disk 512M,bps=2000000,fs=xfs --timeout 60 \
	--add "$TOP/tests/bench:/bench" --add "$TOP/tests/demo:/demo" --out "$out" \
	-- /demo/guest.sh "$seconds" "$limit" </dev/null

# summary PROGRAM: awk over the two runs; the figures of each are in the arrays
# of these names, indexed by "free" and "limited".
summary()
{
	awk -F, -v limit="$limit" '
	function mib(bytes) { return sprintf("%.1f MiB", bytes / 1048576) }
	function time(us) { return us < 1e6 ? sprintf("%.1f ms", us / 1000) : sprintf("%.1f s", us / 1e6) }
	{ peak[$1] = $2; rate[$1] = $3; p99[$1] = $4; stall[$1] = $5; slack = $6 * 64 * 4096 }
	'"$1" "$out/runs.csv"
}

echo
summary '
function run(words, key) {
	printf "%-20s %12s %14.1f %12s %15s\n", words, mib(peak[key]), rate[key], time(p99[key]), time(stall[key])
}
END {
	printf "%-20s %12s %14s %12s %15s\n", "", "hog, highest", "victim, ops/s", "victim, p99", "longest stall"
	run("no limit", "free")
	run("limit " mib(limit), "limited")
}'
echo
ascii=()
[[ ${charset^^} =~ UTF-?8 ]] || ascii=(--ascii)
"$workload" plot --title "The hog's dirty and writeback pages" --limit "$limit" \
	--series "no limit=$out/free.csv" --series "with the limit=$out/limited.csv" \
	--svg "$out/dirty.svg" ${ascii[@]+"${ascii[@]}"}
echo
echo "The picture is in ${out#"$TOP/"}/dirty.svg as well."
summary '
END {
	printf "Without a limit the hog held up to %s, and its neighbour got %.0f of its 125 appends a second and once stood still for %s.\n",
		mib(peak["free"]), rate["free"], time(stall["free"])
	if (peak["limited"] <= limit) words = "stayed below it (highest " mib(peak["limited"]) ")"
	else words = "passed it by " int((peak["limited"] - limit) / 4096) " pages"
	printf "With memory.dirty_limit_in_bytes=%dM on the hog it %s, and its neighbour got %.0f of 125 and never waited longer than %s.\n",
		limit / 1048576, words, rate["limited"], time(stall["limited"])
	exit peak["limited"] > limit + slack
}'
