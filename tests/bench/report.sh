#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Writes Documentation/benchmarks.md from the rows in build/bench/. Every figure
# and every verdict in it is computed here; a section whose rows are not there
# stays as the document has it.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tools/env.sh
source "$here/../../tools/env.sh"
shopt -s inherit_errexit
document=$TOP/Documentation/benchmarks.md

# rows NAME PROGRAM: awk over the rows of a measurement; f("x") is column x, and
# cpus the number of the guest's processors.
rows()
{
	awk -F, '
	function f(name) {
		if (!(name in column)) { print "no column " name >"/dev/stderr"; exit 1 }
		return $column[name]
	}
	function verdict(requirement, figure, met) {
		printf "| %s | %s | %s |\n", requirement, figure, met ? "met" : "**not met**"
	}
	function mib(bytes) { return sprintf("%g MiB", int(bytes / 104857.6 + 0.5) / 10) }
	function time(us) {
		return us < 1000 ? us " µs" : us < 1e6 ? sprintf("%.1f ms", us / 1000) : sprintf("%.1f s", us / 1e6)
	}
	function percent(part) { return sprintf("%.1f %%", 100 * part) }
	function case_name() { return mib(f("limit")) ", " f("writers") " × " f("mode") }
	/^# guest:/ { split($2, words, " "); cpus = words[1] }
	/^#/ { next }
	!header { for (i = 1; i <= NF; i++) column[$i] = i; header = 1; next }
	'"$2" "$BUILD/bench/$1.csv"
}

verdicts()
{
	printf '| requirement | figure | verdict |\n|---|---|---|\n'
}

# sections: NAME TITLE, in the order of the document.
sections()
{
	cat <<-'END'
		tightness How closely a limit is held
		lowering A lowered limit
		parent A parent's limit
		victim A victim beside a hog
		cost What it costs where nobody is throttled
		recharge What removed cgroups left
		redirect Charges that go elsewhere
	END
}

