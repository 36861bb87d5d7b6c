# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# tap.sh: TAP on stdout for tests on the host and for their guests, and a temporary directory in $work, unless that is set.
# Sourced. (The tests of the module use the kernel's own helpers, see kselftest/lib.sh.)

if [[ ! ${work-} ]]; then
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
fi
number=0 failed=0

# check NAME COMMAND...: one test. The output of the command is shown if it fails.
check() {
	local name=$1
	shift
	number=$((number + 1))
	if "$@" >"$work/said" 2>&1; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		sed 's/^/# /' "$work/said"
		failed=1
	fi
}

# is NAME WANTED COMMAND...: one test of the command's output.
is() {
	local name=$1 wanted=$2 found
	shift 2
	found=$("$@" 2>&1)
	number=$((number + 1))
	[[ $found == "$wanted" ]] && echo "ok $number - $name" && return
	echo "not ok $number - $name"
	echo "# wanted: ${wanted//$'\n'/ | }; found: ${found//$'\n'/ | }"
	failed=1
}

skip() {
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

# check_if REASON NAME COMMAND...: check, or skip the test if REASON is not empty.
check_if() {
	if [[ $1 ]]; then skip "$2" "$1"; else check "${@:2}"; fi
}

# same WANTED FOUND: compare two lists, in any order.
same() {
	diff <(sort <<<"$1") <(sort <<<"$2")
}

# done_testing: the last line of every test.
done_testing() {
	echo "1..$number"
	exit "$failed"
}
