#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Writes Documentation/benchmarks.md and its plots (plots.sh) from the rows in
# build/bench/. All figures and verdicts in it are computed here; a section without rows
# stays as it is in the document, and so do its plots.
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tools/env.sh
source "$here/../../tools/env.sh"
shopt -s inherit_errexit
# shellcheck source=tests/bench/plots.sh
source "$here/plots.sh"
document=$TOP/Documentation/benchmarks.md
command -v gnuplot >/dev/null || die bench "gnuplot is missing (tools/deps.sh bench installs it)"

# rows NAME PROGRAM: run awk over the rows of a measurement; f("x") is column x, and
# cpus is the number of the guest's processors.
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
	function worse(key, figure, is_worse, who) {
		if (!(key in whose) || is_worse) { worst[key] = figure; whose[key] = who }
	}
	# A point of a plot, see draw() in plots.sh.
	function point(panel, group, series, value, label) { print panel "|" group "|" series "|" value "|" label }
	/^# guest:/ { split($2, words, " "); cpus = words[1] }
	/^#/ { next }
	!header { for (i = 1; i <= NF; i++) column[$i] = i; header = 1; next }
	'"$2" "$BUILD/bench/$1.csv"
}

# Functions of awk that compare the means of states: note() takes a value, row() prints the verdict on the case that differs
# most, and spread() is the most by which two values of a state differ.
comparison='
	function note(what, state, value) {
		if (!(what in seen)) { seen[what] = ++count; order[count] = what }
		sum[what, state] += value; runs[what, state]++
		if (!((what, state) in low) || value < low[what, state]) low[what, state] = value
		if (value > high[what, state]) high[what, state] = value
	}
	function mean(what, state) { return runs[what, state] ? sum[what, state] / runs[what, state] : 0 }
	function more(what, state, than) { return 100 * (mean(what, state) / mean(what, than) - 1) }
	function row(words, state, than, bound,    i, most, who) {
		most = -100
		for (i = 1; i <= count; i++)
			if (more(order[i], state, than) > most) { most = more(order[i], state, than); who = order[i] }
		verdict(words " ≤ +" bound " %", sprintf("%+.2f %% (%s)", most, who), most <= bound)
	}
	function spread(    key, widest) {
		for (key in high)
			if (100 * (high[key] / low[key] - 1) > widest) widest = 100 * (high[key] / low[key] - 1)
		return widest
	}
'

verdicts()
{
	printf '| requirement | figure | verdict |\n|---|---|---|\n'
}

# sections: print NAME TITLE of each section, in the order of the document.
sections()
{
	cat <<-'END'
		tightness How closely a limit is held
		lowering A lowered limit
		parent A parent's limit
		victim A victim beside a hog
		pace Syncs beside a hog
		memory Memory beside a bulk writer of the same cgroup
		cost What it costs where nobody is throttled
		recharge What removed cgroups left
		redirect Charges that go elsewhere
		scale Many mounts, many removed cgroups, a large parent
		busy Many busy cgroups
	END
}

