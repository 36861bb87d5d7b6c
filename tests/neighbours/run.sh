#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# run.sh: runs tests of others on kernels with and without ours: the kernel's own selftests, fio and stress-ng. A verdict
# that is not the stock kernel's fails. TAP on stdout: a test for each program of the list "programs".
# Usage: tests/neighbours/run.sh [PROGRAM...]      (after `make kernel`, `tools/kernel.sh stock` and the module; an hour
# without KVM, and not part of `make test`)
#
# Four guests: the stock kernel, the patched one, with the module, and with limits on the cgroup that all of it runs in.
# Some tests depend on time, and fail now and then on a slow machine. So a verdict that differs is asked for again, at most
# twice, on both kernels; the last one counts. What fails on the stock kernel has a line in "fails-on-stock" that says why.

# shellcheck disable=SC2317 # check calls functions by their names.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../tools/env.sh"
# shellcheck source=tests/tap.sh
source "$TOP/tests/tap.sh"
set +e

here=$TOP/tests/neighbours
stage=$BUILD/neighbours
TARGETS="cgroup mincore mm filesystems filesystems/statmount mount_setattr"
STATES=(stock patched loaded limited)

# programs: of the kernel's source that the kernels were built from. A target whose own dependencies are missing leaves
# out some programs, and those that the list names have to be there.
build_selftests() {
	local source made log=$BUILD/log/neighbours.log missing
	source=$("$TOP/tools/source.sh") || exit
	made=$stage/.made-$(basename "$source")
	if [[ ! -e $made ]]; then
		rm -rf "$stage"
		mkdir -p "$stage" "$(dirname "$log")"
		step neighbours "building the kernel's selftests"
		make -s -C "$source" "O=$stage/objects" headers >"$log" 2>&1 || die neighbours "no headers; see $log"
		make -s -k "-j$JOBS" -C "$source/tools/testing/selftests" "O=$stage/objects" "TARGETS=$TARGETS" \
			"KHDR_INCLUDES=-isystem $stage/objects/usr/include" "INSTALL_PATH=$stage/install" install >>"$log" 2>&1
		touch "$made"
	fi
	missing=$(awk '$4 ~ "/" && !/^#/ { print $4 }' "$here/programs" | while read -r program; do
		[[ -x $stage/install/$program ]] || echo "$program"
	done)
	[[ ! $missing ]] || die neighbours "not built (see $log):" "$missing"
}

# Programs of the distribution, with the libraries of all.
add_programs() {
	local program path distributed files=()
	mkdir -p "$stage"/{bin,lib}
	mapfile -t distributed < <(awk '$4 !~ "/" && NF && !/^#/ { print $4 }' "$here/programs" | sort -u)
	for program in "${distributed[@]}"; do
		path=$(type -P "$program") || die neighbours "$program is missing (tools/deps.sh neighbours installs it)"
		cp -L "$path" "$stage/bin/"
		files+=("$path")
	done
	mapfile -t -O "${#files[@]}" files < <(awk -v at="$stage/install/" '$4 ~ "/" && !/^#/ { print at $4 }' "$here/programs")
	{ ldd "${files[@]}" 2>/dev/null || true; } | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u |
		xargs -I '{}' cp -L '{}' "$stage/lib/"
}

# verdicts STATE [PROGRAM...]: run them there, and put what came into $work/STATE, in place of what came before.
verdicts() {
	local state=$1 flavor=release how=plain insmod='' said=$work/said.$1 program
	shift
	case $state in
	stock) flavor=stock ;;
	loaded) insmod=1 ;;
	limited) insmod=1 how=limited ;;
	esac
	# The kernel's selftests make some file systems complain, and have tasks killed.
	"$TOP/tests/vm/run.sh" --flavor "$flavor" ${insmod:+--insmod} --mem 1536 --disk 512M,fs=ext4 \
		--timeout 3600 --log "$BUILD/log/neighbours-$state.console" \
		--add "$stage/install:/neighbours/install" --add "$stage/bin:/neighbours/bin" --add "$stage/lib:/neighbours/lib" \
		--add "$here/guest.sh:/neighbours/guest.sh" --add "$here/programs:/neighbours/programs" \
		-- /neighbours/guest.sh "$how" "$@" >"$said" 2>"$said.vm" ||
		{
			cat "$said.vm"
			tail -n 3 "$said"
		} | sed "s/^/# $state: /"
	touch "$work/$state"
	for program in "$@"; do
		grep -v "^$program " "$work/$state" >"$work/$state.new"
		mv "$work/$state.new" "$work/$state"
	done
	sed -n 's/^@@ //p' "$said" >>"$work/$state"
	grep '^# ' "$said" >>"$work/why.$state"
}

# of STATE PROGRAM: its verdicts there.
of() {
	grep "^$2 " "$work/$1"
}

# differ STATE: programs whose verdicts there are not those of the stock kernel.
differ() {
	local program
	for program in "${programs[@]}"; do
		[[ $(of stock "$program") == "$(of "$1" "$program")" ]] || echo "$program"
	done
}

# as_on_stock PROGRAM: that it ended everywhere as it did there.
as_on_stock() {
	local state status=0
	[[ $(of stock "$1") ]] || { echo "it did not run"; return 1; }
	for state in "${STATES[@]:1}"; do
		diff --label stock --label "$state" -U 0 <(of stock "$1") <(of "$state" "$1") || status=1
	done
	return "$status"
}

# explained PROGRAM: what fails on the stock kernel is listed, by program and test, and why.
explained() {
	local name verdict status=0
	while read -r _ name verdict; do
		[[ $verdict == failed || ($name == exit && $verdict != 0 && $verdict != 4) ]] || continue
		grep -q "^$1 \+${name#*:}" "$here/fails-on-stock" && continue
		echo "$name ${verdict} is not listed"
		status=1
	done < <(of stock "$1")
	return "$status"
}

build_selftests
add_programs
mapfile -t programs < <(awk 'NF && !/^#/ { print $1 }' "$here/programs")
((!$#)) || programs=("$@")
for state in "${STATES[@]}"; do
	step neighbours "$state" >&2
	verdicts "$state" "${programs[@]}"
done
for state in "${STATES[@]:1}"; do
	for _ in 1 2; do
		mapfile -t again < <(differ "$state")
		((${#again[@]})) || break
		step neighbours "once more, $state and stock: ${again[*]}" >&2
		verdicts stock "${again[@]}"
		verdicts "$state" "${again[@]}"
	done
done
for program in "${programs[@]}"; do
	check "$program: as on the stock kernel" as_on_stock "$program"
	check "$program: what fails there is known" explained "$program"
done
done_testing
