#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# lint.sh: check format and lints of everything in the tree: module, crates, patches, scripts. Continues after a finding,
# and lists the failed parts at the end.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# module_format: the module's sources have the kernel's own style.
module_format() {
	rustfmt --check --config-path "$("$TOP/tools/source.sh")/.rustfmt.toml" "$TOP"/{rust,tests/modules}/*.rs
}

# module_clippy: the lints that the kernel enables for itself, as errors. The module is built from scratch in a separate
# directory, because make shows no warnings for files that it does not compile.
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

# scripts: every script in the tree, recognized by its first line, and dkms.conf, which has none.
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
