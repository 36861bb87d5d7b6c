# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154 # $comparison is report.sh's.
# The plots of Documentation/benchmarks.md, drawn by gnuplot from the same rows as the tables. Sourced by report.sh, whose
# sections call plot_NAME: it writes Documentation/plots/NAME*.svg, and prints the Markdown that shows it. The same rows give
# the same bytes, and those of gnuplot 5.4 and 6.0 hardly differ.

# draw NAME TITLE ALT PANEL... <POINTS: draw panels that share one vertical axis of groups, each with a line per series.
# PANEL: "KIND|WEIGHT|TITLE", or with "|VALUE|TEXT" for a vertical line at VALUE. KIND is time (seconds) or count, both on
# a logarithmic axis, or percent or number, both on a linear one. WEIGHT is the panel's share of the width.
# POINTS: lines "PANEL|GROUP|SERIES|VALUE|LABEL", in the order from top to bottom; PANEL counts from 1.
# $pitch is the height of a line in pixels (15 unless it is set).
draw()
{
	local name=$1 title=$2 alt=$3
	shift 3
	{ printf 'panel|%s\n' "$@" && cat; } | awk -F'|' -v title="$title" -v pitch="${pitch:-15}" '
	function quoted(text) { gsub(/["\\]/, "\\\\&", text); return "\"" text "\"" }
	function power(exponent) { return exp(exponent * log(10)) }
	# The integer at or below the number.
	function floor(number) { return number < int(number) ? int(number) - 1 : int(number) }
	function decades(number) { return log(number) / log(10) }
	function logarithmic(p) { return kind[p] == "time" || kind[p] == "count" }
	# A distance of tics that leaves 45 pixels for each.
	function tic_step(p,    least, unit) {
		least = (to[p] - from[p]) * 45 / width[p]; unit = power(floor(decades(least)))
		return unit * (least / unit <= 1 ? 1 : least / unit <= 2 ? 2 : least / unit <= 5 ? 5 : 10)
	}
	# Set the ends of the axis, and print its tics, none of which is beyond the values.
	function make_axis(p,    step, tic, tics) {
		if (line[p] != "" && line[p] > high[p]) high[p] = line[p]
		if (logarithmic(p)) {
			# A little is added, because a logarithm of 0.001 may be below -3.
			from[p] = power(floor(decades(low[p]) + 1e-9))
			if (high[p] < 10 * from[p]) high[p] = 10 * from[p]
			to[p] = high[p] * power(decades(high[p] / from[p]) * room(p))
			for (tic = from[p]; tic < high[p] * 1.000001; tic *= 10) tics = tics sprintf(",%.8g", tic)
		} else {
			from[p] = low[p] < 0 ? low[p] * 1.1 : 0
			to[p] = high[p] + (high[p] - from[p]) * room(p)
			step = tic_step(p)
			for (tic = floor(from[p] / step + 0.999999); tic * step <= high[p] * 1.02; tic++) tics = tics sprintf(",%.8g", tic * step)
		}
		printf "%s logscale x\nset xtics (%s)\n", logarithmic(p) ? "set" : "unset", substr(tics, 2)
		printf "set format x \"%s\"\n", kind[p] == "time" ? "%.0s %cs" : kind[p] == "count" ? "%.0s%c" : kind[p] == "percent" ? "%g %%" : "%g"
		# Rounding must not put the first tic outside of the axis.
		printf "set xrange [%.8g:%.8g]\n", from[p] * 0.99999, to[p]
	}
	# Space on the right for labels, relative to the axis.
	function room(p) { return widest[p] * 7 / (width[p] - widest[p] * 7) + 0.06 }
	$1 == "panel" {
		kind[++panels] = $2; weight[panels] = $3; weights += $3; axis[panels] = $4; line[panels] = $5; text[panels] = $6
		next
	}
	# A logarithmic axis cannot show it.
	$4 <= 0 && logarithmic($1) { next }
	{
		if (!($2 in number)) { group[++groups] = $2; number[$2] = groups }
		if (length($2) > label_width) label_width = length($2)
		if (!($3 in known)) { known[$3] = 1; names[++series] = $3 }
		if (!(($2, $3) in slot)) slot[$2, $3] = ++lines[$2]
		if (!($1 in low) || $4 < low[$1]) low[$1] = $4
		if (!($1 in high) || $4 > high[$1]) high[$1] = $4
		if (length($5) > widest[$1]) widest[$1] = length($5)
		point[++count] = $0
	}
	END {
		if (!groups) { print "no points for a plot: " title >"/dev/stderr"; exit 1 }
		for (g = 1; g <= groups; g++) {
			top[g] = g == 1 ? 0 : end[g - 1] + 7 / pitch
			end[g] = top[g] + lines[group[g]]
		}
		for (i = 1; i <= count; i++) {
			split(point[i], part, "|")
			points[part[1], part[3]] = points[part[1], part[3]] part[4] " " top[number[part[2]]] + slot[part[2], part[3]] - 0.5 " " quoted(part[5]) "\n"
		}
		split("0072b2 d55e00 009e73 cc79a7 8a6d00", rgb, " ")
		# All of these are in pixels; the text is about 6.8 wide.
		full = 760; x = 24 + label_width * 6.8; inside = full - x - 14; gap = 30; height = 64 + end[groups] * pitch + 52
		printf "set terminal svg size %d,%d noenhanced font \"sans-serif,12\" background \"#ffffff\"\n", full, height
		print "set encoding utf8\nset multiplot\nunset key\nset border 1 lc rgb \"#222222\"\nset style line 9 lc rgb \"#d8d8d8\" lw 1 dt 1"
		printf "set tmargin at screen %.5f\nset bmargin at screen %.5f\n", 1 - 64 / height, 52 / height
		printf "set yrange [%.4f:-0.3]\nset grid xtics noytics ls 9\nset xtics nomirror scale 0.5\nunset mxtics\n", end[groups] + 0.3
		for (p = 1; p <= panels; p++) {
			width[p] = (inside - gap * (panels - 1)) * weight[p] / weights
			make_axis(p)
			printf "set lmargin at screen %.5f\nset rmargin at screen %.5f\n", x / full, (x + width[p]) / full
			x += width[p] + gap
			print "unset object\nunset arrow\nunset label\nunset ytics"
			# Not with "set xlabel", which versions of gnuplot print at different places of the file.
			printf "set label %s at screen %.5f, screen %.5f center\n", quoted(axis[p]), (x - gap - width[p] / 2) / full, 15 / height
			for (g = 1; g <= groups; g++)
				printf "set object rectangle from graph 0, first %.4f to graph 1, first %.4f behind fc rgb \"#f3f4f6\" fs solid noborder\n",
					top[g] - 2.5 / pitch, end[g] + 2.5 / pitch
			if (line[p] != "") {
				printf "set arrow from %.8g, graph 0 to %.8g, graph 1 nohead back lc rgb \"#888888\" dt 2\n", line[p], line[p]
				printf "set label %s at %.8g, graph 1 center offset 0,0.6 font \"sans-serif,11\"\n", quoted(text[p]), line[p]
			}
			if (p == 1) {
				printf "set label %s at screen %.5f, screen %.5f left font \"sans-serif:Bold,14\"\n", quoted(title), 12 / full, 1 - 16 / height
				for (g = 1; g <= groups; g++)
					printf "%s %s %.4f", g == 1 ? "set ytics scale 0 (" : ",", quoted(group[g]), (top[g] + end[g]) / 2
				print ")"
				for (s = 1; s <= series; s++) {
					printf "set label %s at screen %.5f, screen %.5f left offset 0.8,-0.25 point pt 7 ps 0.8 lc rgb \"#%s\"\n", quoted(names[s]),
						(18 + before) / full, 1 - 36 / height, rgb[s]
					before += 34 + length(names[s]) * 6.8
				}
			}
			command = ""; base = logarithmic(p) ? from[p] : 0
			for (s = 1; s <= series; s++) {
				look = "lc rgb \"#" rgb[s] "\""
				if (!((p, names[s]) in points)) continue
				data = "$p" p "_" s
				printf "%s << EOD\n%sEOD\n", data, points[p, names[s]]
				command = command ", " data " using (" base "):2:($1-" base "):(0) notitle with vectors nohead lw 2 " look
				command = command ", " data " using 1:2 notitle with points pt 7 ps 0.6 " look
				if (widest[p]) command = command ", " data " using 1:2:3 notitle with labels left offset 0.7,0 font \"sans-serif,11\""
			}
			print "plot " substr(command, 3)
		}
		print "unset multiplot"
	}' | LC_ALL=C.UTF-8 gnuplot | TITLE=$title perl -0pe '
		# What depends on the version, what is not used, and what is the default.
		s{<title>Gnuplot</title>}{<title>$ENV{TITLE}</title>};
		s{<g id="gnuplot_plot_\w+"[^>]*>}{<g>}g;
		s{<title>gnuplot_plot_\w+</title>|<desc>.*?</desc>\n|^\s*<filter.*?</filter>\n| stroke-linecap="butt" stroke-linejoin="miter"}{}gms;
		s{^\s*<\w+ [^>]*id=.gpPt(?![56]\b)[^>]*>\n|^\s*<\w+ id=.gpDot[^>]*>\n}{}gm;
		s{ font-family="sans-serif:Bold"}{ font-weight="bold"}g; s{ font-family="sans-serif"}{}g; s{<svg }{<svg font-family="sans-serif"};
		1 while s{<g [^>]*>\s*</g>\n?}{}g' >"$BUILD/bench/$name.svg"
	mkdir -p "$TOP/Documentation/plots"
	mv "$BUILD/bench/$name.svg" "$TOP/Documentation/plots"
	printf '![%s](plots/%s.svg)\n\n' "$alt" "$name"
}

plot_tightness()
{
	rows tightness 'f("limit") > 0 {
		point(1, case_name(), "highest", f("max") / f("limit"), sprintf("%.2f", f("max") / f("limit")))
		point(1, case_name(), "mean", f("mean") / f("limit"), sprintf("%.2f", f("mean") / f("limit")))
	}' | pitch=10 draw tightness "Dirty and writeback pages under a limit" \
		"For each limit, number of writers and kind of write: the highest and the mean of dirty and writeback pages, as a part of the limit" \
		"number|1|dirty and writeback pages / limit|1|limit"
}

plot_lowering()
{
	rows lowering '{
		name = f("writers") (f("writers") == 1 ? " writer" : " writers")
		drain = (f("held") - f("to")) / f("disk")
		point(1, name, "drain time", drain, sprintf("%.1f s", drain))
		point(1, name, "until the limit holds", f("ms") / 1000, sprintf("%.1f s", f("ms") / 1000))
	}' | draw lowering "A limit lowered from 256 MiB to 16 MiB" \
		"For 1, 4 and 16 writers: the time until the lowered limit holds, beside the time that the disk needs to write the excess" \
		"number|1|seconds"
}

