# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# verdicts.sh: remembers what has passed, so that it need not run again as long as nothing has changed that it depends on.
# Sourced, after env.sh, by test.sh, series.sh and tests/kselftest/run.sh.
#
# A verdict is a file in the cache outside of the checkout, verdicts/KEY, and its text is what there was to say. KEY is a
# hash over the content of everything that can decide how the test ends. Only what has passed is kept: what failed has to
# be seen to fail again, and the reason to skip something may lie outside of all that a key knows.
# FRESH=1 in the environment looks up nothing; what passes is kept then as well.

VERDICTS=$CACHE/verdicts
VERDICT_DAYS=30 # Those that nobody has asked for so long are removed.

# contents PATH...: a hash of files, and of all files in directories; what was built there does not count.
contents() {
	(cd "$TOP" && find "$@" -name target -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) | hash
}

# verdict KEY: print the text of what has passed; fails if it has not, or if nothing is to be looked up.
verdict() {
	[[ ! ${FRESH:-} && $1 && -s $VERDICTS/$1 ]] || return
	touch "$VERDICTS/$1"
	cat "$VERDICTS/$1"
}

# keep_verdict KEY: its text is on stdin. In one move, for others may look for it right now.
keep_verdict() {
	local new
	[[ $1 ]] || return 0
	mkdir -p "$VERDICTS"
	new=$(mktemp "$VERDICTS/.new.XXXXXX")
	cat >"$new"
	mv "$new" "$VERDICTS/$1"
	find "$VERDICTS" -type f -mtime "+$VERDICT_DAYS" -delete
}

# drop_verdict KEY: it has not passed, whatever it did before.
drop_verdict() {
	[[ ! $1 ]] || rm -f "$VERDICTS/$1"
}

# guest_key FLAVOR: a hash of what every guest with that kernel consists of, but for its tests and programs, and of what runs
# it. The name of the initial file system says what is in it.
guest_key() {
	{
		[[ $1 == stock ]] || cat "$BUILD/$1"/*.ko | sha256sum
		sha256sum <"$BUILD/$1/bzImage"
		contents tests/vm/{run,host,initrd,judge}.sh tests/vm/{init,mkinitramfs}
		basename "$("$TOP/tests/vm/mkinitramfs")"
		qemu-system-x86_64 --version
		"$TOP/tests/vm/run.sh" --flavor "$1" --which-accel
	} | hash
}