write_tightness()
{
	cat <<-'END'
		Writers in one cgroup with `memory.dirty_limit_in_bytes`, on ext4 on a disk of 20 MB/s. dirty+writeback is
		sampled each 10 ms from `memory.stat`, which the kernel keeps to within 64 pages per CPU. It prints what is dirty
		and looks at what is under writeback a moment later, so that pages on their way are in both; and it collects what the
		processors have counted one after the other: a sample above the limit is read once more, from figures collected anew,
		and the lower of the two counts, for the highest as well. How many were above it at first is in brackets. The mean,
		and the share of samples above the limit, are of the time from when half the limit was reached; the disk's speed is
		what one writer with O_DIRECT gets in the same guest.

	END
	verdicts
	rows tightness '
	f("limit") == 0 { stock[f("writers") " × " f("mode")] = f("rate") / f("disk") }
	f("limit") > 0 {
		over = (f("max") - f("limit")) / 4096
		if (!n || over > worst_over) { worst_over = over; who_over = case_name() }
		above = f("above") / f("samples")
		if (!n || above > worst_above) { worst_above = above; who_above = case_name() }
		mean = f("mean") / f("limit")
		if (!n || mean < worst_mean) { worst_mean = mean; who_mean = case_name() }
		use = f("rate") / f("disk")
		if (f("limit") >= 16 * 1048576 && (!who_use || use < worst_use)) {
			worst_use = use; who_use = case_name(); writers = f("writers") " × " f("mode")
		}
		n++
	}
	END {
		verdict("highest dirty+writeback ≤ limit + 64 pages × CPUs (" 64 * cpus " pages)",
			sprintf("limit %+d pages (%s)", worst_over, who_over), worst_over <= 64 * cpus)
		verdict("samples above the limit ≤ 1 %", percent(worst_above) " (" who_above ")", worst_above <= 0.01)
		verdict("mean while writers are throttled ≥ 0.70 × limit",
			sprintf("%.2f (%s)", worst_mean, who_mean), worst_mean >= 0.70)
		verdict("throughput at limit ≥ 16 MiB ≥ 97 % of the disk", percent(worst_use) " (" who_use \
			(writers in stock ? "; stock kernel, no limit: " percent(stock[writers]) : "") ")", worst_use >= 0.97)
	}'
	printf '\nThe figures above are the worst of these:\n\n'
	echo '| limit | writers | highest, pages from the limit | samples above | mean / limit | throughput / disk |'
	echo '|---|---|---|---|---|---|'
	rows tightness 'f("limit") > 0 {
		printf "| %s | %d × %s | %+d | %s (%d) of %d | %.2f | %s |\n", mib(f("limit")), f("writers"), f("mode"),
			(f("max") - f("limit")) / 4096, percent(f("above") / f("samples")), f("first_above"), f("samples"),
			f("mean") / f("limit"), percent(f("rate") / f("disk"))
	}'
	printf '\nThe stock kernel, which has only its system-wide limit:\n\n'
	echo '| writers | highest | mean | throughput / disk |'
	echo '|---|---|---|---|'
	rows tightness 'f("limit") == 0 {
		printf "| %d × %s | %s | %s | %s |\n", f("writers"), f("mode"), mib(f("max")), mib(f("mean")),
			percent(f("rate") / f("disk"))
	}'
	cat <<-'END'

		A kernel with only a naive hook, the limit put in the place of what `domain_dirty_limits()` derives. These figures are
		not made by `make bench`: they are from a trial before this series, with four writers (where not said otherwise), of
		each by write, on the same disk and guest.

		| limit | highest / limit | mean / limit | samples above |
		|---|---|---|---|
		| 4 MiB | 1.19 | 0.93 | 65 % |
		| 16 MiB | 1.07 | 0.80 | 54 % |
		| 16 MiB, one writer, statistics not flushed | 1.12 | 0.86 | 53 % |
		| 64 MiB | 1.01 | 0.72 | 31 % |

		With 88 % of the limit in its place, and one writer of each group by mmap: 16 MiB was passed by 16 writers only (highest
		1.04, 2.3 % of the samples above), 4 MiB by all (4 writers: 1.53, 43 %; 16: 1.58).
	END
}

write_lowering()
{
	cat <<-'END'
		A limit of 256 MiB is lowered to 16 MiB while the writers go on, on ext4 on a disk of 20 MB/s. The drain time is
		what the cgroup held above 16 MiB, over the speed of the disk as O_DIRECT finds it.

	END
	verdicts
	rows lowering '{
		drain = (f("held") - f("to")) / f("disk") * 1000
		verdict(mib(f("from")) " lowered to " mib(f("to")) ": below in drain time + 1 s, " f("writers") (f("writers") == 1 ? " writer" : " writers"),
			sprintf("%.1f s, drain time %.1f s (from %s)", f("ms") / 1000, drain / 1000, mib(f("held"))),
			f("ms") <= drain + 1000)
	}'
}

write_parent()
{
	cat <<-'END'
		Eight children with a writer each share their parent's limit, on ext4 on a disk of 20 MB/s. Sampled as above, the
		parent's figures being the sum over its subtree. Jain's index is of the bytes that were written to the
		disk for each child (`io.stat`).

	END
	verdicts
	rows parent '
	function name() { return mib(f("limit")) ", " f("mode") }
	{
		over = (f("max") - f("limit")) / 4096
		if (!n || over > worst_over) { worst_over = over; who_over = name() }
		above = f("above") / f("samples")
		if (!n || above > worst_above) { worst_above = above; who_above = name() }
		if (!n || f("jain") < worst_jain) { worst_jain = f("jain"); who_jain = name() }
		n++
	}
	END {
		verdict("parent: highest sum ≤ limit + 64 pages × CPUs (" 64 * cpus " pages)",
			sprintf("limit %+d pages (%s)", worst_over, who_over), worst_over <= 64 * cpus)
		verdict("parent: samples of the sum above the limit ≤ 1 %", percent(worst_above) " (" who_above ")",
			worst_above <= 0.01)
		verdict("parent: Jain fairness of 8 children ≥ 0.95", worst_jain " (" who_jain ")", worst_jain >= 0.95)
	}'
	printf '\n| limit | children by | highest, pages from the limit | samples above | mean / limit | Jain | throughput / disk |\n'
	echo '|---|---|---|---|---|---|---|'
	rows parent '{
		printf "| %s | %s | %+d | %s (%d) of %d | %.2f | %s | %s |\n", mib(f("limit")), f("mode"),
			(f("max") - f("limit")) / 4096, percent(f("above") / f("samples")), f("first_above"), f("samples"),
			f("mean") / f("limit"), f("jain"), percent(f("rate") / f("disk"))
	}'
}