write_tightness()
{
	cat <<-'END'
		Writers in one cgroup with `memory.dirty_limit_in_bytes` write to ext4 on a disk of 20 MB/s. Dirty and writeback pages are
		sampled every 10 ms from `memory.stat`, which is exact to 64 pages per CPU. A single reading can be too high: the kernel
		reads dirty pages a moment before pages under writeback, so a page that changes from one to the other counts twice, and it
		collects the processors' counts one after the other. A sample above the limit is therefore read once more after the
		statistics were flushed, and the lower reading counts, for the highest value too. The number of samples whose first reading
		was above the limit is in brackets. The mean and the share of samples above the limit start when half the limit is reached.
		The speed of the disk is the throughput of one O_DIRECT writer in the same guest.

	END
	plot_tightness
	verdicts
	rows tightness '
	f("limit") == 0 { stock[f("writers") " × " f("mode")] = f("rate") / f("disk") }
	f("limit") > 0 {
		over = (f("max") - f("limit")) / 4096
		worse("over", over, over > worst["over"], case_name())
		above = f("above") / f("samples")
		worse("above", above, above > worst["above"], case_name())
		mean = f("mean") / f("limit")
		worse("mean", mean, mean < worst["mean"], case_name())
		use = f("rate") / f("disk")
		if (f("limit") >= 16 * 1048576 && (!who_use || use < worst_use)) {
			worst_use = use; who_use = case_name(); writers = f("writers") " × " f("mode")
		}
	}
	END {
		verdict("highest dirty+writeback ≤ limit + 64 pages × CPUs (" 64 * cpus " pages)",
			sprintf("limit %+d pages (%s)", worst["over"], whose["over"]), worst["over"] <= 64 * cpus)
		verdict("samples above the limit ≤ 1 %", percent(worst["above"]) " (" whose["above"] ")", worst["above"] <= 0.01)
		verdict("mean while writers are throttled ≥ 0.70 × limit",
			sprintf("%.2f (%s)", worst["mean"], whose["mean"]), worst["mean"] >= 0.70)
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

		A kernel with a naive hook only: the limit replaces the value that `domain_dirty_limits()` derives. `make bench` does not
		measure this. The figures are from a trial that preceded the series, on the same disk and guest, with four processes that
		use write(2), unless the table says otherwise.

		| limit | highest / limit | mean / limit | samples above |
		|---|---|---|---|
		| 4 MiB | 1.19 | 0.93 | 65 % |
		| 16 MiB | 1.07 | 0.80 | 54 % |
		| 16 MiB, one writer, statistics not flushed | 1.12 | 0.86 | 53 % |
		| 64 MiB | 1.01 | 0.72 | 31 % |

		In a second trial the value was 88 % of the limit, and one writer of each group used a shared mapping. The limit of 16 MiB was
		exceeded by 16 writers only (highest 1.04, 2.3 % of the samples above), that of 4 MiB by all (4 writers: 1.53, 43 %; 16: 1.58).
	END
}

write_lowering()
{
	cat <<-'END'
		A limit of 256 MiB is lowered to 16 MiB while the writers continue, on ext4 on a disk of 20 MB/s. The drain time is
		the number of bytes that the cgroup held above 16 MiB, divided by the speed of the disk (O_DIRECT).

	END
	plot_lowering
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
		Eight children with one writer each share the limit of their parent, on ext4 on a disk of 20 MB/s. Samples are taken as
		above; the figures of the parent are the sum over its subtree. Jain's index is computed from the bytes written to the disk
		for each child (`io.stat`).

	END
	verdicts
	rows parent '
	function name() { return mib(f("limit")) ", " f("mode") }
	{
		over = (f("max") - f("limit")) / 4096
		worse("over", over, over > worst["over"], name())
		above = f("above") / f("samples")
		worse("above", above, above > worst["above"], name())
		worse("jain", f("jain"), f("jain") < worst["jain"], name())
	}
	END {
		verdict("parent: highest sum ≤ limit + 64 pages × CPUs (" 64 * cpus " pages)",
			sprintf("limit %+d pages (%s)", worst["over"], whose["over"]), worst["over"] <= 64 * cpus)
		verdict("parent: samples of the sum above the limit ≤ 1 %", percent(worst["above"]) " (" whose["above"] ")",
			worst["above"] <= 0.01)
		verdict("parent: Jain fairness of 8 children ≥ 0.95", worst["jain"] " (" whose["jain"] ")", worst["jain"] >= 0.95)
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
		A victim makes 125 buffered appends of 4 KiB per second, on a disk of 2 MB/s with `vm.dirty_bytes`=32M, beside a hog that
		writes as fast as it can. In "limited" the hog has a limit of 4 MiB; in "floor" the victim has `memory.dirty_min`=8M and the
		hog has no limit. ext4 and btrfs are reported without a requirement. Median, p99 and longest stall are those of the write
		call. After a stall the victim makes up for late appends at once, so its rate falls only by appends that were still missing
		at the end. An append is "on time" if it was done before the next one was due.

		A floor exempts the victim from the system-wide limit while it holds no more than 8 MiB, which it appends in 16 s. Its pages
		are not written any earlier than others. If they are still dirty after that time, the victim waits like every other writer,
		and its highest value is above 8 MiB. A limit on the hog has no such end.

	END
	plot_victim
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

		The last column names the kernel functions in which the victim waited, in percent of all samples (one every 5 ms).
		Waits for the next append's turn are left out.

		| file system | kernel | case | appends/s | on time | median | p99 | longest stall | victim's highest | hog's highest | where it waits |
		|---|---|---|---|---|---|---|---|---|---|---|
	END
	rows victim '{
		printf "| %s | %s | %s | %.1f | %s | %s | %s | %s | %s | %s | %s |\n", f("fs"), (f("kernel") == "stock" ? "stock" : "patched"),
			f("case"), f("rate"), percent(f("on_time")), time(f("p50_us")), time(f("p99_us")), time(f("max_us")),
			mib(f("victim_max")), (f("hog_max") > 0 ? mib(f("hog_max")) : ""), f("waits")
	}'
}

write_memory()
{
	cat <<-'END'
		A service and a process that writes a file as fast as it can are in one cgroup with `memory.high` or `memory.max` of 64 MiB,
		on a disk of 2 MB/s. Ten times per second the service maps 1 MiB, writes to each page and unmaps it. The memory for that has
		to be taken from the page cache of the writer. If most of that is dirty, the service waits for the disk. In "limited" the
		cgroup has `memory.dirty_limit_in_bytes`=8M, so most of the page cache is clean and can be dropped at once.

	END
	plot_memory
	verdicts
	rows memory '
	f("kernel") == "release" { longest[f("limit"), f("case")] = f("max_us") }
	function bounds(limit,    with, without) {
		with = longest[limit, "limited"]; without = longest[limit, "unlimited"]
		verdict("memory." limit ", a dirty limit: the longest wait for memory ≤ a tenth of that without",
			time(with) ", " time(without) " without", with > 0 && with <= without / 10)
	}
	END { bounds("high"); bounds("max") }'
	cat <<-'END'

		| limit | kernel | case | allocations/s | median | p99 | longest | writer |
		|---|---|---|---|---|---|---|---|
	END
	rows memory '{
		printf "| memory.%s | %s | %s | %.1f | %s | %s | %s | %.1f MB/s |\n", f("limit"), (f("kernel") == "stock" ? "stock" : "patched"),
			f("case"), f("rate"), time(f("p50_us")), time(f("p99_us")), time(f("max_us")), f("hog_rate") / 1000000
	}'
}