plot_victim()
{
	rows victim '
	f("kernel") == "stock" || f("case") != "alone" {
		what = f("case") == "alone" ? "alone" : f("case") == "beside" ? "beside a hog" : f("case") == "limited" ? "hog limited" : "floor for the victim"
		point(1, f("fs"), what, f("rate"), sprintf("%.1f", f("rate")))
		point(2, f("fs"), what, 100 * f("on_time"), percent(f("on_time")))
		point(3, f("fs"), what, f("max_us") / 1e6, time(f("max_us")))
	}' | draw victim "125 appends per second beside a hog" \
		"For ext2, xfs, ext4 and btrfs: appends per second, the share of them that is on time, and the longest stall of the victim, alone, beside a hog, beside a limited hog, and with a floor" \
		"number|3|appends per second" "percent|3|on time" "time|4|longest stall"
}

plot_pace()
{
	rows pace '
	f("vm") == "bytes" && f("fs") == "ext4" && f("victim") == "fsync" {
		key = f("kernel") "," f("hog") "," f("means") "," f("bps")
		p99[key] = f("p99_us"); use[key] = f("hog_rate") / f("bps")
	}
	function remedy(name, what,    bps, key) {
		for (bps = 2000000; bps <= 200000000; bps *= 10) {
			key = what "," bps
			if (!(key in p99)) continue
			point(1, name, bps / 1000000 " MB/s", p99[key] / 1e6, time(p99[key]))
			if (what !~ /,none,none$/) point(2, name, bps / 1000000 " MB/s", 100 * use[key], percent(use[key]))
		}
	}
	END {
		remedy("victim alone", "release,none,none"); remedy("stock, no remedy", "stock,seq,none"); remedy("io.max", "stock,seq,io.max")
		remedy("io.latency", "stock,seq,io.latency"); remedy("iocost", "stock,seq,iocost"); remedy("wbt", "stock,seq,wbt")
		remedy("BFQ", "stock,seq,bfq"); remedy("limit, no pace", "release,seq,limit"); remedy("limit and pace", "release,seq,pace")
	}' | draw pace-remedies "fsync() beside a hog on ext4, by remedy and speed of the disk" \
		"For each remedy, on disks of 2, 20 and 200 MB/s with ext4: the 99th percentile of an append and fsync() beside a hog, and how much of the disk is used" \
		"time|5|append and fsync(), p99|0.15|absolute bound: 150 ms" "percent|2|writes / speed of the disk"
	rows pace '
	f("vm") == "bytes" && f("victim") == "fsync" && f("kernel") == "release" && (f("hog") == "seq" || f("hog") == "none") && f("bps") < 200000000 {
		what = f("means") == "none" ? "alone" : f("means") == "limit" ? "limit, no pace" : "limit and pace"
		name = f("fs") ", " f("bps") / 1000000 " MB/s"
		point(1, name, what, f("p99_us") / 1e6, time(f("p99_us")))
		point(2, name, what, f("rate"), sprintf("%.1f", f("rate")))
	}' | draw pace-filesystems "fsync() beside a limited hog, by file system" \
		"For ext4, xfs and btrfs on disks of 2 and 20 MB/s: the 99th percentile of an append and fsync(), and how many there are per second, alone, beside a hog with a limit, and beside one with a limit and its pace" \
		"time|5|append and fsync(), p99|0.15|absolute bound: 150 ms" "number|2|per second|20|wanted"
}

