#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# module.sh: build the module against a patched kernel's build tree, into build/FLAVOR/memcg_knobs.ko.
# Usage: tools/module.sh release|debug|lint [MAKE_ARGUMENT...]      (lint: a separate build for lint.sh)
# KDIR=DIR names the build tree; the default is that of `make kernel`.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

flavor=$1
shift
kdir=${KDIR:-$BUILD/$flavor/linux}
[[ -f $kdir/Module.symvers && -f $kdir/rust/libkernel.rmeta ]] ||
	die module "$kdir is not the build tree of a kernel with CONFIG_RUST and CONFIG_MODULES" \
		"\`make kernel${DEBUG:+ DEBUG=1}\` builds one, or give KDIR=/path/to/patched/build."
kdir=$(realpath "$kdir")

# kbuild detects changed sources and flags, but not changed Rust crates of the kernel.
objects=$BUILD/$flavor/module
made_for="$kdir $(stat -c %Y "$kdir/rust/libkernel.rmeta")"
[[ $(cat "$objects/.made_for" 2>/dev/null || true) == "$made_for" ]] || rm -rf "$objects"
mkdir -p "$objects"
echo "$made_for" >"$objects/.made_for"

toolchain
step module "$flavor: building against $kdir"
"${KMAKE[@]}" -s -C "$kdir" "M=$TOP" "MO=$objects" "-j$JOBS" "$@" modules
for built in "$objects/memcg_knobs.ko" "$objects"/tests/modules/*.ko; do
	[[ -e $built ]] || continue
	cp "$built" "$BUILD/$flavor/${built##*/}.new"
	mv "$BUILD/$flavor/${built##*/}.new" "$BUILD/$flavor/${built##*/}"
done

# The selftests that the series adds to the kernel, if the source is available. test_upstream.sh runs them.
selftests=$kdir/source/tools/testing/selftests/cgroup
if [[ $flavor != lint && -e $selftests/test_fs_dirty.c ]]; then
	mkdir -p "$BUILD/$flavor/selftests"
	make -s -C "$selftests" "OUTPUT=$BUILD/$flavor/selftests" CC=gcc LDFLAGS='-static -s' \
		"$BUILD/$flavor/selftests"/test_{charge_move,fs_dirty,memcg_mount} >/dev/null
fi