write_victim()
{
	cat <<-'END'
		125 buffered appends of 4 KiB a second, on a disk of 2 MB/s with `vm.dirty_bytes`=32M, beside a hog that writes as
		fast as it may. "Limited" is a hog with a limit of 4 MiB, "floor" a victim with `memory.dirty_min`=8M beside
		a hog without a limit. ext4 and btrfs are reported without a requirement. Median, p99 and stall are of the call itself.
		Those appends that a stall had made late follow it at once, and fast, so the rate is lower only for what had not been
		made up for at the end; "on time" are those that were done before the next one was due.

		A floor keeps the system-wide limit from slowing the victim while it holds no more than 8 MiB, which it has appended in
		16 s. Its pages are written no sooner than others, and each time that they have not been until then, it waits like
		everybody else: its highest figure is more than 8 MiB then. A limit for the hog does not have that end.

	END
	verdicts
	rows victim '
	f("kernel") == "release" { rate[f("fs"), f("case")] = f("rate"); stall[f("fs"), f("case")] = f("max_us") }
	function of_alone(fs, what) { return rate[fs, "alone"] ? rate[fs, what] / rate[fs, "alone"] : 0 }
	END {
		for (i = split("ext2 xfs", filesystems, " "); i > 0; i--) {
			fs = filesystems[3 - i]
			verdict("victim, " fs ", hog limited: ≥ 95 % of its rate alone", percent(of_alone(fs, "limited")),
				of_alone(fs, "limited") >= 0.95)
			verdict("victim, " fs ", hog limited: longest stall ≤ 50 ms", time(stall[fs, "limited"]),
				stall[fs, "limited"] <= 50000)
			verdict("victim, " fs ", floor: ≥ 95 % of its rate alone", percent(of_alone(fs, "floor")),
				of_alone(fs, "floor") >= 0.95)
		}
	}'
	cat <<-'END'

		The last column says in which kernel function the victim was found waiting, in percent of all looks (one each 5 ms);
		its waits for its next turn are left out.

		| file system | kernel | case | appends/s | on time | median | p99 | longest stall | victim's highest | hog's highest | where it waits |
		|---|---|---|---|---|---|---|---|---|---|---|
	END
	rows victim '{
		printf "| %s | %s | %s | %.1f | %s | %s | %s | %s | %s | %s | %s |\n", f("fs"), (f("kernel") == "stock" ? "stock" : "patched"),
			f("case"), f("rate"), percent(f("on_time")), time(f("p50_us")), time(f("p99_us")), time(f("max_us")),
			mib(f("victim_max")), (f("hog_max") > 0 ? mib(f("hog_max")) : ""), f("waits")
	}'
}

