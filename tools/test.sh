#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# test.sh: everything `make test` does, from nothing: install, build, test. Ends in one line that counts all tests:
# "N passed, N failed, N skipped"; the one before it says if some of what passed did so in an earlier run, with nothing
# changed since that matters to it (see verdicts.sh). What a part printed is kept in build/test/.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=tools/verdicts.sh
source "$TOP/tools/verdicts.sh"

# What is tested is the kernel that is built here, and its module, wherever else one may be.
unset KDIR

passed=0 failed=0 skipped=0 cached=0 broken=() ahead=
declare -A excused=()
logs=$BUILD/test

summary() {
	local name
	# What is last is all that some keep of a long output, so how it failed is said there once more.
	for name in "${broken[@]}"; do
		step test "failed: $name; the last lines of ${logs#"$TOP/"}/$name.log:"
		tail -n 15 "$logs/$name.log" | sed 's/^/    /'
	done
	((cached == 0)) || step test "$cached of those that passed did so in an earlier run; FRESH=1 runs all"
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
	((count == 0)) || broken+=("$name")
}

# ahead COMMAND...: begin with what is needed later, on what the tests leave of the processors: those of one guest use one,
# and many wait for a slow disk. Nothing else is slowed by it, and nothing depends on it.
ahead() {
	command -v chrt >/dev/null || return 0
	# A process group of its own, to be stopped as one; but no session: those share the processors evenly, idle or not.
	set -m
	chrt --idle 0 "$@" >"$logs/ahead.log" 2>&1 </dev/null &
	set +m
	ahead=$!
}

# catch_up: what was begun so is stopped, to be done with all that the machine has. What of it is still removing what is
# half made holds the kernel's lock, see kernel.sh, so whoever goes on waits for that.
catch_up() {
	[[ $ahead ]] || return 0
	kill -- "-$ahead" 2>/dev/null || true
	wait "$ahead" || true
	ahead=
}

# tests NAME COUNTER KEY COMMAND...: a part of the tests; COUNTER reads "passed failed skipped" out of what it printed, and
# how many of the passed are cached if it knows. With a KEY the part need not run if all of it has passed before, but for so
# many skipped as are excused.
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

# The kselftest runner's last word: "12 passed, 0 failed, 1 skipped in 100 s, 3 of them cached".
count_summary() {
	awk '/^[0-9]+ passed, [0-9]+ failed/ { p = $1; f = $3; s = $5; c = $10 } END { print p + 0, f + 0, s + 0, c + 0 }'
}

# What decides how a part ends, hashed. Those that take seconds have none.
unit_key() {
	{
		# The guide is among them: its examples are tried.
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

# What is installed, by what, and the programs of this machine that use it or make a package of it.
install_key() {
	{
		guest_key release
		contents tests/install.sh tests/install-vm.sh tests/tap.sh tools packaging debian userspace rust Kbuild Makefile build/bin
		dpkg-query -W systemd kmod crun 2>/dev/null || true
		dpkg-query -W debhelper dh-dkms dkms lintian 2>/dev/null || true
	} | hash
}

# Alert rules and the dashboard, and what looks at them.
monitoring_key() {
	{
		contents tests/monitoring.sh tests/tap.sh tests/monitoring packaging/examples/prometheus packaging/examples/grafana userspace/memcgctl
		dpkg-query -W prometheus 2>/dev/null || true
		node --version 2>/dev/null || true
	} | hash
}

# The plugin for container runtimes with the real one, and podman.
containers_key() {
	{
		guest_key release
		contents tests/containers-vm.sh tests/containers packaging/examples/kubernetes packaging/examples/oci tools/apt.sh tools/crates.sh userspace/memcg-nri userspace/memcgfs rust/policy
		dpkg-query -W containerd podman crun curl 2>/dev/null || true
	} | hash
}

# The demo fails if what it shows is not to be seen, so it is a test, too.
demo_key() {
	{
		guest_key release
		contents tests/demo tests/bench build/bin
	} | hash
}

# Its acts.
count_demo() {
	awk '/^==> \[demo\]/ { p++ } END { print p + 0, 0, 0 }'
}

# Without a network there is no containerd to try it with, and it is not installed for that alone.
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
# All that needs the release kernel comes first, and so does what is wrong on any kernel.
need kernel-release tools/kernel.sh release
need module-release tools/module.sh release
ahead tools/kernel.sh debug
tests install count_tap "$(install_key)" tests/install.sh
tests harness count_tap "$(harness_key)" tests/vm/selftest.sh
tests install-vm count_tap "$(install_key)-vm" tests/install-vm.sh
tests containers-vm count_tap "$(containers_key)" tests/containers-vm.sh
tests demo count_demo "$(demo_key)" tests/demo/run.sh
# What is the same on both kernels is tested on the debug kernel, which also looks for what is not to be seen.
tests vm-release count_summary '' tests/kselftest/run.sh --flavor release --own
catch_up
need kernel-debug tools/kernel.sh debug
need module-debug tools/module.sh debug
tests vm-debug count_summary '' tests/kselftest/run.sh --flavor debug
summary
