#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# ltp.sh: runs programs of LTP in the guest, and prints a TAP line for each.
# Usage: ltp.sh PROGRAM...
set -u
# Their device is a whole disk rather than a loop device, and they make one type of file system there rather than each in
# turn, because both would take most of the time. They look for their data and helpers in the path.
export LTP_DEV=$SCRATCH2 LTP_SINGLE_FS_TYPE=ext4 LTP_COLORIZE_OUTPUT=n TMPDIR=/mnt/disk
export LTP_TIMEOUT_MUL=$VM_SLOWNESS LTP_RUNTIME_MUL=0.2 PATH=$PATH:/neighbours/ltp
number=0 failed=0
for program; do
	number=$((number + 1))
	"$program" >/tmp/ltp 2>&1
	status=$?
	case $status in
	0) echo "ok $number $program" ;;
	# TCONF
	32) echo "ok $number $program # SKIP $(grep -m 1 -o 'TCONF.*' /tmp/ltp)" ;;
	*)
		failed=1
		grep -E 'TFAIL|TBROK|TWARN' /tmp/ltp | head -n 4
		echo "not ok $number $program # $status"
		;;
	esac
done
exit "$failed"
