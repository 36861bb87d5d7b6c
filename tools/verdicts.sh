# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# verdicts.sh: remember passed tests, so that they are not run again until one of their dependencies changes.
# Sourced, after env.sh, by test.sh, series.sh and tests/kselftest/run.sh.
#
# A verdict is a file verdicts/KEY in the cache outside of the checkout, whose text is the test's result line. KEY is a hash
# of everything that can determine the result of the test. Only passes are stored: a failed test must fail again, and the
# reason for a skip may not be covered by the key.
# With FRESH=1 in the environment, nothing is looked up, but passes are still stored.

VERDICTS=$CACHE/verdicts
VERDICT_DAYS=30 # Those that nobody has asked for so long are removed.

# contents PATH...: a hash of files, and of all files in directories, except build output.
contents() {
	(cd "$TOP" && find "$@" -name target -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) | hash
}

# verdict KEY: print the text of a pass; fails if there is none, or if nothing is looked up.
verdict() {
	[[ ! ${FRESH:-} && $1 && -s $VERDICTS/$1 ]] || return
	touch "$VERDICTS/$1"
	cat "$VERDICTS/$1"
}

# keep_verdict KEY: store a pass with the text on stdin, atomically because others may look it up.
keep_verdict() {
	local new
	[[ $1 ]] || return 0
	mkdir -p "$VERDICTS"
	new=$(mktemp "$VERDICTS/.new.XXXXXX")
	cat >"$new"
	mv "$new" "$VERDICTS/$1"
	find "$VERDICTS" -type f -mtime "+$VERDICT_DAYS" -delete
}

# drop_verdict KEY: remove an earlier pass.
drop_verdict() {
	[[ ! $1 ]] || rm -f "$VERDICTS/$1"
}

# guest_key FLAVOR: a hash of everything that guests with that kernel consist of, except their tests and programs, and of the
# runner. The name of the initial file system depends on its content.
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
