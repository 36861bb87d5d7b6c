#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs the tests of this directory on the host's side: in virtual machines with the
# disks that their headers ask for, several at a time, and with a verdict over all.
# What has passed with all that it depends on is not run again.
#
# Each test has a guest of its own, except on the debug kernel, which takes half a
# minute without KVM to boot and to look for leaks. There some that want the same
# machine share one. If it complains, the test that was running has failed, and the
# others run again; if it has leaked, all of them have failed.
#
# A header line in the test says what its machine is like, in options of
# tests/vm/run.sh; the second form replaces the first on the debug kernel:
#   # vm: --disk 512M,bps=20000000 --timeout 90
#   # vm-debug: ...
# One more option is for this script: with --alone the test runs when all the
# others have ended, since a neighbour would change what it measures. The debug
# kernel is too slow for any measure, so there it means nothing.
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
	contents tests/kselftest/{run.sh,guest.sh,lib.sh}
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

# machine NAME: what its guest has to be like, as options of the runner.
machine()
{
	header "$1" | sed -E 's/--alone|--timeout +[0-9]+//g' | xargs
}

# limit NAME: its time limit.
limit()
{
	local words
	words=$(header "$1")
	if [[ $words =~ --timeout\ +([0-9]+) ]]; then
		echo "${BASH_REMATCH[1]}"
	else
		echo 60
	fi
}

# How long each took the last time; or else its limit says something.
lasted=$VERDICTS/lasted-$flavor-$accel${KNOBS_QUICK:+-quick}
declare -A seconds=()
if [[ -s $lasted ]]; then
	while read -r name took; do
		seconds[$name]=$took
	done <"$lasted"
fi

# judge OUTPUT STATUS: sets result, words and skipped, the number of checks that were.
# A run counts only if its status, its plan and its checks agree.
judge()
{
	local plan passed failed
	plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$1" | tail -n 1)
	passed=$(grep -c '^ok ' "$1" || true)
	failed=$(grep -c '^not ok ' "$1" || true)
	skipped=$(grep -c '^ok .*# SKIP' "$1" || true)
	result=failed
	if [[ $2 == 4 && $plan == 0 && $failed == 0 ]]; then
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

# may_skip NAME: these kernels and guests have all that the tests ask for, so who
# skips itself has found a feature broken, but for these.
may_skip()
{
	case "$1 $flavor $accel" in
	*" stock "* | "test_kunit.sh release "* | "test_faults.sh release "* | "test_recharge_storm.sh debug tcg") ;;
	*) return 1 ;;
	esac
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

# A job is the tests of one guest, by its number.
jobs=()

