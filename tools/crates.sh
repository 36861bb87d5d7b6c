#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# crates.sh: everything that is done with cargo, that is, all Rust except the module.
# Usage: tools/crates.sh build [PROGRAM...]|debug|test|lint|fuzz [SECONDS]
#   build   static binaries in build/bin: memcgctl and workload, or the named programs. memcg-nri goes to build/nri,
#           because guests do not need it. The output of cargo is in build/log/crates.log.
#   debug   memcg-nri for its tests, not optimized and with shared libraries; prints its path
#   test    unit and property tests on this machine
#   lint    rustfmt and clippy; warnings are errors
#   fuzz    build the fuzz targets, and run each for SECONDS (10). This needs a C++ compiler, but neither cargo-fuzz nor a
#           nightly compiler. Findings are in build/fuzz.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

TARGET=x86_64-unknown-linux-gnu

# The directory of the sources for cargo.
sources=$TOP

# in_crate DIRECTORY ARGUMENT...: run cargo with its output under build/, and only with the versions in Cargo.lock.
in_crate() {
	local directory=$1
	shift
	CARGO_TARGET_DIR=$BUILD/cargo/$(basename "$directory") "$cargo" "$1" \
		--manifest-path "$sources/$directory/Cargo.toml" "${@:2}"
}

# static DIRECTORY BINARY [RUSTFLAG...]: build a static binary, because guests have no libraries. A binary depends on the path
# of crates that are outside of its own crate's directory, so all checkouts use the same path: verdicts hold in every checkout.
static() {
	local dest=$BUILD/bin
	if [[ $sources == "$TOP" ]]; then
		lock crates "$CACHE/checkout.lock"
		sources=$CACHE/checkout
		ln -sfn "$TOP" "$sources"
	fi
	step crates "building $2"
	RUSTFLAGS="-C target-feature=+crt-static ${*:3}" \
		logged crates in_crate "$1" build --locked --release --target "$TARGET" --jobs "$JOBS"
	[[ $2 != memcg-nri ]] || dest=$BUILD/nri
	mkdir -p "$dest"
	cp "$BUILD/cargo/$(basename "$1")/$TARGET/release/$2" "$dest/$2.new"
	mv "$dest/$2.new" "$dest/$2"
}

cargo=$(find_cargo) || die crates "no cargo >= $RUST_MIN" "$DEPS_HINT"
case ${1:-} in
build)
	shift
	(($#)) || set -- memcgctl workload
	for program in "$@"; do
		case $program in
		memcgctl) static userspace memcgctl ;;
		memcg-nri) static userspace/memcg-nri memcg-nri ;;
		# Without relocations, it starts without their page faults, which are slow on the debug kernel.
		workload) static tests/workload workload -C relocation-model=static ;;
		*) die crates "there is no program \"$program\": memcgctl, memcg-nri and workload are" ;;
		esac
	done
	;;
debug)
	logged crates in_crate userspace/memcg-nri build --locked --jobs "$JOBS"
	echo "$BUILD/cargo/memcg-nri/debug/memcg-nri"
	;;
test)
	for crate in rust/policy tests/workload userspace userspace/memcg-nri; do
		step crates "testing $crate"
		in_crate "$crate" test --locked --workspace --jobs "$JOBS"
	done
	;;
lint)
	for crate in rust/policy tests/workload userspace userspace/memcg-nri; do
		step crates "linting $crate"
		in_crate "$crate" fmt --all -- --check
		in_crate "$crate" clippy --locked --workspace --all-targets --jobs "$JOBS" -- -D warnings
	done
	# The fuzz targets need a C++ compiler; their entry points are checked with the library's tests.
	in_crate userspace/fuzz fmt -- --check
	;;
fuzz)
	coverage=(-C passes=sancov-module)
	for option in level=4 inline-8bit-counters pc-table trace-compares; do
		coverage+=(-C "llvm-args=-sanitizer-coverage-$option")
	done
	step crates "building the fuzz targets"
	RUSTFLAGS="--cfg fuzzing -C codegen-units=1 ${coverage[*]}" \
		logged crates in_crate userspace/fuzz build --locked --release --target "$TARGET" --jobs "$JOBS"
	for target in "$TOP"/userspace/fuzz/fuzz_targets/*.rs; do
		target=$(basename "$target" .rs)
		mkdir -p "$BUILD/fuzz/$target"
		step crates "fuzzing $target"
		(cd "$BUILD/fuzz/$target" && logged fuzz "$BUILD/cargo/fuzz/$TARGET/release/$target" \
			-max_total_time="${2:-10}" -max_len=4096 .) || die crates "$target failed; the input is in build/fuzz/$target"
	done
	;;
*) die crates "usage: tools/crates.sh build [PROGRAM...]|debug|test|lint|fuzz [SECONDS]" ;;
esac