write_cost()
{
	cat <<-'END'
		Instructions in a guest whose clock counts them (QEMU `-icount`, one processor): 4 KiB by `pread` or `pwrite`, or one
		store to a page of a shared mapping, over and over 16 MiB, timer ticks included. "Clean" pages are in memory and written
		back, so each gets dirty once, if it is not just read: on ext4 the path on which a limit is counted and checked. "Fresh"
		ones are new to a file that was truncated: allocated and charged as well. The limit, where one is set, is 256 MiB and not
		reached. Recharging is on where all three switches are; inherited is then another file than the one that is measured.

	END
	verdicts
	rows cost '
	{
		what = f("fs") ", " f("op") ", " f("pages")
		if (!(what in seen)) { seen[what] = ++count; order[count] = what }
		state = f("state"); value = f("instructions")
		sum[what, state] += value; runs[what, state]++
		if (!((what, state) in low) || value < low[what, state]) low[what, state] = value
		if (value > high[what, state]) high[what, state] = value
	}
	function mean(what, state) { return runs[what, state] ? sum[what, state] / runs[what, state] : 0 }
	function more(what, state) { return 100 * (mean(what, state) / mean(what, "stock") - 1) }
	function row(state, words, bound,    i, worst, who) {
		worst = -100
		for (i = 1; i <= count; i++)
			if (more(order[i], state) > worst) { worst = more(order[i], state); who = order[i] }
		verdict(words " ≤ +" bound " %", sprintf("%+.2f %% (%s)", worst, who), worst <= bound)
	}
	END {
		row("unloaded", "instructions, module not loaded:", 0.2)
		row("unset", "instructions, module loaded, nothing set:", 0.3)
		row("set", "instructions, limit set, not throttled:", 1)
		row("unset", "instructions, recharging off, module loaded:", 0.2)
		row("recharge", "instructions, recharging on, nothing inherited:", 0.3)
		for (key in high) {
			spread = 100 * (high[key] / low[key] - 1)
			if (spread > widest) widest = spread
		}
		printf "\n| file system, operation, pages | stock, instructions | unloaded | loaded, nothing set | limit set "
		printf "| recharging on, nothing inherited | and another file inherited |\n|---|---|---|---|---|---|---|\n"
		for (i = 1; i <= count; i++)
			printf "| %s | %.1f | %+.2f %% | %+.2f %% | %+.2f %% | %+.2f %% | %+.2f %% |\n", order[i],
				mean(order[i], "stock"), more(order[i], "unloaded"), more(order[i], "unset"), more(order[i], "set"),
				more(order[i], "recharge"), more(order[i], "inherited")
		printf "\nEach is the mean of two guests, which differed by %.3f %% at most.\n", widest
	}'
}

