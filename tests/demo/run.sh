#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# `make demo`, in three acts, each in a guest of its own:
#   limit    what a limit does for a hog's neighbours, shown in two runs (guest.sh):
#            a table, a picture here and as build/demo/dirty.svg, and in two lines
#            what was seen. Fails if the limit was passed, or if the neighbours did
#            not get through.
#   restart  what a restarted service has of its page cache, without and with
#            recharging (restart.sh): its slice as memcgctl shows it, a table, and
#            in two lines what was seen. Fails if recharging made no difference.
#   pay      who pays for a tmpfs that two containers share, and what comes of it
#            when there is no room, without and with memcg= (pay.sh): their pod as
#            memcgctl shows it, a table, and in two lines what was seen. Fails if
#            with memcg= a container paid, or was killed.
# Usage: tests/demo/run.sh [limit|restart|pay]...   (none: all)
charset=${MEMCG_KNOBS_CHARSET:-${LC_ALL:-${LC_CTYPE:-${LANG-}}}}
# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../tools/env.sh"
seconds=25 limit=$((8 << 20)) cache=$((128 << 20))
pod=$((64 << 20)) most=$((48 << 20)) shared=$((32 << 20))
out=$BUILD/demo workload=$BUILD/bin/workload

# guest OPTION... -- COMMAND...: in a guest that has the acts.
guest()
{
	"$TOP/tests/vm/run.sh" --flavor release --insmod --timeout 60 \
		--add "$TOP/tests/bench:/bench" --add "$TOP/tests/demo:/demo" --out "$out" "$@" </dev/null
}

# summary FILE PROGRAM: awk over the rows of figures that a guest left.
summary()
{
	awk -F, -v limit="$limit" -v cache="$cache" -v most="$most" -v shared="$shared" '
	function mib(bytes) { return sprintf("%.1f MiB", bytes / 1048576) }
	function time(us) { return us < 1e6 ? sprintf("%.1f ms", us / 1000) : sprintf("%.1f s", us / 1e6) }
	'"$2" "$out/$1"
}

# The figures of each run are in the arrays of these names, indexed by "free" and
# "limited".
runs()
{
	# shellcheck disable=SC2016 # The columns are awk's.
	summary runs.csv '{ peak[$1] = $2; punctual[$1] = $3 * 100; stall[$1] = $4
		slack = $5 * 64 * 4096; syncs[$1] = $6; p99[$1] = $7 }'"$1"
}

act_limit()
{
	local ascii=()
	step demo "a hog and its neighbours, without a limit and with one"
	guest --disk 512M,bps=2000000,fs=ext4 -- /demo/guest.sh "$seconds" "$limit"
	echo
	runs '
	function run(words, key) {
		printf "%-16s %12s %17.0f%% %15s %14.1f %13s\n", words, mib(peak[key]), punctual[key], time(stall[key]),
			syncs[key], time(p99[key])
	}
	END {
		printf "%-16s %12s %18s %15s %14s %13s\n", "", "hog, highest", "appends on time", "longest stall", "fsyncs/s of 20", "fsync p99"
		run("no limit", "free")
		run("limit " mib(limit), "limited")
	}'
	echo
	[[ ${charset^^} =~ UTF-?8 ]] || ascii=(--ascii)
	"$workload" plot --title "The hog's dirty and writeback pages" --limit "$limit" \
		--series "no limit=$out/free.csv" --series "with the limit=$out/limited.csv" \
		--svg "$out/dirty.svg" ${ascii[@]+"${ascii[@]}"}
	echo
	echo "The picture is in ${out#"$TOP/"}/dirty.svg as well."
	runs '
	END {
		printf "Without a limit the hog held up to %s. The log made %.0f%% of its appends in time and once stood still for %s; the database made %.1f of 20 fsyncs a second.\n",
			mib(peak["free"]), punctual["free"], time(stall["free"]), syncs["free"]
		if (peak["limited"] <= limit) words = "stayed below it (highest " mib(peak["limited"]) ")"
		else words = "passed it by " int((peak["limited"] - limit) / 4096) " pages"
		printf "With memory.dirty_limit_in_bytes=%dM on the hog it %s. The log made %.0f%% of its appends in time and never waited longer than %s; the database made %.1f fsyncs a second, 99%% of them within %s.\n",
			limit / 1048576, words, punctual["limited"], time(stall["limited"]), syncs["limited"], time(p99["limited"])
		exit !(peak["limited"] <= limit + slack && punctual["limited"] > punctual["free"] && syncs["limited"] >= 10 &&
			syncs["limited"] >= 3 * syncs["free"])
	}' || die demo "the limit was passed, or the neighbours did not get through"
}

