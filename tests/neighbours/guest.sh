#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest.sh: runs in the guest what a list names, one program after the other, and prints a verdict a line:
# "@@ PROGRAM TEST ok|failed|skipped", the program's own last, with its exit status: "@@ PROGRAM exit N".
# Usage: guest.sh plain|limited [PROGRAM...]      (limited: the cgroup that most of them run in has a dirty limit, a pace
# and memory.persistent)
set -u
here=$(cd "$(dirname "$0")" && pwd)
how=$1
shift
wanted=" $* "
export LD_LIBRARY_PATH=/neighbours/lib PATH=$PATH:/neighbours/bin

# run_all CGROUP: those that the list wants to run there.
run_all()
{
	local name seconds cgroup command first status
	while read -r name seconds cgroup command; do
		[[ $name && $name != \#* && $cgroup == "$1" ]] || continue
		[[ $wanted == "  " || $wanted == *" $name "* ]] || continue
		first=${command%% *}
		if [[ $first == */* ]]; then
			cd "/mnt/disk/install/${first%/*}" || continue
			command=./${command##"${first%/*}/"}
		fi
		# shellcheck disable=SC2086 # Words.
		timeout -k 5 $((seconds * ${VM_SLOWNESS:-1})) $command >/tmp/said 2>&1 </dev/null
		status=$?
		cd /
		# "ok 3 name", "not ok 3 - name # why", "ok 3 name # SKIP why".
		awk -v program="$name" '
			/^(not )?ok [0-9]+/ {
				verdict = /# ?(SKIP|skip)/ ? "skipped" : /^not/ ? "failed" : "ok"
				sub(/^not /, "")
				number = $2
				sub(/^ok [0-9]+[ -]*/, "")
				sub(/#.*/, "")
				gsub(/[^[:alnum:]]+/, "_")
				print "@@", program, number ":" substr($0, 1, 60), verdict
			}' /tmp/said
		echo "@@ $name exit $status"
		((status == 0)) || tail -n 6 /tmp/said | sed "s|^|# $name: |"
	done <"$here/programs"
}

top=/sys/fs/cgroup
if [[ ! ${INSIDE-} ]]; then
	# They write to files where they are, which have to be of a kind that can be reclaimed.
	mkdir -p /mnt/disk
	mount "$SCRATCH" /mnt/disk && cp -r /neighbours/install /mnt/disk/ || exit
	echo 64 >/proc/sys/vm/nr_hugepages
	echo 1 >/sys/module/zswap/parameters/enabled
	echo 512M >/sys/block/zram0/disksize && mkswap /dev/zram0 >/dev/null && swapon /dev/zram0 || exit
	run_all root

	mkdir "$top/neighbours" "$top/neighbours/shell" || exit
	if [[ $how == limited ]]; then
		echo 8M >"$top/neighbours/memory.dirty_limit_in_bytes" &&
			echo 20000 >"$top/neighbours/memory.dirty_pace_usec" &&
			echo file >"$top/neighbours/memory.persistent" || exit
	fi
	echo $$ >"$top/neighbours/cgroup.procs" || exit
	INSIDE=1 exec unshare -C -m "$0" "$how" "$@"
fi
umount "$top" && mount -t cgroup2 cgroup2 "$top" || exit
echo $$ >"$top/shell/cgroup.procs" || exit
for controller in $(<"$top/cgroup.controllers"); do
	echo "+$controller" >"$top/cgroup.subtree_control"
done
run_all inner