write_recharge()
{
	cat <<-'END'
		What a cgroup brought in is inherited by its parent when it is removed, and then charged to another, in place. All of it
		is in memory and written back; of ext4 it is page cache, of tmpfs shared memory.

	END
	verdicts
	# shellcheck disable=SC2016 # It is Markdown.
	rows recharge '
	function kind(    size) {
		size = f("given") / f("folios")
		folio_size = size < 256 ? sprintf("%.0f KiB", 4 * size) : sprintf("%.0f MiB", size / 256)
		return f("folio") ", " folio_size
	}
	function worse(key, figure, is_worse, who) {
		if (!(key in whose) || is_worse) { worst[key] = figure; whose[key] = who }
	}
	{ share = f("moved") / f("given"); name = kind() }
	f("test") == "move" {
		worse("share", share, share < worst["share"], name)
		what = name (f("mapped") == "no" ? ", not mapped" : ", mapped once") ", by " f("by")
		run = f("run")
		if (!(what in seen)) {
			seen[what] = ++count; order[count] = what
			group[what] = folio_size == "4 KiB" ? f("mapped") : "large " f("mapped")
		}
		if (run > runs) runs = run
		# The second size is the larger one.
		per_page[what, run] = (f("ns") - ns[what, run]) / (f("moved") - moved[what, run])
		ns[what, run] = f("ns"); moved[what, run] = f("moved")
	}
	f("test") == "restart" {
		worse("own", share, share < worst["own"], name)
		worse("read", f("bytes_read"), f("bytes_read") > worst["read"], name)
		adopted = f("ns") / 1000
		ratio = adopted / 1000 / f("back_ms")
		at_speed = f("speed") == "max" ? "as fast as the host" : f("speed") / 1e6 " MB/s"
		if (f("speed") != "max") worse("ratio", ratio, ratio > worst["ratio"], name)
		restarts = restarts sprintf("| %s | %s | %s | %s | %s | %s | %.2f |\n", name, percent(share), f("bytes_read"),
			time(adopted), at_speed, time(f("back_ms") * 1000), ratio)
	}
	f("test") == "deferred" {
		worse("late", share, share < worst["late"], name)
		deferred = deferred sprintf("| %s | %s | %s | %s | %d |\n", name, time(f("back_ms") * 1000), percent(share),
			share >= 0.99 ? time(f("ns") / 1000) : "", f("dropped"))
	}
	function instructions(which, words, bound) {
		verdict("recharging, instructions per " words " ≤ " bound,
			sprintf("%.0f (%s)", worst[which], whose[which]), worst[which] <= bound)
	}
	END {
		for (i = 1; i <= count; i++) {
			what = order[i]; sum = 0; low = per_page[what, 1]; high = low
			for (run = 1; run <= runs; run++) {
				value = per_page[what, run]; sum += value
				if (value < low) low = value
				if (value > high) high = value
			}
			mean = sum / runs; which = group[what]
			worse(which, mean, mean > worst[which], what)
			moves = moves sprintf("| %s | %.1f | %.1f |\n", what, mean, high - low)
		}
		instructions("no", "4 KiB folio, not mapped:", 1300)
		instructions("once", "4 KiB folio, mapped once:", 3000)
		instructions("large no", "page of a large folio:", 100)
		verdict("recharging, quiet system: 100 % of what was given is moved",
			percent(worst["share"]) " (" whose["share"] ")", worst["share"] >= 1)
		verdict("restarted service, 256 MiB, adoption: ≥ 99 % its own",
			percent(worst["own"]) " (" whose["own"] ")", worst["own"] >= 0.99)
		verdict("restarted service, 256 MiB, adoption: without a read", worst["read"] " bytes", worst["read"] == 0)
		verdict("deferred, one sequential read of 256 MiB: ≥ 99 % its own one second later",
			percent(worst["late"]) " (" whose["late"] ")", worst["late"] >= 0.99)

		print "\nInstructions per page, in a guest whose clock counts them (QEMU `-icount`, one processor): those of the kernel\47s"
		print "workers, or of the write to `memory.recharge`. What a pass costs whatever it finds is left out: two sizes are"
		print "measured, and this is the difference. The requirement for large folios is taken to be for those not mapped."
		print "\n| folios | instructions per page | two guests differ by |\n|---|---|---|"
		printf "%s", moves
		print "\nA service with 256 MiB of page cache, on ext4, is removed and made again, with `recharge_adopt`. Until 99 % are its own"
		print "takes so long, of which the worker waits the first 100 ms; bytes read from the disk until then, and while the service"
		print "reads all of its file. Beside it the time to read the file from the disk instead, which `io.max` holds to a speed or"
		print "which is as fast as the host can copy."
		print "\n| folios | its own | bytes read | adopted after | disk | reading it back | ratio |\n|---|---|---|---|---|---|---|"
		printf "%s", restarts
		print "\nAnother cgroup reads the file of a removed one, with `recharge_access`: once, from memory, 64 KiB at a time. \"Late\" is"
		print "how long after the last read 99 % are its own; dropped are the pages whose access found no room to be noted."
		print "\n| folios | the read took | its own 1 s later | late | dropped |\n|---|---|---|---|---|"
		printf "%s", deferred
	}'
}

