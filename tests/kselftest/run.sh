#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs the tests of this directory on the host's side: one virtual machine for
# each, with the disks that its header asks for, several at a time, and a verdict
# over all. What has passed with all that it depends on is not run again.
#
# A header line in the test says what its machine is like, in options of
# tests/vm/run.sh; the second form replaces the first on the debug kernel:
#   # vm: --disk 512M,bps=20000000 --timeout 90
#   # vm-debug: ...
# One more option is for this script: with --alone the test runs when all the
# others have ended, since a neighbour would change what it measures.
set -euo pipefail

usage()
{
	cat <<-END
		Usage: tests/kselftest/run.sh [--flavor release|debug|stock] [--lanes N] [TEST...]
		  TEST is a name such as tightness or test_tightness.sh; none means all.
		  On stock there is nothing to test: every test has to skip itself.
		  --lanes: so many at a time; otherwise as many as the processors and the
		  memory are enough for.
		KNOBS_QUICK=1 in the environment: the smaller parameter sets of the debug kernel.
		FRESH=1: also those run that have passed before and that nothing has changed
		for since. Tests that are named always run.
	END
}

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
# What a header adds to a guest is named from there.
cd "$top"
# shellcheck source=tools/env.sh
source "$top/tools/env.sh"
# shellcheck source=tools/verdicts.sh
source "$top/tools/verdicts.sh"

die()
{
	echo "run.sh: $*" >&2
	exit 2
}

flavor=release lanes=''
while [[ ${1-} == -* ]]; do
	case $1 in
	--flavor)
		flavor=${2-}
		shift
		;;
	--lanes)
		lanes=${2-}
		[[ $lanes =~ ^[1-9][0-9]*$ ]] || die "--lanes: not a number: '$lanes'"
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
else
	FRESH=1
fi

# Logs are made in a place of this run's own, so that two runs at once do not
# mix theirs; those of failed tests move to where they can be found.
logs=$top/build/log/kselftest/$flavor
mkdir -p "$logs"
work=$(mktemp -d)
pids=()
# What runs ends with the lane it runs in.
# shellcheck disable=SC2317 # The trap calls it.
cleanup()
{
	((${#pids[@]} == 0)) || kill "${pids[@]}" 2>/dev/null || true
	wait
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# First of all, since what the runner finds out about the host it should find out
# before there are several of it.
accel=$("$top/tests/vm/run.sh" --flavor "$flavor" --which-accel) || die "there is no virtual machine"

# Without KVM a guest keeps one processor busy, with KVM as many as it has, two.
# It has 1 GiB, and the host wants some for itself.
if [[ ! $lanes ]]; then
	lanes=$(nproc)
	[[ $accel == tcg ]] || lanes=$((lanes / 2))
	room=$(awk '/^MemAvailable:/ { printf "%d", $2 / 1024 / 1536 }' /proc/meminfo)
	((lanes <= room)) || lanes=$room
	((lanes > 0)) || lanes=1
fi

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

# What all tests of this run depend on.
same=$(
	guest_key "$flavor"
	contents tests/kselftest/{run.sh,lib.sh}
	echo "$flavor quick=${KNOBS_QUICK-}"
)

# key NAME: of its verdict.
key()
{
	local program word files=("tests/kselftest/$1")
	# What else of this tree its guest is given.
	for word in $(header "$1"); do
		[[ $word != *:/* ]] || files+=("${word%%:*}")
	done
	{
		echo "$same"
		header "$1"
		contents "${files[@]}"
		for program in "$top"/build/bin/*; do
			! grep -qw "${program##*/}" "$here/$1" "$here/lib.sh" || sha256sum <"$program"
		done
	} | hash
}

# How long each took the last time; or else what it is given says something.
lasted=$VERDICTS/lasted-$flavor-$accel${KNOBS_QUICK:+-quick}
declare -A seconds=()
if [[ -s $lasted ]]; then
	while read -r name took; do
		seconds[$name]=$took
	done <"$lasted"
fi

expected()
{
	local words
	words=$(header "$1")
	if [[ ${seconds[$1]-} ]]; then
		echo "${seconds[$1]}"
	elif [[ $words =~ --timeout\ ([0-9]+) ]]; then
		echo "${BASH_REMATCH[1]}"
	else
		echo 60
	fi
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

declare -A count=([passed]=0 [failed]=0 [skipped]=0) keys=()
failures=() number=0 cached=0

# tell NAME RESULT TIME WORDS: the line of a test.
tell()
{
	number=$((number + 1))
	count[$2]=$((count[$2] + 1))
	printf '[%2d/%d] %-24s %-8s %8s  %s\n' "$number" "${#tests[@]}" "${1%.sh}" "$2" "$3" "$4"
}

# run NAME: in a lane of its own, which says at its end how it went and how long
# it took.
run()
{
	local options=() word status=0 begin=$EPOCHSECONDS
	for word in $(header "$1"); do
		[[ $word == --alone ]] || options+=("$word")
	done
	setpriv --pdeathsig TERM "$top/tests/vm/run.sh" --flavor "$flavor" "${options[@]}" \
		--log "$work/$1.console" -- env "KNOBS_QUICK=${KNOBS_QUICK-}" "/tests/$1" \
		>"$work/$1.tap" 2>"$work/$1.vm" </dev/null || status=$?
	echo "$1 $status $((EPOCHSECONDS - begin)) $BASHPID" >&"$ended"
}

# reap: waits until a test has ended, and says what there is to say of it.
reap()
{
	local name status took pid
	read -r name status took pid <&"$ended"
	wait "$pid"
	unset "pids[$pid]"
	judge "$work/$name.tap" "$status"
	seconds[$name]=$took
	tell "$name" "$result" "$took s" "$words"
	if [[ $result == passed ]]; then
		keep_verdict "${keys[$name]}" <<<"$words"
	else
		drop_verdict "${keys[$name]}"
	fi
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
}

# run_all LANES: those of stdin.
run_all()
{
	local name
	while read -r name; do
		((${#pids[@]} < $1)) || reap
		run "$name" &
		pids[$!]=$!
	done
	while ((${#pids[@]} > 0)); do
		reap
	done
}

together=() alone=()
for name in "${tests[@]}"; do
	# As it is now: it may be changed while it runs.
	keys[$name]=$(key "$name")
	if words=$(verdict "${keys[$name]}"); then
		cached=$((cached + 1))
		tell "$name" passed "(cached)" "$words"
		rm -f "$logs/$name".{tap,vm,console}
	elif [[ " $(header "$name") " == *" --alone "* ]]; then
		alone+=("$name")
	else
		together+=("$(expected "$name") $name")
	fi
done
mkfifo "$work/ended"
exec {ended}<>"$work/ended"
# The longest first, so that all lanes come to an end at about the same time.
run_all "$lanes" < <(printf '%s\n' ${together[@]+"${together[@]}"} | sort -rn | sed -n 's/.* //p')
run_all 1 < <(printf '%s\n' ${alone[@]+"${alone[@]}"} | grep . || true)

mkdir -p "$VERDICTS"
for name in "${!seconds[@]}"; do
	echo "$name ${seconds[$name]}"
done | sort >"$work/lasted"
cp "$work/lasted" "$lasted.new"
mv "$lasted.new" "$lasted"

echo "${count[passed]} passed, ${count[failed]} failed, ${count[skipped]} skipped in $SECONDS s, $cached of them cached"
if ((count[failed] > 0)); then
	echo "failed: ${failures[*]}"
	exit 1
fi
