#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# test.sh: everything that `make test` does, from scratch: install, build, test. The last line counts all tests: "N passed,
# N failed, N skipped"; the line before it tells how many of them passed in an earlier run, with all of their dependencies
# unchanged since (see verdicts.sh). The output of each part is in build/test/.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=tools/verdicts.sh
source "$TOP/tools/verdicts.sh"

# Test the kernel that is built here and its module, not those in KDIR.
unset KDIR

passed=0 failed=0 skipped=0 cached=0 broken=() ahead=
declare -A excused=()
logs=$BUILD/test

summary() {
	local name
	# Some tools keep only the end of a long output, so repeat the failures there.
	for name in "${broken[@]}"; do
		step test "failed: $name; the last lines of ${logs#"$TOP/"}/$name.log:"
		tail -n 15 "$logs/$name.log" | sed 's/^/    /'
	done
	((cached == 0)) || step test "$cached of those that passed did so in an earlier run; FRESH=1 runs all"
	printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
	((failed == 0))
}

# run NAME COMMAND...: run the command, and show and keep its output.
run() {
	local name=$1
	shift
	step test "$name"
	"$@" 2>&1 | tee "$logs/$name.log"
}

# need NAME COMMAND...: run a step that all the rest needs; without it, nothing else can be tested.
need() {
	run "$@" && return
	failed=$((failed + 1))
	broken+=("$1")
	summary
	exit 1
}

# add NAME STATUS PASSED FAILED SKIPPED: add up results. A part that fails without a counted failure, or that ran nothing,
# has failed.
add() {
	local name=$1 status=$2 count=$4
	((status == 0 || count > 0)) || count=1
	(($3 + count + $5 > 0)) || count=1
	passed=$((passed + $3))
	failed=$((failed + count))
	skipped=$((skipped + $5))
	((count == 0)) || broken+=("$name")
}

# ahead COMMAND...: start work that is needed later on the idle processors: the tests of one guest use one processor, and
# many wait for a slow disk. It slows nothing else, and nothing depends on it.
ahead() {
	command -v chrt >/dev/null || return 0
	# A process group of its own, which can be stopped as a whole; not a session, because sessions share the processors
	# evenly, idle or not.
	set -m
	chrt --idle 0 "$@" >"$logs/ahead.log" 2>&1 </dev/null &
	set +m
	ahead=$!
}

# catch_up: stop the work that ahead started, so that it can be done with all processors. A part that is still removing
# incomplete files holds the kernel's lock (see kernel.sh), so the next build waits for it.
catch_up() {
	[[ $ahead ]] || return 0
	kill -- "-$ahead" 2>/dev/null || true
	wait "$ahead" || true
	ahead=
}

# tests NAME COUNTER KEY COMMAND...: run a part of the tests. COUNTER extracts "passed failed skipped" from its output, and the
# number of cached passes if known. With a KEY, the part is not run if all of it has passed before, except for the excused
# number of skipped tests.
tests() {
	local name=$1 counter=$2 key=$3 status=0 p f s c
	shift 3
	if verdict "$key" >"$logs/$name.log"; then
		read -r p f s _ < <("$counter" <"$logs/$name.log")
		c=$p
		step test "$name: $p passed (cached)"
	else
		run "$name" "$@" || status=$?
		read -r p f s c < <("$counter" <"$logs/$name.log")
		if ((status == 0 && p > 0 && f == 0 && s <= ${excused[$name]:-0})); then
			keep_verdict "$key" <"$logs/$name.log"
		else
			drop_verdict "$key"
		fi
	fi
	cached=$((cached + ${c:-0}))
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

# The last line of the kselftest runner: "12 passed, 0 failed, 1 skipped in 100 s, 3 of them cached".
count_summary() {
	awk '/^[0-9]+ passed, [0-9]+ failed/ { p = $1; f = $3; s = $5; c = $10 } END { print p + 0, f + 0, s + 0, c + 0 }'
}

# Hashes of everything that determines the result of a part. Parts that take only seconds have none.
unit_key() {
	{
		# Including the guide, whose examples are tested.
		contents rust tests/workload userspace Documentation/memcgctl.rst Documentation/man tools/crates.sh
		"$(find_cargo)" -vV
		rustc -vV
	} | hash
}

harness_key() {
	{
		guest_key release
		contents tests/vm/selftest.sh
	} | hash
}

# install_key: the installed files, the installer, and the programs of this machine that use or package the files.
install_key() {
	{
		guest_key release
		contents tests/install.sh tests/install-vm.sh tests/tap.sh tools packaging debian userspace rust Kbuild Makefile build/bin
		dpkg-query -W systemd kmod crun 2>/dev/null || true
		dpkg-query -W debhelper dh-dkms dkms lintian 2>/dev/null || true
	} | hash
}

# monitoring_key: alert rules, the dashboard, and the programs that check them.
monitoring_key() {
	{
		contents tests/monitoring.sh tests/tap.sh tests/monitoring packaging/examples/prometheus packaging/examples/grafana userspace/memcgctl
		dpkg-query -W prometheus 2>/dev/null || true
		node --version 2>/dev/null || true
	} | hash
}

# containers_key: the plugin for container runtimes, with a real runtime, and podman.
containers_key() {
	{
		guest_key release
		contents tests/containers-vm.sh tests/containers packaging/examples/kubernetes packaging/examples/oci tools/apt.sh tools/crates.sh userspace/memcg-nri userspace/memcgfs rust/policy
		dpkg-query -W containerd podman crun curl 2>/dev/null || true
	} | hash
}

# demo_key: the demo is a test as well, because it fails if its effects are not visible.
demo_key() {
	{
		guest_key release
		contents tests/demo tests/bench build/bin
	} | hash
}

# count_demo: the acts of the demo.
count_demo() {
	awk '/^==> \[demo\]/ { p++ } END { print p + 0, 0, 0 }'
}

# Without a network there may be no containerd to test with, and it is not installed for this alone.
excused[containers-vm]=1
# Packages can be made on Debian only.
dpkg-query -W debhelper dh-dkms >/dev/null 2>&1 || excused[install]=4
command -v apt-get dpkg-deb dpkg-scanpackages >/dev/null || excused[apt]=1

cd "$TOP"
trap catch_up EXIT
rm -rf "$logs"
mkdir -p "$logs"
need dependencies tools/deps.sh test
need userland tools/crates.sh build
tests unit count_cargo "$(unit_key)" tools/crates.sh test
tests apt count_tap '' tests/apt.sh
tests monitoring count_tap "$(monitoring_key)" tests/monitoring.sh
tests speed count_tap '' tests/speed.sh
tests series count_tap '' tools/series.sh verify
# Parts that need only the release kernel come first, so that failures on any kernel are found early.
need kernel-release tools/kernel.sh release
need module-release tools/module.sh release
ahead tools/kernel.sh debug
tests install count_tap "$(install_key)" tests/install.sh
tests harness count_tap "$(harness_key)" tests/vm/selftest.sh
tests install-vm count_tap "$(install_key)-vm" tests/install-vm.sh
tests containers-vm count_tap "$(containers_key)" tests/containers-vm.sh
tests demo count_demo "$(demo_key)" tests/demo/run.sh
# Tests that check the same on both kernels run on the debug kernel, which also detects hidden errors.
tests vm-release count_summary '' tests/kselftest/run.sh --flavor release --own
catch_up
need kernel-debug tools/kernel.sh debug
need module-debug tools/module.sh debug
tests vm-debug count_summary '' tests/kselftest/run.sh --flavor debug
summary
