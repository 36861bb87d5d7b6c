#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Runs the tests of this directory, several at a time, in virtual machines with the disks
# that their headers ask for, and reports the results. A test that has passed is not run
# again until one of its dependencies changes.
#
# Each test has its own guest, except on the debug kernel, which takes half a minute
# without KVM to boot and to look for leaks. There, tests with the same machine share a
# guest. If the kernel complains, the test that was running has failed, and the remaining
# tests run again; if memory has leaked, all tests of the guest have failed.
#
# A header line in the test lists the options of tests/vm/run.sh for its machine; on the
# debug kernel, the second form replaces the first:
#   # vm: --disk 512M,bps=20000000 --timeout 90
#   # vm-debug: ...
# FLAVOR in the line stands for the kernel's flavor. Two options are for this script. --alone:
# the test runs after all others, which would disturb its measurements; ignored on the
# debug kernel, which is too slow for measurements. --shared: the test checks the same on the
# debug kernel, so --own leaves it out.
set -euo pipefail

usage()
{
	cat <<-END
		Usage: tests/kselftest/run.sh [--flavor release|debug|stock] [--own] [--lanes N] [TEST...]
		  TEST is a name such as tightness or test_tightness.sh; none means all.
		  On stock there is nothing to test: every test has to skip itself.
		  --own: of all tests, only those that check more on this kernel than on the
		  debug kernel, where all of them are to run as well.
		  --lanes: run N tests at a time; by default as many as processors and
		  memory allow.
		KNOBS_QUICK=1 in the environment: the smaller parameter sets of the debug kernel.
		FRESH=1: also run tests that have passed before and are unchanged since.
		Tests that are named always run.
	END
}

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
# Paths in headers are relative to this directory.
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

flavor=release lanes='' own=''
while [[ ${1-} == -* ]]; do
	case $1 in
	--flavor)
		flavor=${2-}
		shift
		;;
	--own) own=1 ;;
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
		[[ $own ]] && grep -q -m 1 '^# vm:.* --shared\b' "$name" || tests+=("${name##*/}")
	done
else
	FRESH=1
fi

# Each run has its own directory for logs, so that concurrent runs do not mix them; the logs
# of failed tests are kept.
logs=$top/build/log/kselftest/$flavor
mkdir -p "$logs"
work=$(mktemp -d)
pids=()
# The processes of a lane end with it.
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

# The runner must examine the host once before several instances of it run.
accel=$("$top/tests/vm/run.sh" --flavor "$flavor" --which-accel) || die "there is no virtual machine"

# A guest keeps one processor busy without KVM and both of its processors with KVM. It has
# 1 GiB of memory, and the host needs some for itself.
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
	# Without KVM, the debug kernel is slower than a disk of 20 MB/s, and only
	# writers that are faster than the disk reach a limit.
	[[ $flavor != debug ]] || line=${line//bps=20000000/bps=2000000}
	line=${line//FLAVOR/$flavor}
	echo "${line#*:}"
}

# The stock kernel lacks the selftests of the series; its guest gets an empty directory.
mkdir -p "$top/build/$flavor/selftests"

# The dependencies of all tests of this run.
same=$(
	guest_key "$flavor"
	contents tests/kselftest/{run.sh,guest.sh,lib.sh,lib}
	echo "$flavor quick=${KNOBS_QUICK-}"
)

# key NAME: the key of the test's verdict.
key()
{
	local program word files=("tests/kselftest/$1")
	# Other files of this tree that are copied to its guest.
	for word in $(header "$1"); do
		[[ $word != *:/* ]] || files+=("${word%%:*}")
	done
	{
		echo "$same"
		header "$1"
		contents "${files[@]}"
		for program in "$top"/build/bin/*; do
			! grep -qw "${program##*/}" "$here/$1" "$here"/lib/*.sh || sha256sum <"$program"
		done
	} | hash
}

# machine NAME: the runner's options for the test's guest.
machine()
{
	header "$1" | sed -E 's/--alone|--shared|--timeout +[0-9]+//g' | xargs
}

# limit NAME: the test's time limit.
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

# The duration of each test's last run; without one, its time limit is the estimate.
lasted=$VERDICTS/lasted-$flavor-$accel${KNOBS_QUICK:+-quick}
declare -A seconds=()
if [[ -s $lasted ]]; then
	while read -r name took; do
		seconds[$name]=$took
	done <"$lasted"
fi

# judge OUTPUT STATUS: set result, words and skipped (the number of skipped checks). A run
# passes only if its status, its plan and its checks agree.
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

# may_skip NAME: these tests may skip themselves. The kernels and guests meet the requirements
# of all others, so any other test that skips itself has found a broken feature.
may_skip()
{
	case "$1 $flavor $accel" in
	*" stock "* | "test_kunit.sh release "* | "test_faults.sh release "* | "test_torture.sh release "* | "test_disk_errors.sh release "* | "test_recharge_storm.sh debug tcg" | "test_pace_fs.sh debug "* | "test_siblings.sh debug "*) ;;
	*) return 1 ;;
	esac
}