plot_memory()
{
	rows memory '{
		what = f("case") == "limited" ? "dirty limit of 8 MiB" : f("kernel") == "stock" ? "stock" : "patched, no limit"
		point(1, "memory." f("limit"), what, f("p99_us") / 1e6, time(f("p99_us")))
		point(2, "memory." f("limit"), what, f("max_us") / 1e6, time(f("max_us")))
	}' | draw memory "Allocations of 1 MiB beside a bulk writer of the same cgroup" \
		"For memory.high and memory.max of 64 MiB: the 99th percentile and the longest of the waits for 1 MiB of memory, without and with a dirty limit" \
		"time|1|p99" "time|1|longest wait"
}

plot_cost()
{
	rows cost "$comparison"'
	{ note(f("fs") ", " f("op") ", " f("pages"), f("state"), f("instructions")) }
	END {
		split("unloaded unset set recharge inherited", states, " ")
		n = split("not loaded|loaded, nothing set|limit set|recharging on|with inherited memory", names, "|")
		for (i = 1; i <= count; i++)
			for (s = 1; s <= n; s++)
				point(1, order[i], names[s], more(order[i], states[s], "stock"), "")
	}' | pitch=8 draw cost "Instructions, compared with the stock kernel" \
		"For reads, writes and faults on ext4 and tmpfs: by how many percent more instructions they take than on the stock kernel, in each state of the module" \
		"percent|1|more instructions than on the stock kernel"
}