# run JOB: in a lane of its own, which says at its end how it went and how long it
# took.
run()
{
	local names options command=() name limits=0 status=0 begin=$EPOCHSECONDS
	read -ra names <<<"${jobs[$1]}"
	read -ra options <<<"$(machine "${names[0]}")"
	for name in "${names[@]}"; do
		command+=("$(limit "$name")" "$name")
		limits=$((limits + command[-2]))
	done
	if ((${#names[@]} == 1)); then
		command=("/tests/${names[0]}")
	else
		# Each has its own limit in the guest; this is for a guest that is dead.
		limits=$((limits + 30))
		command=(/tests/guest.sh "${command[@]}")
	fi
	setpriv --pdeathsig TERM "$top/tests/vm/run.sh" --flavor "$flavor" "${options[@]}" \
		--timeout "$limits" --log "$work/$1.console" \
		-- env "KNOBS_QUICK=${KNOBS_QUICK-}" "${command[@]}" \
		>"$work/$1.tap" 2>"$work/$1.vm" </dev/null || status=$?
	echo "$1 $status $((EPOCHSECONDS - begin)) $BASHPID" >&"$ended"
}

# reap: waits until a guest has ended, and says what there is to say of its tests.
reap()
{
	local job status took pid names name code time culprit='' again=()
	local -A ends=()
	read -r job status took pid <&"$ended"
	wait "$pid"
	unset "pids[$pid]"
	read -ra names <<<"${jobs[$job]}"
	if ((${#names[@]} == 1)); then
		mv "$work/$job.tap" "$work/${names[0]}.tap"
		conclude "$job" "${names[0]}" "$status" "$took"
		return
	fi
	awk -v work="$work" '
		/^@@ begin / { file = work "/" $3 ".tap"; printf "" >file; next }
		/^@@ end / { close(file); file = ""; print $3, $4, $5; next }
		file { print >file }' "$work/$job.tap" >"$work/$job.ends"
	while read -r name code time; do
		ends[$name]="$code $time"
	done <"$work/$job.ends"
	# They run in this order, so the first without an end has brought the guest down.
	# A guest that complains when all have ended leaks, which any of them may have done.
	for name in "${names[@]}"; do
		[[ ${ends[$name]-} || $culprit ]] || culprit=$name
	done
	for name in "${names[@]}"; do
		read -r code time <<<"${ends[$name]-}"
		if [[ $name == "$culprit" ]]; then
			touch "$work/$name.tap"
			conclude "$job" "$name" "$((status == 0 ? 1 : status))" "$took"
		elif [[ $culprit ]]; then
			rm -f "$work/$name.tap"
			again+=("$name")
		else
			conclude "$job" "$name" "$((status == 0 ? code : status))" "$time"
		fi
	done
	if ((${#again[@]} > 0)); then
		echo "        once more, in another guest: ${again[*]%.sh}"
		queue+=(${#jobs[@]})
		jobs+=("${again[*]}")
	fi
}

# conclude JOB NAME STATUS SECONDS: that test has ended.
conclude()
{
	local job=$1 name=$2 part
	judge "$work/$name.tap" "$3"
	if [[ $result == skipped ]] && ! may_skip "$name"; then
		result=failed words="not to be skipped here: $words"
	elif [[ $result == passed && $flavor == release && ! ${KNOBS_QUICK-} ]] && ((skipped > 0)); then
		result=failed words="not to be skipped here: $skipped checks"
	fi
	seconds[$name]=$4
	tell "$name" "$result" "$4 s" "$words"
	rm -f "$logs/$name".{tap,vm,console}
	if [[ $result == passed ]]; then
		keep_verdict "${keys[$name]}" <<<"$words"
	else
		drop_verdict "${keys[$name]}"
	fi
	if [[ $result == failed ]]; then
		failures+=("${name%.sh}")
		# The failed checks with what explains them, how it ended, and what
		# the runner has to say.
		{
			grep -q '^not ok ' "$work/$name.tap" || echo "not ok - $words"
			grep -A 1 '^not ok ' "$work/$name.tap" | head -n 40 || true
			tail -n 5 "$work/$name.tap"
			tail -n 40 "$work/$job.vm"
		} | sed 's/^/        /'
		mv "$work/$name.tap" "$logs"
		for part in vm console; do
			cp "$work/$job.$part" "$logs/$name.$part"
		done
		echo "        all of it: ${logs#"$top/"}/$name.{tap,vm,console}"
	fi
}

# run_all LANES: the jobs of the queue, and those that are added to it meanwhile.
run_all()
{
	local job
	while ((${#queue[@]} > 0 || ${#pids[@]} > 0)); do
		if ((${#queue[@]} == 0 || ${#pids[@]} >= $1)); then
			reap
			continue
		fi
		job=${queue[0]}
		queue=("${queue[@]:1}")
		run "$job" &
		pids[$!]=$!
	done
}

# share NAME...: jobs of tests, of those with the same machine several.
share()
{
	local name wanted last=none members=0
	while IFS='|' read -r wanted name; do
		if [[ $wanted != "$last" ]] || ((members == MEMBERS)); then
			jobs+=("$name")
			last=$wanted members=1
		else
			jobs[-1]+=" $name"
			members=$((members + 1))
		fi
	done < <(for name in "$@"; do echo "$(machine "$name")|$name"; done | sort)
}

# The more there are in one guest, the less it matters how long that takes to boot,
# and the worse they are spread over the lanes.
MEMBERS=1
[[ $flavor != debug || $# -gt 0 ]] || MEMBERS=5

together=() alone=() queue=()
for name in "${tests[@]}"; do
	# As it is now: it may be changed while it runs.
	keys[$name]=$(key "$name")
	if words=$(verdict "${keys[$name]}"); then
		cached=$((cached + 1))
		tell "$name" passed "(cached)" "$words"
		rm -f "$logs/$name".{tap,vm,console}
	elif [[ $flavor != debug && " $(header "$name") " == *" --alone "* ]]; then
		alone+=("$name")
	else
		together+=("$name")
	fi
done
mkfifo "$work/ended"
exec {ended}<>"$work/ended"
share ${together[@]+"${together[@]}"}
# The longest first, so that all lanes come to an end at about the same time.
mapfile -t queue < <(
	for job in "${!jobs[@]}"; do
		sum=0
		for name in ${jobs[$job]}; do
			sum=$((sum + ${seconds[$name]:-$(limit "$name")}))
		done
		echo "$sum $job"
	done | sort -rn | cut -d ' ' -f 2
)
run_all "$lanes"
for name in ${alone[@]+"${alone[@]}"}; do
	queue+=(${#jobs[@]})
	jobs+=("$name")
done
run_all 1

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
