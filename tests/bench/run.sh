#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Produces the figures and plots of Documentation/benchmarks.md: runs each measurement in
# the guests that its head asks for (see lib.sh), stores the rows in build/bench/ as CSV,
# and writes the document from them (report.sh). Rows that are exact counts are also
# stored in tests/bench/counts/, so that changes show up in review.
# Exit status 1: a figure is out of its bounds.
# Usage: tests/bench/run.sh [tightness|lowering|parent|victim|pace|memory|cost|recharge|redirect|scale|busy]...   (none: all)
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tools/env.sh
source "$here/../../tools/env.sh"
results=$BUILD/bench
mkdir -p "$results" "$here/counts"

command -v gnuplot >/dev/null || die bench "gnuplot is missing (tools/deps.sh bench installs it)"

names=("$@")
((${#names[@]})) || names=(tightness lowering parent victim pace memory cost recharge redirect scale busy)
for name in "${names[@]}"; do
	grep -q '^# vm: ' "$here/$name.sh" 2>/dev/null || die bench "there is no measurement $name"
done

# head_lines KEY NAME: the values of the lines "# KEY: VALUE" in the measurement's head.
head_lines()
{
	sed -n "s/^# $1: //p" "$here/$2.sh"
}

qemu_version()
{
	qemu-system-x86_64 --version | sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p'
}

# build_id: a hash of everything that the figures depend on except the host: kernels and
# module, loads and samplers, measurements, and the guest. Figures of two builds must not
# be mixed.
build_id()
{
	local measurements=()
	mapfile -t measurements < <(grep -l '^# vm: ' "$here"/*.sh)
	cat "$BUILD"/{stock/bzImage,release/bzImage,release/memcg_knobs.ko,bin/workload} \
		"${measurements[@]}" "$here/lib.sh" "$TOP"/tests/kselftest/{lib.sh,lib/*.sh} \
		"$TOP"/tests/vm/{run.sh,host.sh,initrd.sh,judge.sh,init,mkinitramfs} | hash | cut -c 1-12
}

# measure NAME: run a measurement. The previous rows stay until all guests have
# succeeded.
measure()
{
	local new=$results/$1.csv.new line options arguments guest=0 guests build
	build=$(build_id)
	guests=$(head_lines vm "$1" | wc -l)
	{
		echo "# host: QEMU $(qemu_version), $(nproc) CPU"
		echo "# build: $build"
		head_lines columns "$1"
	} >"$new"
	while read -r line; do
		guest=$((guest + 1))
		step bench "$1, guest $guest of $guests: $line"
		read -ra options <<<"${line%% -- *}"
		read -ra arguments <<<"${line#* -- }"
		"$TOP/tests/vm/run.sh" "${options[@]}" --add "$here:/bench" \
			-- "/bench/$1.sh" "${arguments[@]}" </dev/null | tee -a "$new"
	done < <(head_lines vm "$1")
	[[ $(build_id) == "$build" ]] ||
		die bench "kernels, programs or scripts have changed while $1 was measured; its figures are dropped"
	mv "$new" "$results/$1.csv"
	# Counts of a guest whose clock counts instructions, without the lines about host and build.
	! grep -q '^# vm: .*--icount' "$here/$1.sh" ||
		grep -v '^#' "$results/$1.csv" >"$here/counts/$1.csv"
}

for name in "${names[@]}"; do
	measure "$name"
done
"$here/report.sh"
step bench "Documentation/benchmarks.md is written; the rows are in ${results#"$TOP/"}"
# Only the sections that were measured now: the list at the document's beginning repeats all.
broken=$(for name in "${names[@]}"; do
	awk -v made="\`tests/bench/run.sh $name\`" '
		/^## / { inside = 0 }
		index($0, made) { inside = 1 }
		inside && /\*\*not met\*\* \|$/' "$TOP/Documentation/benchmarks.md"
done)
[[ ! $broken ]] || die bench "bounds are not met:" "$broken"
