#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest.sh: runs in the guest what a list names, one program after the other, and prints a verdict a line:
# "@@ PROGRAM TEST ok|failed|skipped", the program's own last, with its exit status: "@@ PROGRAM exit N".
# Usage: guest.sh plain|limited [PROGRAM...]      (limited: the cgroups that they run in, but for the root, have a dirty limit
# and a pace, and "inner" also memory.persistent)
set -u
here=$(cd "$(dirname "$0")" && pwd)
how=$1
shift
wanted=" $* "
export LD_LIBRARY_PATH=/neighbours/lib PATH=$PATH:/neighbours/bin:$here

# run_all CGROUP: those that the list wants to run there.
run_all()
{
	local name seconds cgroup command first status start
	while read -r name seconds cgroup command; do
		[[ $name && $name != \#* && $cgroup == "$1" ]] || continue
		[[ $wanted == "  " || $wanted == *" $name "* ]] || continue
		first=${command%% *}
		if [[ $first == */* ]]; then
			cd "/mnt/disk/install/${first%/*}" || continue
			command=./${command##"${first%/*}/"}
		fi
		start=$SECONDS
		# shellcheck disable=SC2086 # Words.
		timeout -k 5 $((seconds * ${VM_SLOWNESS:-1})) $command >/tmp/said 2>&1 </dev/null
		status=$?
		cd /
		# "ok 3 name", "not ok 3 - name # why", "ok 3 name # SKIP why", "ok 3 # SKIP name".
		awk -v program="$name" '
			/^(not )?ok [0-9]+/ {
				verdict = /# ?(SKIP|skip)/ ? "skipped" : /^not/ ? "failed" : "ok"
				sub(/^not /, "")
				number = $2
				sub(/^ok [0-9]+[ -]*(# ?(SKIP|skip))?/, "")
				sub(/#.*/, "")
				gsub(/[^[:alnum:]]+/, "_")
				print "@@", program, number ":" substr($0, 1, 60), verdict
			}' /tmp/said
		echo "@@ $name exit $status"
		echo "# $name: $((SECONDS - start)) s"
		((status == 0)) || grep -v '^ok ' /tmp/said | tail -n 20 | sed "s|^|# $name: |"
	done <"$here/programs"
	return 0
}

top=/sys/fs/cgroup
if [[ ! ${INSIDE-} ]]; then
	# They write to files where they are, which have to be of a kind that can be reclaimed.
	mkdir -p /mnt/disk
	mount "$SCRATCH" /mnt/disk && cp -r /neighbours/install /mnt/disk/ || exit
	# As systemd mounts it; some tests skip themselves without.
	mount -t cgroup2 -o remount,nsdelegate,memory_recursiveprot,memory_hugetlb_accounting cgroup2 "$top" || exit
	echo 64 >/proc/sys/vm/nr_hugepages
	echo 1 >/sys/module/zswap/parameters/enabled
	echo 1G >/sys/block/zram0/disksize && mkswap /dev/zram0 >/dev/null && swapon /dev/zram0 || exit
	# One test of cgroup/zswap allocates nearly all memory and has the kernel keep half of it free, so that the OOM killer may
	# take any process, this one too. Without debugfs, which others here do not need, it skips itself.
	umount /sys/kernel/debug && run_all root && mount -t debugfs debugfs /sys/kernel/debug || exit

	for kind in charged inner; do
		mkdir "$top/$kind" "$top/$kind/shell" || exit
		if [[ $how == limited ]]; then
			echo 8M >"$top/$kind/memory.dirty_limit_in_bytes" &&
				echo 20000 >"$top/$kind/memory.dirty_pace_usec" || exit
			[[ $kind == charged ]] || echo file >"$top/$kind/memory.persistent" || exit
		fi
		(
			echo "$BASHPID" >"$top/$kind/cgroup.procs" || exit
			INSIDE=$kind exec unshare -C -m "$0" "$how" "$@"
		) || exit
	done
	exit
fi
umount "$top" && mount -t cgroup2 cgroup2 "$top" || exit
echo $$ >"$top/shell/cgroup.procs" || exit
for controller in $(<"$top/cgroup.controllers"); do
	echo "+$controller" >"$top/cgroup.subtree_control"
done
run_all "$INSIDE"
