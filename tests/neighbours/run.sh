#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# run.sh: runs tests of others on kernels with and without ours: the kernel's own selftests, fio, stress-ng, LTP and
# xfstests. A verdict that is not the stock kernel's fails. TAP on stdout: two tests for each program of the list "programs".
# Usage: tests/neighbours/run.sh [PROGRAM...]      (after `make kernel`, `tools/kernel.sh stock` and the module; 40
# minutes without KVM, and not part of `make test`)
# LTP=DIR, XFSTESTS=DIR: source trees of these two, which Debian has no packages of. They are copied and built there. Without
# them, their programs are left out.
#
# Four guests: the stock kernel, the patched one, with the module, and with limits on the cgroup that most of it runs in.
# Some tests depend on time, and fail now and then on a slow machine. So a verdict that differs is asked for again, at most
# twice, on both kernels; the last one counts. What fails on the stock kernel has a line in "fails-on-stock" that says why,
# and whether it always fails; if it does not, its verdict is not compared.

# shellcheck disable=SC2317 # check calls functions by their names.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/../../tools/env.sh"
# shellcheck source=tests/tap.sh
source "$TOP/tests/tap.sh"
set +e

here=$TOP/tests/neighbours
stage=$BUILD/neighbours
log=$BUILD/log/neighbours
mkdir -p "$BUILD/log"
TARGETS="cgroup mincore mm filesystems filesystems/statmount mount_setattr"
STATES=(stock patched loaded limited)
# Tests that mount an image or write to /proc/self/mem need what the configuration, made for small kernels, has off.
parameters="bdev_allow_write_mounted=1 proc_mem.force_override=always"

# of_list PATTERN: the commands' first words that match it, of those that run.
of_list() {
	local name command
	while read -r name _ _ command _; do
		[[ " ${programs[*]} " == *" $name "* && $command =~ $1 ]] && echo "$command"
	done <"$here/programs" | sort -u
}

# arguments SCRIPT: all that the list has this script run.
arguments() {
	awk -v script="$1" '$4 == script { for (i = 5; i <= NF; i++) print $i }' "$here/programs" | sort -u
}

# The selftests are those of the source that the kernels were built from. A target whose own dependencies are missing leaves
# out some programs, and those that the list names have to be there.
build_selftests() {
	local source made missing
	source=$("$TOP/tools/source.sh") || exit
	made=$stage/.made-$(basename "$source")
	if [[ ! -e $made ]]; then
		rm -rf "$stage"/{.made-*,objects,install}
		mkdir -p "$stage"
		step neighbours "building the kernel's selftests" >&2
		make -s -C "$source" "O=$stage/objects" headers >"$log" 2>&1 || die neighbours "no headers; see $log"
		make -s -k "-j$JOBS" -C "$source/tools/testing/selftests" "O=$stage/objects" "TARGETS=$TARGETS" \
			"KHDR_INCLUDES=-isystem $stage/objects/usr/include" "INSTALL_PATH=$stage/install" install >>"$log" 2>&1
		touch "$made"
	fi
	missing=$(of_list / | while read -r program; do
		[[ -x $stage/install/$program ]] || echo "$program"
	done)
	[[ ! $missing ]] || die neighbours "not built (see $log):" "$missing"
}

# build NAME TREE: build in a copy of the source tree, for builds leave files there.
build() {
	local name=$1 copy=$stage/$1 version status
	[[ -e $2/VERSION && ! -e $2/config.status ]] || die neighbours "$2 is not a clean source tree of $name"
	step neighbours "building $name" >&2
	version="$2 $(git -C "$2" rev-parse HEAD 2>/dev/null)"
	if [[ $(cat "$copy/.version" 2>/dev/null) != "$version" ]]; then
		rm -rf "${copy:?}"
		mkdir -p "$stage"
		cp -rT "$2" "$copy" && echo "$version" >"$copy/.version"
	fi
	(
		set -e
		cd "$copy"
		"build_$name"
	) >"$log-$name" 2>&1
	status=$?
	((status == 0)) || die neighbours "$name cannot be built; see $log-$name"
}

