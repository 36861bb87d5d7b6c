#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# lint.sh: form and lints of everything in the tree: module, crates, patches, scripts. Goes on after a finding and says
# at the end which parts had some.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# The module's sources in the kernel's own style.
module_format() {
	rustfmt --check --config-path "$("$TOP/tools/source.sh")/.rustfmt.toml" "$TOP"/{rust,tests/modules}/*.rs
}

# The lints that the kernel turns on for itself: warnings there, errors here. Built from nothing and beside the module
# proper, since make shows no warnings of what it need not compile.
module_clippy() {
	local log=$BUILD/lint/clippy.log
	rm -rf "$BUILD/lint"
	mkdir -p "$BUILD/lint"
	KDIR=${KDIR:-$BUILD/release/linux} "$TOP/tools/module.sh" lint CLIPPY=1 2>&1 | tee "$log" || return
	! grep -q '^warning' "$log"
}

crates() {
	"$TOP/tools/crates.sh" lint
}

series() {
	"$TOP/tools/series.sh" verify
}

# Every script in the tree, known by its first line, wherever it is and whatever its name; dkms.conf is one without such.
scripts() {
	local found
	mapfile -t found < <(cd "$TOP" && git ls-files -co --exclude-standard |
		xargs -d '\n' awk 'FNR == 1 && (/^#!.*sh$/ || FILENAME ~ /(\.sh|dkms\.conf)$/) { print FILENAME }')
	(cd "$TOP" && shellcheck -x -P SCRIPTDIR "${found[@]}")
}

findings=()
for part in module_format module_clippy crates series scripts; do
	step lint "$part"
	"$part" || findings+=("$part")
done
((${#findings[@]} == 0)) || die lint "findings in: ${findings[*]}"
step lint "clean"