write_pace()
{
	local usec
	# The default pace when the rows were measured.
	usec=$(sed -n '/^# pace: /{s///p;q}' "$BUILD/bench/pace.csv")
	sed "s/@PACE@/$((usec / 1000))/" <<-'END'
		A victim and a hog share one disk. The table shows what the victim gets with each remedy against the hog. The victim appends
		4 KiB and calls fsync(), 20 times per second; or appends 125 times per second; or reads 4 KiB at random with O_DIRECT, 50 times
		per second. The hog overwrites one file, or 16 files ("many"), or writes through a mapping ("mmap"), or alternates 8 MiB and an
		fsync() ("sync"). Latencies are those of the call, for append and fsync() those of both together.

		"limit" is `memory.dirty_limit_in_bytes`=4M for the hog with `memory.dirty_pace_usec`=max, "pace" the limit with its
		default pace (@PACE@ ms), "floor" `memory.dirty_min`=8M for the victim beside a hog without a limit. What an administrator
		can do without this project was measured on the stock kernel: `io.max` with half of the disk's speed for the hog,
		`io.latency` with a target of 20 ms for the victim, iocost with 20 ms at the 95th percentile and weights of 10 and 1000,
		wbt with 20 ms, BFQ with the same weights. "bytes" is `vm.dirty_bytes`=32M, "ratio" `vm.dirty_ratio`=20 and
		`memory.max`=128M for both cgroups.

		Of what today's kernel offers, `io.max` on the hog is the one that helps: on a disk of 200 MB/s an fsync beside it is as
		short as with the pace or shorter, and on slower ones it is far better than nothing. It costs the hog the bandwidth even
		while nobody else wants it, and somebody has to know the disk's speed. `io.latency`, iocost, wbt and BFQ do not help an
		fsync on ext4 here: it waits for the journal and for data that is queued already, not for its own requests.

		An append and fsync() on ext4 waits for the device three or four times, each time for up to one pace, and the emulated
		disk adds half of one: it completes a request at once, and then writes nothing for the time that the request would take.

	END
	plot_pace
	verdicts
	rows pace '
	BEGIN { pace = '"$usec"' }
	{ key = f("fs") "," f("bps") "," f("kernel") "," f("vm") "," f("hog") "," f("means") "," f("victim")
	  rate[key] = f("rate"); p99[key] = f("p99_us"); longest[key] = f("max_us"); hog[key] = f("hog_rate") }
	function cell(fs, bps, how, victim) { return fs "," bps ",release,bytes," how "," victim }
	function speed(bps) { return bps / 1000000 " MB/s" }
	function worst_of(victim, how, bound_rate, bound_us, what, filesystems,    i, n, list, lowest, who, stall, whose, a, b, part) {
		n = split(filesystems, list, " "); lowest = 9; stall = 0
		for (i = 1; i <= n; i++) {
			a = cell(list[i], 2000000, "none,none", victim); b = cell(list[i], 2000000, how, victim)
			part = rate[a] ? rate[b] / rate[a] : 0
			if (part < lowest) { lowest = part; who = list[i] }
			if (longest[b] >= stall) { stall = longest[b]; whose = list[i] }
		}
		verdict(what ": ≥ " bound_rate * 100 " % of its rate alone", percent(lowest) " (" who ")", lowest >= bound_rate)
		verdict(what ": longest stall ≤ " bound_us / 1000 " ms", time(stall) " (" whose ")", stall <= bound_us)
	}
	END {
		for (s = 2000000; s <= 20000000; s *= 10)
			for (i = split("ext4 xfs btrfs", fss, " "); i > 0; i--) {
				fs = fss[4 - i]; a = cell(fs, s, "none,none", "fsync"); b = cell(fs, s, "seq,pace", "fsync")
				bound = 8 * p99[a] + 2 * pace
				if (bound > 150000) bound = 150000
				verdict("fsync beside a limited hog, " fs ", " speed(s) ": p99 ≤ 150 ms and ≤ 8 × alone + 2 × pace (" time(bound) ")",
					time(p99[b]), p99[b] > 0 && p99[b] <= bound)
				verdict("fsync beside a limited hog, " fs ", " speed(s) ": ≥ 50 % of its rate alone",
					percent(rate[a] ? rate[b] / rate[a] : 0), rate[b] >= 0.5 * rate[a] && rate[a] > 0)
			}
		for (i = split("many mmap sync", hogs, " "); i > 0; i--) {
			a = cell("ext4", 20000000, "none,none", "fsync"); b = cell("ext4", 20000000, hogs[i] ",pace", "fsync")
			verdict("fsync beside a limited hog (" hogs[i] "), ext4, 20 MB/s: p99 ≤ 150 ms, ≥ 50 % of its rate alone",
				time(p99[b]) ", " percent(rate[a] ? rate[b] / rate[a] : 0), p99[b] > 0 && p99[b] <= 150000 && rate[b] >= 0.5 * rate[a])
		}
		worst_of("append", "seq,pace", 0.95, 60000, "append beside a limited hog", "ext4")
		worst_of("append", "seq,floor", 0.95, 100000, "append with a floor beside a hog", "ext2 ext4 xfs btrfs")
		for (s = 2000000; s <= 20000000; s *= 10) {
			a = cell("ext4", s, "none,none", "read"); b = cell("ext4", s, "seq,pace", "read")
			verdict("read beside a limited hog, " speed(s) ": p99 ≤ alone + 2 × pace (" time(p99[a] + 2 * pace) ")", time(p99[b]),
				p99[b] > 0 && p99[b] <= p99[a] + 2 * pace)
		}
		for (s = 2000000; s <= 200000000; s *= 10)
			for (i = split("seq many", hogs, " "); i > 0; i--) {
				a = hog[cell("ext4", s, hogs[i] ",limit", "alone")]; b = hog[cell("ext4", s, hogs[i] ",pace", "alone")]
				# The first burst of a throttled disk is more than its speed.
				if (a > s) a = s
				verdict("hog alone, paced, " (hogs[i] == "many" ? "16 writers" : "1 writer") ", " speed(s) ": ≥ 97 % of the disk, or of what it writes without a pace",
					percent(a ? b / a : 0), a > 0 && b >= 0.97 * a)
			}
	}'
	printf '\n| file system | disk | kernel | vm.dirty_* | hog | against it | victim | rate | median | p99 | longest | disk writes |\n'
	echo '|---|---|---|---|---|---|---|---|---|---|---|---|'
	rows pace '{
		printf "| %s | %s MB/s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %.1f MB/s |\n", f("fs"), f("bps") / 1000000,
			(f("kernel") == "stock" ? "stock" : "patched"), f("vm"), f("hog"), f("means"), f("victim"),
			(f("victim") == "alone" ? "" : f("rate") "/s"), (f("victim") == "alone" ? "" : time(f("p50_us"))),
			(f("victim") == "alone" ? "" : time(f("p99_us"))), (f("victim") == "alone" ? "" : time(f("max_us"))),
			f("hog_rate") / 1000000
	}'
}