build_ltp() {
	local program source
	if [[ ! -e config.status ]]; then
		make autotools
		./configure
	fi
	rm -rf programs
	mkdir programs
	while read -r program; do
		source=$(find testcases -name "$program.c" -print -quit)
		make -s "-j$JOBS" -C "${source%/*}"
		strip -o "programs/$program" "${source%.c}"
	done < <(arguments ltp.sh)
}

build_xfstests() {
	make "-j$JOBS"
	rm -rf root
	make_root
}

# make_root: a root directory with xfstests and the programs of Debian that its scripts call.
make_root() {
	local root=$stage/xfstests/root path test packages=(bash coreutils dash gawk sed grep findutils util-linux mount
		util-linux-extra bsdextrautils debianutils diffutils bc attr acl xfsprogs e2fsprogs procps perl-base hostname libc-bin)
	mkdir -p "$root"/{dev,etc,mnt/{test,scratch},proc,sys,tmp,usr/{bin,lib,lib64},xfstests/{ltp,src,tests/generic}}
	ln -s usr/bin usr/sbin usr/lib usr/lib64 "$root"
	ln -s bin "$root/usr/sbin"
	while read -r path; do
		[[ -f $path ]] || continue
		path=$(realpath -s "$path")
		mkdir -p "$root${path%/*}"
		cp -L "$path" "$root$path"
	done < <(dpkg -L "${packages[@]}" | grep -E '^(/usr)?/s?bin/|/perl-base/' | grep -v scrub)
	ln -sf gawk "$root/bin/awk"
	cp -r check common tools "$root/xfstests/"
	find src ltp -type f -perm -u+x ! -name '*.[cho]' ! -path '*/.libs/*' -exec cp --parents '{}' "$root/xfstests/" \;
	for test in $(arguments xfstests.sh | grep /); do
		cp "tests/$test"* "$root/xfstests/tests/generic/"
	done
	cp tests/generic/group.list "$root/xfstests/tests/generic/"
	{ find "$root" -type f -perm -u+x -exec ldd '{}' + 2>/dev/null || true; } |
		awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// && $2 ~ /^\(/ { print $1 }' | sort -u |
		while read -r path; do
			mkdir -p "$root${path%/*}"
			cp -L "$path" "$root$path"
		done
	printf '%s\n' root:x:0:0::/:/bin/bash fsgqa:x:1000:1000::/:/bin/bash >"$root/etc/passwd"
	printf '%s\n' root:x:0: fsgqa:x:1000: >"$root/etc/group"
	ln -s /proc/mounts "$root/etc/mtab"
}

# Programs of the distribution, with the libraries of all.
add_programs() {
	local program path files=()
	mkdir -p "$stage"/{bin,lib}
	while read -r program; do
		path=$(type -P "$program") || die neighbours "$program is missing (tools/deps.sh neighbours installs it)"
		cp -L "$path" "$stage/bin/"
		files+=("$path")
	done < <(of_list '^[^/.]*$')
	mapfile -t -O "${#files[@]}" files < <(of_list / | sed "s|^|$stage/install/|")
	[[ ! ${LTP-} ]] || files+=("$stage"/ltp/programs/*)
	{ ldd "${files[@]}" 2>/dev/null || true; } | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u |
		xargs -I '{}' cp -L '{}' "$stage/lib/"
}

# verdicts STATE [PROGRAM...]: run them there, and put what came into $work/STATE, in place of what came before.
verdicts() {
	local state=$1 flavor=release how=plain insmod='' said=$work/said.$1 program file adds=()
	shift
	case $state in
	stock) flavor=stock ;;
	loaded) insmod=1 ;;
	limited) insmod=1 how=limited ;;
	esac
	for file in "$stage"/{install,bin,lib} "$here"/{guest.sh,ltp.sh,xfstests.sh,programs}; do
		adds+=(--add "$file:/neighbours/${file##*/}")
	done
	[[ ! ${LTP-} ]] || adds+=(--add "$stage/ltp/programs:/neighbours/ltp")
	[[ ! ${XFSTESTS-} ]] || adds+=(--add "$stage/xfstests/root:/neighbours/root")
	"$TOP/tests/vm/run.sh" --flavor "$flavor" ${insmod:+--insmod} --mem 1536 --disk 512M,fs=ext4 --disk 512M --disk 512M \
		--append "$parameters" --timeout 3600 --log "$BUILD/log/neighbours-$state.console" "${adds[@]}" \
		-- /neighbours/guest.sh "$how" "$@" >"$said" 2>"$said.vm" || cat "$said.vm" >>"$work/complaints.$state"
	touch "$work/$state"
	for program in "$@"; do
		grep -v "^$program " "$work/$state" >"$work/$state.new"
		mv "$work/$state.new" "$work/$state"
	done
	sed -n 's/^@@ //p' "$said" >>"$work/$state"
	grep '^# ' "$said" >>"$work/why.$state"
}

