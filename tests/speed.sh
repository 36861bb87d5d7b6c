#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# speed.sh: tests that memcgctl is fast with many cgroups: the time to start, the time and memory of `tree` with 10,000 cgroups,
# and the processor use of `top` with 1,000. TAP on stdout.
# Usage: tests/speed.sh      (after `make userland`)
# The cgroups are directories in memory with the files that memcgctl reads, of the same length as the kernel's. Processor time
# is measured, so that the load of the machine matters little.
# shellcheck disable=SC2317 # check calls functions by their names.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/../tools/env.sh"
set +e
[[ ! -w /dev/shm ]] || export TMPDIR=/dev/shm
# shellcheck source=tests/tap.sh
source "$TOP/tests/tap.sh"

# bounds SECONDS RUNS KILOBYTES COMMAND...: the fastest of RUNS runs takes at most SECONDS of processor time, and no run more
# than KILOBYTES of memory.
bounds() {
	python3 - "$@" <<-'END'
		import os
		import sys

		seconds, runs, kilobytes, command = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
		times, sizes = [], []
		for _ in range(runs):
		    # Not fork(): the time to copy this process would be counted.
		    pid = os.posix_spawn(command[0], command, {}, file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
		    status, usage = os.wait4(pid, 0)[1:]
		    assert status == 0, status
		    times.append(usage.ru_utime + usage.ru_stime)
		    sizes.append(usage.ru_maxrss)
		print(f"{min(times):.4f} s, {max(sizes)} kB")
		sys.exit(min(times) > seconds or max(sizes) > kilobytes)
	END
}

# made NAME SLICES: make a system with SLICES slices of 99 services each.
made() {
	python3 - "$work/$1" "$2" <<-'END'
		import os
		import sys

		top, slices = sys.argv[1], int(sys.argv[2])
		zeros = [f"some_event_of_the_memory_controller_{n} 0" for n in range(60)]
		stat = "\n".join(["anon 123456789", "file 234567890", "file_dirty 8192", "file_writeback 4096", *zeros]) + "\n"
		files = {
		    "memory.stat": stat, "memory.max": "max\n", "memory.high": "max\n", "memory.current": "358024679\n",
		    "memory.dirty_limit_in_bytes": "67108864\n", "memory.dirty_background_limit_in_bytes": "max\n",
		    "memory.dirty_ratio": "max\n", "memory.dirty_background_ratio": "max\n", "memory.dirty_min": "0\n",
		    "memory.dirty_pace_usec": "default\n", "memory.persistent": "\n",
		    "memory.dirty_stat": "dirty 8192\nwriteback 4096\nlimit 67108864\nbackground_limit 33554432\nthrottled_usec 1\n"
		    "throttled_count 1\nthrottled_now 0\nwriteback_started 1\npace_usec 7000\npaced_usec 0\n",
		    "memory.recharge_stat": "inherited 4096\nrecharged_in 0\nrecharged_out 0\nrecharge_failed 0\n",
		}

		def put(path, text):
		    os.makedirs(os.path.dirname(path), exist_ok=True)
		    with open(path, "w") as file:
		        file.write(text)

		def cgroup(path):
		    for name, text in files.items():
		        put(f"{top}/cgroup/{path}/{name}", text)

		put(f"{top}/cgroup/cgroup.controllers", "cpu io memory pids\n")
		put(f"{top}/cgroup/memory.stat", stat)
		put(f"{top}/sys/module/memcg_knobs/refcnt", "0\n")
		put(f"{top}/proc/self/mountinfo", f"1 1 0:5 / {top}/cgroup rw - cgroup2 none rw\n")
		put(f"{top}/proc/sys/vm/dirty_ratio", "20\n")
		put(f"{top}/proc/sys/vm/dirty_bytes", "0\n")
		for slice in range(slices):
		    cgroup(f"part-{slice}.slice")
		    for service in range(99):
		        cgroup(f"part-{slice}.slice/part-{slice}-{service}.service")
	END
}

ctl=$BUILD/bin/memcgctl
[[ -x $ctl ]] || die speed "build/bin/memcgctl is missing: run \`make userland\` first"

# on NAME ARGUMENT...: set $command to memcgctl with these arguments on that system.
on() {
	command=("$ctl" --cgroup-root "$work/$1/cgroup" --proc-root "$work/$1/proc" --sys-root "$work/$1/sys" "${@:2}")
}

# shown NAME COMMAND...: a check that prints the figures even if it passes.
shown() {
	check "$@"
	sed 's/^/# /' "$work/said"
}

made few 1
made thousand 10
made many 100
on few show part-0.slice
# The time to start any process is not memcgctl's.
any=$(bounds 1 100 24000 /bin/true | awk '{ print $1 }')
shown "start: 1 ms more than any program" bounds "$(awk "BEGIN { print $any + 0.001 }")" 100 24000 "$ctl" --version
shown "show one cgroup: 2 ms more" bounds "$(awk "BEGIN { print $any + 0.002 }")" 50 24000 "${command[@]}"
on many tree
shown "tree of 10,000 cgroups: 1 s and 24 MB" bounds 1 3 24000 "${command[@]}"
on many metrics
shown "metrics of 10,000 cgroups: 2 s and 48 MB" bounds 2 2 48000 "${command[@]}"

# top_of MOST COMMAND...: on a terminal, `top` uses at most MOST of a processor. The cost of its start is measured with one
# that is left immediately.
top_of() {
	python3 - "$@" <<-'END'
		import fcntl
		import os
		import pty
		import select
		import struct
		import sys
		import termios
		import time

		most, command = float(sys.argv[1]), sys.argv[2:]

		def run(seconds):
		    pid, terminal = pty.fork()
		    if pid == 0:
		        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
		        os.environ["TERM"] = "xterm"
		        os.execv(command[0], command)
		    seen, begin, end = b"", time.monotonic(), None
		    while end is None or time.monotonic() < end:
		        if select.select([terminal], [], [], 0.1)[0]:
		            seen += os.read(terminal, 65536)
		        if end is None and b"part-" in seen:
		            end = time.monotonic() + seconds
		        assert end or time.monotonic() < begin + 30, seen
		    os.write(terminal, b"q")
		    try:
		        while os.read(terminal, 65536):
		            pass
		    except OSError:
		        pass
		    status, usage = os.wait4(pid, 0)[1:]
		    assert status == 0, status
		    return usage.ru_utime + usage.ru_stime

		# Five updates at the default interval of 2 s.
		part = min((run(10) - run(0)) / 10 for _ in range(2))
		print(f"{100 * part:.2f} % of a processor")
		sys.exit(part > most)
	END
}
on thousand top
shown "top of 1,000 cgroups: 1 % of a processor" top_of 0.01 "${command[@]}"
done_testing
