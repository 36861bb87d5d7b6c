#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# crates.sh: everything done with cargo, that is all Rust but the module. Usage: tools/crates.sh build|test|lint
#   build   static binaries into build/bin
#   test    unit and property tests on this machine
#   lint    rustfmt and clippy, warnings being errors

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

TARGET=x86_64-unknown-linux-gnu

# in_crate DIRECTORY ARGUMENT...: cargo, with its output under build/ and only the versions that Cargo.lock names.
in_crate() {
	local directory=$1
	shift
	CARGO_TARGET_DIR=$BUILD/cargo/$(basename "$directory") "$cargo" "$1" \
		--manifest-path "$TOP/$directory/Cargo.toml" "${@:2}"
}

# static DIRECTORY BINARY [RUSTFLAG...]: linked statically, because a guest holds no libraries.
static() {
	step crates "building $2"
	RUSTFLAGS="-C target-feature=+crt-static ${*:3}" in_crate "$1" build --locked --release --target "$TARGET" --jobs "$JOBS"
	mkdir -p "$BUILD/bin"
	cp "$BUILD/cargo/$(basename "$1")/$TARGET/release/$2" "$BUILD/bin/$2.new"
	mv "$BUILD/bin/$2.new" "$BUILD/bin/$2"
}

cargo=$(find_cargo) || die crates "no cargo >= $RUST_MIN" "$DEPS_HINT"
case ${1:-} in
build)
	static userspace memcgctl
	# With nothing to relocate it starts without the page faults of that, which are slow on the debug kernel.
	static tests/workload workload -C relocation-model=static
	;;
test)
	for crate in tests/unit tests/workload userspace; do
		step crates "testing $crate"
		in_crate "$crate" test --locked --workspace --jobs "$JOBS"
	done
	;;
lint)
	for crate in tests/unit tests/workload userspace; do
		step crates "linting $crate"
		in_crate "$crate" fmt --all -- --check
		in_crate "$crate" clippy --locked --workspace --all-targets --jobs "$JOBS" -- -D warnings
	done
	# The fuzz targets need a compiler for C++; their entry points are among the library's tests.
	in_crate userspace/fuzz fmt -- --check
	;;
*) die crates "usage: tools/crates.sh build|test|lint" ;;
esac