plot_recharge()
{
	rows recharge 'f("test") == "restart" {
		name = sprintf("folios of %.0f KiB", 4 * f("given") / f("folios"))
		if (f("speed") != "max") point(1, name, "adopted", f("ns") / 1e9, time(f("ns") / 1000))
		point(1, name, "read back, " (f("speed") == "max" ? "as fast as the host" : f("speed") / 1e6 " MB/s"),
			f("back_ms") / 1000, time(f("back_ms") * 1000))
	}' | draw recharge-restart "256 MiB of page cache of a restarted service" \
		"For folios of 64 KiB and 4 KiB: the time until a restarted service owns its page cache of 256 MiB again, beside the time to read it back from disks of two speeds" \
		"time|1|time until it is all there"
}

plot_scale()
{
	rows scale "$comparison"'
	BEGIN {
		known["removal,off"] = "removal of a cgroup"; known["stat,left"] = "recharge_stat, per cgroup"; known["lookup,adopt"] = "adoption, per predecessor"
		known["scan,4K"] = "look at a 4 KiB folio"; known["scan,2M"] = "look at a 2 MiB folio"
	}
	(f("test") "," f("with")) in known {
		note(known[f("test") "," f("with")] "|" f("count"), "", f("ns") / f("count"))
	}
	END {
		for (i = 1; i <= count; i++) {
			split(order[i], part, "|"); each = mean(order[i], "")
			point(1, part[1], shown[part[1]]++ ? "many" : "few", each, sprintf("%.0f (of %d)", each, part[2]))
		}
	}' | draw scale "Instructions per object, with few objects and with many" \
		"For the removal of cgroups, a read of recharge_stat, the search for a predecessor, and a look at folios that cannot be moved: instructions per object, with few objects and with many" \
		"count|1|instructions per object"
}
