#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs the tests of this directory on the host's side: one virtual machine for
# each, with the disks that its header asks for, and a verdict over all.
#
# A header line in the test says what its machine is like, in options of
# tests/vm/run.sh; the second form replaces the first on the debug kernel:
#   # vm: --disk 512M,bps=20000000 --timeout 90
#   # vm-debug: ...
set -euo pipefail

usage()
{
	cat <<-END
		Usage: tests/kselftest/run.sh [--flavor release|debug|stock] [TEST...]
		  TEST is a name such as tightness or test_tightness.sh; none means all.
		  On stock there is nothing to test: every test has to skip itself.
		KNOBS_QUICK=1 in the environment: the smaller parameter sets of the debug kernel.
	END
}

die()
{
	echo "run.sh: $*" >&2
	exit 2
}

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
flavor=release
while [[ ${1-} == -* ]]; do
	case $1 in
	--flavor)
		flavor=${2-}
		shift
		;;
	--help)
		usage
		exit
		;;
	*) die "unknown option $1 (--help lists them)" ;;
	esac
	shift
done
case $flavor in
release | debug | stock) ;;
*) die "no such flavor: '$flavor'" ;;
esac

tests=()
for name in "$@"; do
	name=${name##*/}
	name=${name#test_}
	name=test_${name%.sh}.sh
	[[ -x $here/$name ]] || die "there is no $name"
	tests+=("$name")
done
if [[ ${#tests[@]} == 0 ]]; then
	for name in "$here"/test_*.sh; do
		tests+=("${name##*/}")
	done
fi

# Logs are made in a place of this run's own, so that two runs at once do not
# mix theirs; those of failed tests move to where they can be found.
logs=$top/build/log/kselftest/$flavor
mkdir -p "$logs"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

# header NAME: the words of the header line that applies.
header()
{
	local line
	line=$(grep -m 1 "^# vm-$flavor:" "$here/$1" || grep -m 1 '^# vm:' "$here/$1" || true)
	# The debug kernel cannot fill a disk of 20 MB/s without KVM, and a limit
	# is reached only by who is faster than the disk.
	[[ $flavor != debug ]] || line=${line//bps=20000000/bps=2000000}
	echo "${line#*:}"
}

# judge OUTPUT STATUS: sets result and words. A run counts only if its status,
# its plan and its checks agree.
judge()
{
	local plan passed failed skipped
	plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$1" | tail -n 1)
	passed=$(grep -c '^ok ' "$1" || true)
	failed=$(grep -c '^not ok ' "$1" || true)
	skipped=$(grep -c '^ok .*# SKIP' "$1" || true)
	result=failed
	if [[ $2 == 4 && $plan == 0 ]]; then
		result=skipped
		words=$(sed -n 's/^1\.\.0 # SKIP //p' "$1")
	elif [[ $failed != 0 ]]; then
		words="$failed of $((passed + failed)) checks"
	elif grep -q '^Bail out!' "$1"; then
		words=$(grep -m 1 '^Bail out!' "$1")
	elif [[ $2 != 0 ]]; then
		words="exit status $2"
	elif [[ ! $plan || $plan != "$passed" || $plan == 0 ]]; then
		words="the plan says ${plan:-nothing}, $passed checks passed"
	else
		result=passed
		words="$passed checks"
		((skipped == 0)) || words+=", $skipped of them skipped"
	fi
}

declare -A count=([passed]=0 [failed]=0 [skipped]=0)
failures=()
number=0
for name in "${tests[@]}"; do
	number=$((number + 1))
	printf '[%2d/%d] %-24s ' "$number" "${#tests[@]}" "${name%.sh}"
	read -ra options <<<"$(header "$name")"
	begin=$SECONDS
	status=0
	"$top/tests/vm/run.sh" --flavor "$flavor" "${options[@]}" --log "$work/$name.console" \
		-- env "KNOBS_QUICK=${KNOBS_QUICK-}" "/tests/$name" \
		>"$work/$name.tap" 2>"$work/$name.vm" </dev/null || status=$?
	judge "$work/$name.tap" "$status"
	count[$result]=$((count[$result] + 1))
	printf '%-8s %3d s  %s\n' "$result" $((SECONDS - begin)) "$words"
	case $result in
	failed)
		failures+=("${name%.sh}")
		# The failed checks with what explains them, how it ended, and what
		# the runner has to say.
		{
			grep -A 1 '^not ok ' "$work/$name.tap" | head -n 40 || true
			tail -n 5 "$work/$name.tap"
			tail -n 40 "$work/$name.vm"
		} | sed 's/^/        /'
		mv "$work/$name".* "$logs"
		echo "        all of it: ${logs#"$top/"}/$name.{tap,vm,console}"
		;;
	# What is there belongs to a test that no longer fails.
	*) rm -f "$logs/$name".{tap,vm,console} "$work/$name".* ;;
	esac
done

echo "${count[passed]} passed, ${count[failed]} failed, ${count[skipped]} skipped in $SECONDS s"
if ((count[failed] > 0)); then
	echo "failed: ${failures[*]}"
	exit 1
fi