write_redirect()
{
	cat <<-'END'
		Instructions per 4 KiB written to a tmpfs by `pwrite`, or per store to a page of a shared mapping of it, counted as above,
		all pages being new. "memcg=" is a mount that names another cgroup, "persistent" a writer whose parent declares
		`memory.persistent`. The cgroup that is charged is at the same depth in all of them.

	END
	verdicts
	rows redirect '
	f("state") == "full" { full[f("op")] = f("value"); next }
	{
		state = f("state"); op = f("op"); value = f("value")
		if (!(op in seen)) { seen[op] = ++count; order[count] = op }
		sum[op, state] += value; runs[op, state]++
		if (!((op, state) in low) || value < low[op, state]) low[op, state] = value
		if (value > high[op, state]) high[op, state] = value
	}
	function mean(op, state) { return runs[op, state] ? sum[op, state] / runs[op, state] : 0 }
	function more(op, state, than) { return 100 * (mean(op, state) / mean(op, than) - 1) }
	function row(words, state, than, bound,    i, worst, who) {
		worst = -100
		for (i = 1; i <= count; i++)
			if (more(order[i], state, than) > worst) { worst = more(order[i], state, than); who = order[i] }
		verdict(words " ≤ +" bound " %", sprintf("%+.2f %% (%s)", worst, who), worst <= bound)
	}
	END {
		row("tmpfs, instructions, nothing redirected, against the stock kernel:", "unused", "stock", 0.2)
		row("tmpfs, instructions, through memcg=, against nothing redirected:", "memcg", "unused", 2)
		row("tmpfs, instructions, through memory.persistent, against nothing redirected:", "persistent", "unused", 2)
		for (key in high) {
			spread = 100 * (high[key] / low[key] - 1)
			if (spread > widest) widest = spread
		}
		print "\n| tmpfs | stock, instructions | nothing redirected | memcg= | persistent |\n|---|---|---|---|---|"
		for (i = 1; i <= count; i++)
			printf "| %s | %.1f | %.1f | %.1f (%+.2f %%) | %.1f (%+.2f %%) |\n", order[i], mean(order[i], "stock"),
				mean(order[i], "unused"), mean(order[i], "memcg"), more(order[i], "memcg", "unused"),
				mean(order[i], "persistent"), more(order[i], "persistent", "unused")
		printf "\nEach is the mean of two guests, which differed by %.3f %% at most. From the charge to ENOSPC, where memcg= names\n", widest
		printf "a cgroup that is full and nothing can be reclaimed, the slowest of a hundred (p99): %s with one writer, %s with 16\n",
			time(full["1"]), time(full["16"])
		print "at once on two processors."
	}'
}

# build_of NAME: the build that a section was measured on.
build_of()
{
	local build
	build=$(sed -n 's/^# build: //p' "$BUILD/bench/$1.csv")
	echo "${build:-not recorded, and perhaps more than one}"
}

# section NAME TITLE
section()
{
	printf '\n## %s\n\n' "$2"
	if [[ -s $BUILD/bench/$1.csv ]]; then
		# shellcheck disable=SC2016 # It is Markdown.
		printf 'Made by `tests/bench/run.sh %s`. %s. %s. Build: %s.\n\n' "$1" \
			"$(sed -n 's/^# host: /Host: /p' "$BUILD/bench/$1.csv")" \
			"$(sed -n 's/^# guest: /guest: /p' "$BUILD/bench/$1.csv" | sort -u | paste -sd ';')" \
			"$(build_of "$1")"
		"write_$1"
	elif [[ -s $document ]] && grep -qx "## $2" "$document"; then
		printf '%s\n' "$(awk -v title="## $2" '/^## / { inside = $0 == title; next } inside' "$document" | sed 1d)"
	else
		echo "Not measured."
	fi
}

body=$(sections | while read -r name title; do
	section "$name" "$title"
done)
builds=$(sed -n 's/.* Build: \(.*\)\.$/\1/p' <<<"$body" | sort -u)
mkdir -p "$(dirname "$document")"
{
	cat <<-'END'
		# Benchmarks

		`make bench` measures all of this and writes this page, the verdicts included; `tests/bench/run.sh NAME` does it for one
		section. Each measurement is a script in `tests/bench/`, which says in its first lines what it does, and runs in a
		virtual machine without acceleration if need be: what is measured is how exactly limits hold, how long waits are against a
		disk of a given speed, and counts of instructions, none of which needs a fast machine.

	END
	if [[ $builds == *$'\n'* || $builds == *recorded* ]]; then
		printf '**Provisional: these sections were not all measured on one build.**\n\n'
	fi
	printf 'All verdicts:\n\n'
	verdicts
	grep -E '\| (met|\*\*not met\*\*) \|$' <<<"$body" || true
	printf '%s\n' "$body"
} >"$document.new"
mv "$document.new" "$document"