write_cost()
{
	cat <<-'END'
		The guest's clock counts instructions (QEMU `-icount`, one processor). One operation is a `pread` or `pwrite` of 4 KiB, or one
		store to a page of a shared mapping; it is repeated over 16 MiB, and timer ticks are included. "Clean" pages are in memory and
		written back, so a write dirties each of them once: on ext4 this is the path on which a limit is counted and checked. "Fresh"
		pages are new to a truncated file, so they are allocated and charged as well. The limit, where one is set, is 256 MiB and is
		not reached. "Recharging on" means all three switches; the inherited file is not the one that is measured.

	END
	plot_cost
	verdicts
	rows cost "$comparison"'
	function over_stock(what, state) { return more(what, state, "stock") }
	{ note(f("fs") ", " f("op") ", " f("pages"), f("state"), f("instructions")) }
	END {
		row("instructions, module not loaded:", "unloaded", "stock", 0.2)
		row("instructions, module loaded, nothing set:", "unset", "stock", 0.3)
		row("instructions, limit set, not throttled:", "set", "stock", 1)
		row("instructions, recharging off, module loaded:", "unset", "stock", 0.2)
		row("instructions, recharging on, nothing inherited:", "recharge", "stock", 0.3)
		printf "\n| file system, operation, pages | stock, instructions | unloaded | loaded, nothing set | limit set "
		printf "| recharging on, nothing inherited | and another file inherited |\n|---|---|---|---|---|---|---|\n"
		for (i = 1; i <= count; i++)
			printf "| %s | %.1f | %+.2f %% | %+.2f %% | %+.2f %% | %+.2f %% | %+.2f %% |\n", order[i],
				mean(order[i], "stock"), over_stock(order[i], "unloaded"), over_stock(order[i], "unset"),
				over_stock(order[i], "set"), over_stock(order[i], "recharge"), over_stock(order[i], "inherited")
		printf "\nEach is the mean of two guests, which differed by %.3f %% at most.\n", spread()
	}'
}