# The same, indexed by "plain" and "adopt".
restarts()
{
	# shellcheck disable=SC2016 # The columns are awk's.
	summary restart.csv '{ before[$1] = $2; own[$1] = $3; slice[$1] = $4; bytes_read[$1] = $5; ms[$1] = $6 }'"$1"
}

act_restart()
{
	step demo "a service is restarted, without recharging and with it"
	guest --disk 512M,fs=ext4 -- /demo/restart.sh "$cache"
	echo
	restarts '
	function run(words, key) {
		printf "%-20s %12s %12s %17s %10s\n", words, mib(before[key]), mib(own[key]), mib(slice[key]), mib(bytes_read[key])
	}
	END {
		printf "%-20s %12s %12s %17s %10s\n", "charged to app", "before", "after", "left with slice", "read"
		run("no recharging", "plain")
		run("recharge_adopt", "adopt")
	}'
	echo
	restarts '
	END {
		printf "Without recharging the restarted service had %s of its %s of page cache to its name; the rest stayed with its slice, where no limit of the service covers it.\n",
			mib(own["plain"]), mib(cache)
		printf "With recharge_adopt %s were its own again %.1f s after it was back, and %s was read from the disk.\n",
			mib(own["adopt"]), ms["adopt"] / 1000, bytes_read["adopt"] ? mib(bytes_read["adopt"]) : "nothing"
		exit !(own["adopt"] >= cache * 0.99 && own["plain"] <= cache * 0.01 && bytes_read["adopt"] == 0)
	}' || die demo "recharging made another difference than it should"
}

# The same, indexed by "plain" and "memcg".
payments()
{
	# shellcheck disable=SC2016 # The columns are awk's.
	summary pay.csv '
	{ a[$1] = $2; b[$1] = $3; own[$1] = $4; status[$1] = $5; kills[$1] = $6; room[$1] = $7 }
	function times(count) { return count == 1 ? "once" : count " times" }
	'"$1"
}

act_pay()
{
	step demo "two containers share a tmpfs, without memcg= and with it"
	guest -- /demo/pay.sh "$pod" "$most" "$shared"
	echo
	payments '
	function run(words, key) {
		printf "%-20s %12s %12s %12s %24s %10s\n", words, mib(a[key]), mib(b[key]), mib(own[key]),
			kills[key] ? "b is killed" : status[key] == 1 ? "no space left on device" : "status " status[key], kills[key]
	}
	END {
		printf "%-20s %12s %12s %12s %24s %10s\n", "charged to", "a", "b", "rest of pod", "when it is full", "killed"
		run("plain tmpfs", "plain")
		run("memcg=pod/shm", "memcg")
	}'
	echo
	payments '
	END {
		printf "On the plain tmpfs a paid for all %s, since it came first, and when the pod was full somebody was killed (%s).\n",
			mib(a["plain"]), times(kills["plain"])
		printf "With memcg= the cgroup that is there for it paid for %s, the containers for %s; when it was full but for the sixteenth that is left to its own processes, b was told %s after %s more, and %s was killed.\n",
			mib(own["memcg"]), mib(a["memcg"] + b["memcg"]), status["memcg"] == 1 ? "by ENOSPC" : "otherwise",
			mib(room["memcg"]), kills["memcg"] ? "somebody" : "nobody"
		exit !(own["memcg"] >= shared * 0.99 && a["memcg"] + b["memcg"] == 0 && a["plain"] >= shared * 0.99 &&
			status["memcg"] == 1 && !kills["memcg"] && room["memcg"] >= (most * 15 / 16 - shared) * 0.99)
	}' || die demo "memcg= made another difference than it should"
}

acts=("$@")
((${#acts[@]})) || acts=(limit restart pay)
for act in "${acts[@]}"; do
	declare -F "act_$act" >/dev/null || die demo "there is no act $act"
done
for act in "${acts[@]}"; do
	"act_$act"
done
