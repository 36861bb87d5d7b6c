# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# env.sh: sourced by every script here: the directories, the compilers that build the kernel, and the reporting of work.
# Sourcing it changes nothing on the machine; deps.sh installs dependencies.
# shellcheck disable=SC2034 # Most of what is set here is for those who source it.

set -euo pipefail
export LC_ALL=C

# The variables that a calling make passes on (its job server, its command line) would reach the kernel's makefiles.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL GNUMAKEFLAGS
unset ARCH CROSS_COMPILE KBUILD_OUTPUT LLVM LOCALVERSION KCFLAGS KCPPFLAGS KAFLAGS KRUSTFLAGS HOSTCFLAGS HOSTRUSTFLAGS

# A user's own settings (signing, prefixes, abbreviation) must not change how patches are applied or written.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$TOP/build
JOBS=${JOBS:-$(nproc)}
if [[ ${MEMCG_KNOBS_CACHE:-} ]]; then
	CACHE=$MEMCG_KNOBS_CACHE
elif ((EUID == 0)); then
	CACHE=/var/cache/memcg-knobs
else
	CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/memcg-knobs
fi
export MEMCG_KNOBS_CACHE=$CACHE

# The start of the whole run, however many scripts it consists of.
export MEMCG_KNOBS_START=${MEMCG_KNOBS_START:-$EPOCHSECONDS}

# --- reporting -------------------------------------------------------------------------------------------------------

# minutes SECONDS
minutes() {
	printf '%d:%02d' $(($1 / 60)) $(($1 % 60))
}

elapsed() {
	minutes $((EPOCHSECONDS - MEMCG_KNOBS_START))
}

# step NAME TEXT: print a line for a step that takes time. MEMCG_KNOBS_TOTAL is the expected duration of all steps.
step() {
	printf '==> [%s] %s (%s elapsed%s)\n' "$1" "$2" "$(elapsed)" \
		"${MEMCG_KNOBS_TOTAL:+ of about $(minutes "$MEMCG_KNOBS_TOTAL")}"
}

# die NAME TEXT...: print each TEXT as a line, and exit. The first states the problem, the others the remedy.
die() {
	local name=$1
	shift
	printf '==> [%s] error: %s\n' "$name" "$1" >&2
	shift
	(($#)) && printf '           %s\n' "$@" >&2
	exit 1
}

# logged LOG COMMAND...: run a program with its output in build/log/LOG.log. If it fails, show the end of the log.
logged() {
	local log=$BUILD/log/$1.log status=0
	shift
	mkdir -p "$BUILD/log"
	"$@" >>"$log" 2>&1 || status=$?
	((status == 0)) && return
	tail -n 30 "$log" >&2
	printf '==> all of it is in %s\n' "$log" >&2
	return "$status"
}

as_root() {
	if ((EUID == 0)); then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo -- "$@"
	else
		die root "this needs root, and there is no sudo here: $*"
	fi
}

hash() {
	sha256sum | cut -c 1-16
}

# --- locking -------------------------------------------------------------------------------------------------------

# lock NAME FILE: hold FILE's lock until this process ends. The descriptor is not closed on exec, so children that
# outlive a killed script keep the lock for as long as they can write.
lock() {
	local fd
	mkdir -p "$(dirname "$2")"
	exec {fd}>>"$2"
	flock -n "$fd" && return
	step "$1" "waiting for another build that uses $2"
	flock "$fd"
}

# --- toolchain -------------------------------------------------------------------------------------------------------

RUST_MIN=1.85.0
BINDGEN_MIN=0.71.1
LLVM_MIN=17.0.0

# at_least VERSION MINIMUM
at_least() {
	[[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) == "$2" ]]
}

# find_llvm: print the suffix of an LLVM that has every tool that the kernel's LLVM= needs ("-19", or "none").
find_llvm() {
	local suffix tool
	for suffix in -19 "" -22 -21 -20 -18 -17; do
		for tool in clang ld.lld llvm-ar llvm-nm llvm-objcopy llvm-objdump llvm-readelf llvm-strip; do
			command -v "$tool$suffix" >/dev/null || continue 2
		done
		at_least "$("clang$suffix" -dumpversion)" "$LLVM_MIN" || continue
		echo "${suffix:-none}"
		return
	done
	return 1
}

# find_rustc: print a rustc that is new enough and comes with the library's source, which the kernel compiles.
find_rustc() {
	local rustc
	for rustc in /usr/bin/rustc $(type -ap rustc); do
		[[ -x $rustc ]] || continue
		at_least "$("$rustc" --version | cut -d ' ' -f 2)" "$RUST_MIN" || continue
		[[ -f $("$rustc" --print sysroot)/lib/rustlib/src/rust/library/core/src/lib.rs ]] || continue
		echo "$rustc"
		return
	done
	return 1
}

# find_program NAME MINIMUM: print a program that is new enough.
find_program() {
	local program
	for program in $(type -ap "$1") ~/.cargo/bin/"$1"; do
		[[ -x $program ]] || continue
		at_least "$("$program" --version | cut -d ' ' -f 2)" "$2" || continue
		echo "$program"
		return
	done
	return 1
}

find_bindgen() {
	find_program bindgen "$BINDGEN_MIN"
}

# find_cargo: print a cargo for programs that run in user space.
find_cargo() {
	find_program cargo "$RUST_MIN"
}

# toolchain: set KMAKE to the make command that builds a kernel, and TOOLCHAIN to the version strings of its compilers.
toolchain() {
	local suffix rustc bindgen cc
	suffix=$(find_llvm) || die toolchain "no complete LLVM >= $LLVM_MIN (clang, lld, llvm)" "$DEPS_HINT"
	rustc=$(find_rustc) || die toolchain "no rustc >= $RUST_MIN with its library source (rust-src)" "$DEPS_HINT"
	bindgen=$(find_bindgen) || die toolchain "no bindgen >= $BINDGEN_MIN" "$DEPS_HINT"
	suffix=${suffix#none}
	cc=clang$suffix
	TOOLCHAIN=$("clang$suffix" --version | head -n 1; "ld.lld$suffix" --version; "$rustc" -vV; "$bindgen" --version)
	export LIBCLANG_PATH
	LIBCLANG_PATH=$("$(command -v "llvm-config$suffix" || echo false)" --libdir || true)
	[[ $LIBCLANG_PATH ]] || unset LIBCLANG_PATH
	if command -v ccache >/dev/null; then
		# Objects do not contain their build directory, so leave it out of the hash. A file's includes are read from the
		# compiler's dependency list: preprocessing each file again for them costs a fifth of a cold build.
		export CCACHE_DIR=$CACHE/ccache CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1
		cc="ccache $cc"
	fi
	# With fixed time stamps, equal input gives equal output, which ccache needs. clippy must belong to the same rustc.
	KMAKE=(make "LLVM=${suffix:-1}" "CC=$cc" "RUSTC=$rustc" "HOSTRUSTC=$rustc" "BINDGEN=$bindgen"
		"CLIPPY_DRIVER=$(dirname "$rustc")/clippy-driver"
		KBUILD_BUILD_TIMESTAMP=1 KBUILD_BUILD_USER=memcg KBUILD_BUILD_HOST=knobs)
}
DEPS_HINT="\`tools/deps.sh\` installs it on Debian 12 and 13; elsewhere install it by the system's own means."
