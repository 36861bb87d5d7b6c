#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# test.sh: everything `make test` does, from nothing: install, build, test. Ends in one line that counts all tests:
# "N passed, N failed, N skipped". What a part printed is kept in build/test/.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

passed=0 failed=0 skipped=0 broken=()
logs=$BUILD/test

summary() {
	((${#broken[@]} == 0)) || printf '==> [test] failed: %s\n' "${broken[*]}"
	printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
	((failed == 0))
}

# run NAME COMMAND...: show and keep its output.
run() {
	local name=$1
	shift
	step test "$name"
	"$@" 2>&1 | tee "$logs/$name.log"
}

# need NAME COMMAND...: what all the rest needs; without it there is nothing left to test.
need() {
	run "$@" && return
	failed=$((failed + 1))
	broken+=("$1")
	summary
	exit 1
}

# add NAME STATUS PASSED FAILED SKIPPED: a part that fails without counting a failure, or that ran nothing, has failed.
add() {
	local name=$1 status=$2 count=$4
	((status == 0 || count > 0)) || count=1
	(($3 + count + $5 > 0)) || count=1
	passed=$((passed + $3))
	failed=$((failed + count))
	skipped=$((skipped + $5))
	((count == 0)) || broken+=("$name ($logs/$name.log)")
}

# tests NAME COUNTER COMMAND...: a part of the tests; COUNTER reads "passed failed skipped" out of what it printed.
tests() {
	local name=$1 counter=$2 status=0 p f s
	shift 2
	run "$name" "$@" || status=$?
	read -r p f s < <("$counter" <"$logs/$name.log")
	add "$name" "$status" "$p" "$f" "$s"
}

# cargo's "test result: ok. 12 passed; 0 failed; 1 ignored; …", one for each binary.
count_cargo() {
	awk '/^test result:/ { p += $4; f += $6; s += $8 } END { print p + 0, f + 0, s + 0 }'
}

# TAP: "ok …", "not ok …", "ok … # SKIP why".
count_tap() {
	awk '/^ok .*# SKIP/ { s++; next } /^ok / { p++ } /^not ok / { f++ } END { print p + 0, f + 0, s + 0 }'
}

# The kselftest runner's last word: "12 passed, 0 failed, 1 skipped".
count_summary() {
	awk '/^[0-9]+ passed, [0-9]+ failed/ { p = $1; f = $3; s = $5 } END { print p + 0, f + 0, s + 0 }'
}

cd "$TOP"
rm -rf "$logs"
mkdir -p "$logs"
need dependencies tools/deps.sh
need userland tools/crates.sh build
tests unit count_cargo tools/crates.sh test
for flavor in release debug; do
	need "kernel-$flavor" tools/kernel.sh "$flavor"
	need "module-$flavor" tools/module.sh "$flavor"
done
tests series count_tap tools/series.sh verify
tests install count_tap tests/install.sh
tests harness count_tap tests/vm/selftest.sh
tests install-vm count_tap tests/install-vm.sh
for flavor in release debug; do
	tests "vm-$flavor" count_summary tests/kselftest/run.sh --flavor "$flavor"
done
summary
