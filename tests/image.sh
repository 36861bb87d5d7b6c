#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# image.sh: tests that the virtual machine of `make image` boots to a login, and that its tour succeeds. TAP on stdout.
# Usage: tests/image.sh      (after `make image`; two minutes without KVM. Not part of `make test`, because it needs a Debian
# from the network)

# shellcheck disable=SC2317 # check calls functions by their names.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/../tools/env.sh"
set +e
# shellcheck source=tests/tap.sh
source "$TOP/tests/tap.sh"
start=$BUILD/image/start

# login: log in on a terminal, read the greeting, and power the machine off.
login() {
	python3 - "$start" "$work/console" <<-'END'
		import os
		import pty
		import re
		import select
		import sys

		pid, terminal = pty.fork()
		if pid == 0:
		    os.execv(sys.argv[1], [sys.argv[1], "--fresh"])
		seen, said = b"", False
		while select.select([terminal], [], [], 240)[0]:
		    try:
		        seen += os.read(terminal, 4096)
		    except OSError:
		        break
		    if not said and seen.rstrip(b"\r\n ").endswith(b"root@memcg-knobs:~#"):
		        os.write(terminal, b"memcgctl --version; poweroff\n")
		        said = True
		else:
		    os.kill(pid, 9)
		with open(sys.argv[2], "wb") as file:
		    file.write(seen)
		text = seen.decode(errors="replace")
		sys.exit(not (said and '"tour" does all of it' in text and re.search(r"memcgctl \d", text) and os.waitpid(pid, 0)[1] == 0))
	END
}

tour() {
	timeout 600 "$start" --fresh tour </dev/null >"$work/console" 2>&1
	grep -q 'The tour is over; everything worked as expected.' "$work/console"
}

# shown COMMAND...: print the machine's console if the command fails.
shown() {
	"$@" && return
	cat "$work/console"
	return 1
}

[[ -x $start ]] || die image "build/image is missing: run \`make image\` first"
check "it boots to a login with the greeting, and poweroff ends it" shown login
check "the tour succeeds" shown tour
done_testing
