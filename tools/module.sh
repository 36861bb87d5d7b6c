#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# module.sh: build the module against a patched kernel's build tree, into build/FLAVOR/memcg_knobs.ko.
# Usage: tools/module.sh release|debug|lint [MAKE_ARGUMENT...]      (lint: lint.sh's, beside the two proper ones)
# KDIR=DIR names the build tree; otherwise it is the one that `make kernel` left.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

flavor=$1
shift
kdir=${KDIR:-$BUILD/$flavor/linux}
[[ -f $kdir/Module.symvers && -f $kdir/rust/libkernel.rmeta ]] ||
	die module "$kdir is not the build tree of a kernel with CONFIG_RUST and CONFIG_MODULES" \
		"\`make kernel${DEBUG:+ DEBUG=1}\` builds one, or give KDIR=/path/to/patched/build."
kdir=$(realpath "$kdir")

# kbuild notices changed sources and flags, but not that the Rust crates of the kernel are others now.
objects=$BUILD/$flavor/module
made_for="$kdir $(stat -c %Y "$kdir/rust/libkernel.rmeta")"
[[ $(cat "$objects/.made_for" 2>/dev/null || true) == "$made_for" ]] || rm -rf "$objects"
mkdir -p "$objects"
echo "$made_for" >"$objects/.made_for"

toolchain
step module "$flavor: building against $kdir"
"${KMAKE[@]}" -s -C "$kdir" "M=$TOP" "MO=$objects" "-j$JOBS" "$@" modules
cp "$objects/memcg_knobs.ko" "$BUILD/$flavor/memcg_knobs.ko.new"
mv "$BUILD/$flavor/memcg_knobs.ko.new" "$BUILD/$flavor/memcg_knobs.ko"
