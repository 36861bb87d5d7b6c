#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# xfstests.sh: runs tests of xfstests in the guest, on a type of file system, and prints a TAP line for each.
# Usage: xfstests.sh ext4|xfs|tmpfs TEST...
#
# They need more programs than the guest has, and find these in a root of their own, see make_root in run.sh.
set -u
root=/neighbours/root
# The mounts end with the namespace.
[[ ${INSIDE_ROOT-} ]] || INSIDE_ROOT=1 exec unshare -m "$0" "$@"
type=$1
shift
case $type in
tmpfs) devices=(TEST_DEV=tmpfs_test SCRATCH_DEV=tmpfs_scratch) ;;
*)
	force=-F
	[[ $type != xfs ]] || force=-f
	"mkfs.$type" -q "$force" "$SCRATCH2" || exit
	devices=("TEST_DEV=$SCRATCH2" "SCRATCH_DEV=$SCRATCH3")
	;;
esac
for dir in dev proc sys; do
	mount -o rbind "/$dir" "$root/$dir" || exit
done
env -i PATH=/usr/sbin:/usr/bin HOME=/ LC_ALL=C "FSTYP=$type" "${devices[@]}" TEST_DIR=/mnt/test SCRATCH_MNT=/mnt/scratch \
	chroot "$root" bash -c 'cd /xfstests && exec ./check "$@"' check "$@" >/tmp/check 2>&1
status=$?
cat /tmp/check
awk -v tests="$*" '
	/^Ran: / { verdict = "ok" }
	/^Not run: / { verdict = "skipped" }
	/^Failures: / { verdict = "not ok" }
	/^(Ran|Not run|Failures): / {
		sub(/^[^:]*: /, "")
		for (i = split($0, names); i; i--)
			ended[names[i]] = verdict
	}
	END {
		count = split(tests, names)
		for (i = 1; i <= count; i++) {
			if (ended[names[i]] == "skipped")
				print "ok", i, names[i], "# SKIP"
			else if (ended[names[i]])
				print ended[names[i]], i, names[i]
		}
	}' /tmp/check
exit "$status"