declare -A count=([passed]=0 [failed]=0 [skipped]=0) keys=()
failures=() number=0 cached=0

# tell NAME RESULT TIME WORDS: print the result line of a test.
tell()
{
	number=$((number + 1))
	count[$2]=$((count[$2] + 1))
	printf '[%2d/%d] %-24s %-8s %8s  %s\n' "$number" "${#tests[@]}" "${1%.sh}" "$2" "$3" "$4"
}

# A job is a list of tests for one guest.
jobs=()

# run JOB: run the job, and report its status and duration at the end.
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
		# Each test has its own limit in the guest; this limit is for a dead guest.
		limits=$((limits + 30))
		command=(/tests/guest.sh "${command[@]}")
	fi
	setpriv --pdeathsig TERM "$top/tests/vm/run.sh" --flavor "$flavor" "${options[@]}" \
		--timeout "$limits" --log "$work/$1.console" \
		-- env "KNOBS_QUICK=${KNOBS_QUICK-}" "${command[@]}" \
		>"$work/$1.tap" 2>"$work/$1.vm" </dev/null || status=$?
	echo "$1 $status $((EPOCHSECONDS - begin)) $BASHPID" >&"$ended"
}

# reap: wait for a guest to end, and report on its tests.
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
	# The tests run in this order, so the first one without an end line has brought the
	# guest down. If the guest fails after the last test, any of them has leaked memory.
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

# conclude JOB NAME STATUS SECONDS: report on a test that has ended.
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
	# Keep the output, so that its measurements can be read whatever the result.
	cp "$work/$name.tap" "$logs"
	if [[ $result == passed ]]; then
		keep_verdict "${keys[$name]}" <<<"$words"
	else
		drop_verdict "${keys[$name]}"
	fi
	if [[ $result == failed ]]; then
		failures+=("${name%.sh}")
		# The failed checks with their details, the end of the output, and the
		# runner's messages.
		{
			grep -q '^not ok ' "$work/$name.tap" || echo "not ok - $words"
			grep -A 1 '^not ok ' "$work/$name.tap" | head -n 40 || true
			tail -n 5 "$work/$name.tap"
			tail -n 40 "$work/$job.vm"
		} | sed 's/^/        /'
		for part in vm console; do
			cp "$work/$job.$part" "$logs/$name.$part"
		done
		echo "        all of it: ${logs#"$top/"}/$name.{tap,vm,console}"
	fi
}

# run_all LANES: run the jobs of the queue, including jobs that are added meanwhile.
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

# share NAME...: create jobs; tests with the same machine options may share a job.
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

# More tests per guest save boot time, but balance the lanes worse.
MEMBERS=1
[[ $flavor != debug || $# -gt 0 ]] || MEMBERS=5

together=() alone=() queue=()
for name in "${tests[@]}"; do
	# Compute the key now, because files may change while the tests run.
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
# Start the longest jobs first, so that all lanes end at about the same time.
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
