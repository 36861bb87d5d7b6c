# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # Variables of lib.sh and of the tests.
# TAP output through the kernel's own helpers. In the kernel's tree they are next to the
# test; tests/vm/run.sh copies them from there. The plan is printed last, so a test that
# dies prints none.

finished=''
# shellcheck disable=SC1091 # It is in the kernel's tree.
. "$(dirname "${BASH_SOURCE[0]}")/../../kselftest/ktap_helpers.sh"
ktap_print_header

# ktap FUNCTION [TEXT...]: call a helper of the kernel. The helpers expand glob patterns in
# the text and set variables whose names a test may use.
ktap()
{
	local - result description directive
	set -f
	"$@"
}

ok()
{
	ktap ktap_test_pass "- $1"
}

not_ok()
{
	ktap ktap_test_fail "- $1"
}

# skip DESCRIPTION REASON
skip()
{
	ktap __ktap_test ok "- $1" "SKIP $2"
	KTAP_CNT_SKIP=$((KTAP_CNT_SKIP + 1))
}

# done_testing: print the plan and the totals, and exit.
done_testing()
{
	finished=1
	ktap_set_plan $((KTAP_TESTNO - 1))
	ktap_finished
}

diag()
{
	local line
	while IFS= read -r line; do
		echo "# $line"
	done <<<"$*"
}

# check DESCRIPTION COMMAND...: check that the command succeeds, and fail otherwise.
check()
{
	local what=$1
	shift
	if "$@"; then
		ok "$what"
	else
		not_ok "$what"
		return 1
	fi
}

# check_eq DESCRIPTION GOT WANTED: compare strings.
check_eq()
{
	check "$1" test "$2" = "$3" || diag "got '$2', wanted '$3'"
}

# compare A OPERATOR B: compare numbers. Integers are compared in the shell, because this
# runs often and starting a program is slow on the debug kernel.
compare()
{
	local expression="$1 $2 $3"
	if [[ $1 =~ ^-?[0-9]{1,18}$ && $3 =~ ^-?[0-9]{1,18}$ ]]; then
		((expression))
		return
	fi
	[[ $1 =~ ^-?[0-9.]+$ && $3 =~ ^-?[0-9.]+$ ]] &&
		awk -v a="$1" -v b="$3" "BEGIN { exit !(a $2 b) }"
}

# check_num DESCRIPTION A OPERATOR B
check_num()
{
	check "$1" compare "$2" "$3" "$4" || diag "$2 $3 $4 does not hold"
}

# skip_if REASON CHECK DESCRIPTION...: a check, which is skipped if there is a reason.
skip_if()
{
	if [[ $1 ]]; then skip "$3" "$1"; else "${@:2}"; fi
}

# skip_all REASON: skip the whole test, or the rest of it.
skip_all()
{
	if ((KTAP_TESTNO > 1)); then
		skip "all the rest" "$*"
		finish
	fi
	finished=1
	ktap ktap_skip_all "$*"
	exit "$KSFT_SKIP"
}

bail()
{
	finished=1
	ktap ktap_exit_fail_msg "$*"
}

must()
{
	"$@" || bail "failed: $*"
}

# finish: the last line of every test. It checks that everything can be undone: the loads
# end; the cgroups, file systems and the module can be removed. It also audits the
# statistics on the debug kernel and in tests of the statistics.
finish()
{
	if [[ $top && ($audited || $debug) ]]; then
		quiesce
		check_audit "at the end"
	fi
	check "everything is cleaned up" undo
	done_testing
}

# on_exit [STATUS]: the trap; STATUS is that of the test if other commands come before.
on_exit()
{
	local status=${1-$?}
	if [[ ! $finished ]]; then
		echo "Bail out! the test ended early"
		status=1
	fi
	undo >/dev/null 2>&1
	exit "$status"
}
trap on_exit EXIT
trap 'exit 1' INT TERM HUP