write_recharge()
{
	cat <<-'END'
		When a cgroup is removed, its parent inherits its pages. Their charge is then moved to another cgroup in place. All pages are
		in memory and written back. On ext4 they are page cache, on tmpfs shared memory.

	END
	plot_recharge
	verdicts
	# shellcheck disable=SC2016 # It is Markdown.
	rows recharge '
	function kind(    size) {
		size = f("given") / f("folios")
		folio_size = size < 256 ? sprintf("%.0f KiB", 4 * size) : sprintf("%.0f MiB", size / 256)
		return f("folio") ", " folio_size
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

		print "\nInstructions per page, in a guest whose clock counts them (QEMU `-icount`, one processor), of the kernel\47s worker or of the"
		print "write to `memory.recharge`. The fixed cost of a pass is left out: two sizes are measured, and the table shows the"
		print "difference. The requirement for large folios applies to folios that are not mapped."
		print "\n| folios | instructions per page | two guests differ by |\n|---|---|---|"
		printf "%s", moves
		print "\nA service with 256 MiB of page cache on ext4 is removed and created again, with `recharge_adopt`. \"Adopted after\" is the time"
		print "until 99 % of the page cache are its own; the worker waits for the first 100 ms of it. \"Bytes read\" are those read from the"
		print "disk until then, and while the service reads its whole file. \"Reading it back\" is the time to read the file from the disk"
		print "instead, at a speed that `io.max` sets, or as fast as the host can copy."
		print "\n| folios | its own | bytes read | adopted after | disk | reading it back | ratio |\n|---|---|---|---|---|---|---|"
		printf "%s", restarts
		print "\nAnother cgroup reads the file of a removed one once, from memory, 64 KiB at a time, with `recharge_access`. \"Late\" is the time"
		print "from the last read until 99 % are its own. \"Dropped\" are pages whose access was not noted for want of room."
		print "\n| folios | the read took | its own 1 s later | late | dropped |\n|---|---|---|---|---|"
		printf "%s", deferred
	}'
}

