# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# kbuild.sh: the steps that make a kernel: copy the clean source, apply patches, configure, run make with progress.
# Sourced, after env.sh, by kernel.sh (which caches the result) and series.sh (which builds after every patch).

# series_list: print patches/series without its comments: each patch, and the capabilities that it needs besides its own.
series_list() {
	[[ ! -e $TOP/patches/series ]] || sed -E 's/[[:space:]]*#.*//; /^$/d' "$TOP/patches/series"
}

# series_patches [FOLDER...]: the patches to apply, in order; only patches of these folders that need no other folder.
series_patches() {
	local patch needs need
	while read -r patch needs; do
		if (($#)); then
			for need in "${patch%/*}" $needs; do
				[[ " $* " == *" $need "* ]] || continue 2
			done
		fi
		echo "$TOP/patches/$patch"
	done < <(series_list)
}

# patch_content PATCH...: print the changes that patches make, without their messages.
patch_content() {
	local patch
	for patch in "$@"; do
		awk '/^diff --git /{ inside = 1 } inside' "$patch"
	done
}

# copy_source FROM TO: copy with hard links, which takes a second and no space. Such files must not be written in place; git
# apply unlinks them first.
copy_source() {
	cp -al "$1" "$2"
}

# apply_patch TREE PATCH: apply a patch. Without the ceiling, git would take a repository around the cache for TREE's own.
apply_patch() {
	GIT_CEILING_DIRECTORIES=$(dirname "$1") git -C "$1" apply --whitespace=nowarn "$2" ||
		die kernel "$(basename "$2") does not apply" "The series is against a clean 7.3.y: see \`make patches-edit\`."
}

# wanted_options FLAVOR [OPTION=VALUE...]: print a line for each option that tools/config names; the last value of each wins.
wanted_options() {
	local fragments
	case $1 in
	# The stock kernel differs from the release kernel only by the patches, so that comparing them is meaningful.
	stock) fragments=(common release) ;;
	debug) fragments=(common debug patched ${KCSAN:+kcsan}) ;;
	*) fragments=(common "$1" patched) ;;
	esac
	(cd "$TOP/tools/config" && cat "${fragments[@]/%/.config}" && printf '%s\n' "${@:2}") |
		sed -nE 's/^# (CONFIG_[A-Z0-9_]+) is not set$/\1=n/; /^CONFIG_/p' |
		awk -F = '{ last[$1] = $0 } END { for (name in last) print last[name] }' | sort
}

# how_built FLAVOR [OPTION=VALUE...]: print everything that a build depends on besides its source.
how_built() {
	wanted_options "$@"
	echo "$TOOLCHAIN"
	printf '%s\n' "${KMAKE[@]}"
}

# configure SRC OUT FLAVOR [OPTION=VALUE...]: enable only the wanted options and their dependencies.
configure() {
	mkdir -p "$2"
	wanted_options "${@:3}" >"$2/wanted.config"
	"${KMAKE[@]}" -s -C "$1" "O=$2" "KCONFIG_ALLCONFIG=$2/wanted.config" allnoconfig >"$2/config.log" 2>&1 ||
		die kernel "configuring failed:" "$(tail -n 5 "$2/config.log")"
}

# check_config OUT: check that all wanted options are set. Options without their dependencies vanish silently.
check_config() {
	local line unmet=()
	while read -r line; do
		case $line in
		*=n) ! grep -qE "^${line%=n}=[ym]" "$1/.config" || unmet+=("$line") ;;
		*) grep -qxF "$line" "$1/.config" || unmet+=("$line") ;;
		esac
	done <"$1/wanted.config"
	((${#unmet[@]} == 0)) ||
		die kernel "the configuration lacks ${#unmet[@]} of the options asked for in tools/config:" "${unmet[@]}"
}

# run_make NAME THERE EXPECTED LOG COMMAND...: run a kernel's make and show the number of objects out of EXPECTED. THERE
# objects exist from an interrupted run. Sets BUILT to the number at the end. Redraws one line on a terminal; elsewhere,
# prints a line every half minute.
run_make() {
	local name=$1 expected=$3 log=$4 fd pid line shown=$EPOCHSECONDS status=0 every=30 end='\n'
	BUILT=$2
	shift 4
	[[ ! -t 1 ]] || { every=1 end='\033[K\r'; }
	: >"$log"
	exec {fd}< <(exec "$@" 2>&1)
	pid=$!
	while true; do
		if IFS= read -r -t 2 -u "$fd" line; then
			printf '%s\n' "$line" >>"$log"
			[[ $line =~ ^\ \ (CC|AS|RUSTC|HOSTCC|HOSTRUSTC)\  ]] && BUILT=$((BUILT + 1))
		elif (($? <= 128)); then
			break
		fi
		if ((EPOCHSECONDS - shown >= every)); then
			shown=$EPOCHSECONDS
			printf "==> [kernel] %s: %d of about %d objects (%s elapsed)$end" \
				"$name" "$BUILT" "$((BUILT > expected ? BUILT : expected))" "$(elapsed)"
		fi
	done
	exec {fd}<&-
	[[ ! -t 1 ]] || printf '\033[K'
	wait "$pid" || status=$?
	((status == 0)) && return
	grep -m 5 -A 12 -E '(error|Error|ERROR|undefined)' "$log" >&2 || tail -n 30 "$log" >&2
	die kernel "building $name failed; the whole log is $log"
}