# ended_well STATE: guests ran to their end, and the kernel had no complaint.
ended_well() {
	! grep . "$work/complaints.$1" 2>/dev/null
}

# of STATE PROGRAM: its verdicts there, without those of tests that fail only at times, nor the exit status that follows.
of() {
	awk -v program="$2" '
		FNR == NR { if ($1 == program && $3 == "sometimes") unstable[$2] = 1; next }
		$1 != program { next }
		{ name = $2; sub(/^[0-9]+:/, "", name) }
		name in unstable { some = 1; next }
		!(name == "exit" && $3 < 2 && some)
	' "$here/fails-on-stock" "$work/$1"
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
	[[ $(of stock "$1") ]] || { echo "it did not run"; return 1; }
	[[ ! ${difference[$1]-} ]] || { echo "${difference[$1]}"; return 1; }
}

# explained PROGRAM: what fails on the stock kernel is listed, by program and test, and why. The exit status of a program is
# explained by that of its tests.
explained() {
	local name verdict status=0 some=''
	while read -r _ name verdict; do
		[[ $verdict == failed || ($name == exit && $verdict != 0 && $verdict != 4 && ! $some) ]] || continue
		some=1
		grep -qE "^$1 +${name#*:} " "$here/fails-on-stock" && continue
		echo "$name ${verdict} is not listed"
		status=1
	done < <(of stock "$1")
	return "$status"
}

mapfile -t programs < <(awk 'NF && !/^#/ { print $1 }' "$here/programs")
((!$#)) || programs=("$@")
for name in ltp xfstests; do
	source=${name^^}
	if [[ ${!source-} ]]; then
		build "$name" "${!source}"
	else
		mapfile -t programs < <(printf '%s\n' "${programs[@]}" | grep -v "^$name/")
		skip "$name" "no $source=DIR names its source tree"
	fi
done
build_selftests
add_programs
for state in "${STATES[@]}"; do
	step neighbours "$state" >&2
	verdicts "$state" "${programs[@]}"
done
declare -A difference=()
for state in "${STATES[@]:1}"; do
	for _ in 1 2; do
		mapfile -t again < <(differ "$state")
		((${#again[@]})) || break
		step neighbours "once more, $state and stock: ${again[*]}" >&2
		verdicts stock "${again[@]}"
		verdicts "$state" "${again[@]}"
	done
	# Before stock's verdicts are replaced once more.
	while read -r program; do
		difference[$program]+=$(diff --label stock --label "$state" -U 0 <(of stock "$program") <(of "$state" "$program"))$'\n'
	done < <(differ "$state")
done
for state in "${STATES[@]}"; do
	check "$state: the kernel has no complaint" ended_well "$state"
done
for program in "${programs[@]}"; do
	check "$program: as on the stock kernel" as_on_stock "$program"
	check "$program: what fails there is known" explained "$program"
done
done_testing