write_redirect()
{
	cat <<-'END'
		Instructions per `pwrite` of 4 KiB to a tmpfs, or per store to a page of a shared mapping of it, counted as above. All pages
		are new. "memcg=" is a mount that names another cgroup; "persistent" is a writer whose parent has set `memory.persistent`.
		The cgroup that is charged is at the same depth in all cases.

	END
	verdicts
	rows redirect "$comparison"'
	f("state") == "full" { full[f("op")] = f("value"); next }
	{ note(f("op"), f("state"), f("value")) }
	END {
		row("tmpfs, instructions, nothing redirected, against the stock kernel:", "unused", "stock", 0.2)
		row("tmpfs, instructions, through memcg=, against nothing redirected:", "memcg", "unused", 2)
		row("tmpfs, instructions, through memory.persistent, against nothing redirected:", "persistent", "unused", 2)
		print "\n| tmpfs | stock, instructions | nothing redirected | memcg= | persistent |\n|---|---|---|---|---|"
		for (i = 1; i <= count; i++)
			printf "| %s | %.1f | %.1f | %.1f (%+.2f %%) | %.1f (%+.2f %%) |\n", order[i], mean(order[i], "stock"),
				mean(order[i], "unused"), mean(order[i], "memcg"), more(order[i], "memcg", "unused"),
				mean(order[i], "persistent"), more(order[i], "persistent", "unused")
		printf "\nEach is the mean of two guests, which differed by %.3f %% at most. The time from the charge\n", spread()
		printf "to ENOSPC, when the target of memcg= is full and nothing can be reclaimed, is (p99 of a hundred): %s with one writer, %s with 16\n",
			time(full["1"]), time(full["16"])
		print "at once on two processors."
	}'
}

write_scale()
{
	cat <<-'END'
		Instructions, counted as above, by how many there are: mounts of tmpfs with `memcg=` and without it, by mount(8) and
		one umount(8), and a read of `/proc/self/mounts` with all of them; cgroups that are removed, each with a page of its own, and
		a read of their parent's `memory.recharge_stat` then; the worker's when one, or a hundred, of them come back and adopt
		what they left; and a look at inherited folios none of which can be moved, by `memory.recharge`.

	END
	plot_scale
	rows scale '
	{
		key = f("test") " | " f("with") " | " f("count")
		if (!(key in runs)) order[++count] = key
		sum[key] += f("ns"); runs[key]++; each[key] = f("count")
	}
	END {
		print "| what | with | count | instructions | of each |\n|---|---|---|---|---|"
		for (i = 1; i <= count; i++) {
			key = order[i]; mean = sum[key] / runs[key]
			printf "| %s | %.0f | %.0f |\n", key, mean, mean / each[key]
			split(key, part, " [|] "); kind = part[1] " | " part[2]
			# What every look costs, whatever it finds, is in both sizes.
			if (kind in before) more[kind] = (mean - before[kind]) / (part[3] - few[kind])
			before[kind] = mean; few[kind] = part[3]
		}
		printf "\nA look at a parent with 64 GiB takes, by these, %.1f million instructions if they are folios of 2 MiB, and %.0f million\n",
			more["scan | 2M"] * 32768 / 1e6, more["scan | 4K"] * 16777216 / 1e6
		print "if they are folios of 4 KiB; it gives way after every 32 of them."
	}'
}

write_busy()
{
	cat <<-'END'
		Instructions, counted as above, with 10,000 cgroups that are 32 deep. On the patched kernel each of them, and each cgroup above
		them, has a limit; where that is written, `memory.high` is written on the stock kernel. In 400 of the cgroups, 256 writers at
		a time write 4 KiB at a time to ext4, each a file of 2 MiB, or of 1 MiB where they are throttled. System time is that of the
		machine, including flushers and interrupts, until all is on the disk. Throttled writers have 64 MiB on both kernels, and the
		disk then writes 50 MB/s.

	END
	verdicts
	# shellcheck disable=SC2016 # It is Markdown.
	rows busy '
	{ key = f("test") "," f("what"); value[f("kernel"), key] = f("value") / f("count"); if (!(key in seen)) order[++count] = key; seen[key] }
	function per_page(kernel, what) { return value[kernel, "system," what] }
	function system_time(words, what, than,    ratio) {
		ratio = per_page("stock", than) ? per_page("release", what) / per_page("stock", than) : 0
		verdict("system time of 256 writers, " words " ≤ 1.10 × stock", sprintf("%.2f × (%.0f instructions per 4 KiB, stock: %.0f)", ratio,
			per_page("release", what), per_page("stock", than)), ratio > 0 && ratio <= 1.1)
	}
	function cell(kernel, key) { return (kernel, key) in value ? sprintf("%.0f", value[kernel, key]) : "" }
	END {
		system_time("limits not near:", "far", "far")
		system_time("throttled by a limit of 64 MiB for all:", "chain", "stock")
		system_time("throttled by limits of 256 KiB each:", "own", "stock")
		name["operation,create"] = "create, module not loaded"; name["operation,load"] = "load the module"
		name["operation,limit"] = "set the limit"; name["operation,remove again"] = "restart with the module loaded: remove"
		name["operation,create again"] = "create again"; name["operation,limit again"] = "set the limit again"
		name["operation,unload"] = "unload the module"; name["memory,cgroup"] = "bytes, module not loaded"
		name["memory,module"] = "bytes that loading the module adds"; name["memory,limit"] = "bytes that the limit adds"
		print "\n| for each of 10,000 cgroups | stock | patched |\n|---|---|---|"
		for (i = 1; i <= count; i++)
			if (order[i] in name) printf "| %s | %s | %s |\n", name[order[i]], cell("stock", order[i]), cell("release", order[i])
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

		`make bench` measures all of this and writes this page, including the verdicts; `tests/bench/run.sh NAME` does so for one
		section. Each measurement is a script in `tests/bench/`, which describes itself in its first lines. It runs in a virtual
		machine, with or without acceleration. It measures how exactly limits hold, how long waits are on a disk of a given speed, and
		numbers of instructions; none of these needs a fast machine.

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
