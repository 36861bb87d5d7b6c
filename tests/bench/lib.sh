# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# The common functions of the measurements, in the guest. Cgroups, limits, loads and
# samplers come from the tests' library, but results are not judged here: a
# measurement that cannot be made fails, the others print rows of CSV.
#
# Two kinds of lines in the head of each measurement are for run.sh:
#   # columns: NAMES    the columns of its CSV file
#   # vm: OPTIONS -- ARGUMENTS    one guest: options of tests/vm/run.sh, then
#                                 the arguments of the script (repeatable)
# shellcheck source=tests/kselftest/lib.sh
source /tests/lib.sh >/dev/null
trap - EXIT INT TERM HUP

bail()
{
	echo "bench: $*" >&2
	exit 1
}

skip_all()
{
	bail "$@"
}

begin_without_disk()
{
	echo "# guest: $VM_ACCEL, $(nproc) CPU, $(awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo) MiB"
	workload=/bin/workload work=$(mktemp -d) top=/sys/fs/cgroup/bench
	must mkdir "$top"
}

# begin FS: mount the scratch disk on $work/mnt. The host has made its file system,
# which does not depend on the speed of the disk.
begin()
{
	begin_without_disk
	mount_at "$SCRATCH" mnt -t "$1" -o noatime
}

# warm_up MIB: bring the file system's metadata for files of that size into memory, so
# that it is not charged to a cgroup that is removed later.
warm_up()
{
	must dd if=/dev/zero of="$work/mnt/warm" bs=1M count="$1" status=none
	sync
	rm "$work/mnt/warm"
	sync
}

# row VALUE...: print a row; the values are in the order of the columns.
row()
{
	local IFS=,
	echo "$*"
}

# took COMMAND...: run the command, and set ns to its duration.
took()
{
	local us=${EPOCHREALTIME/./}
	"$@"
	# shellcheck disable=SC2034 # For the measurements.
	ns=$(((${EPOCHREALTIME/./} - us) * 1000))
}

# The figures of a load or wait of which only a few, or none, are used.
# shellcheck disable=SC2034 # For the measurements.
declare -A F=()

# disk_speed: set disk to the bytes per second that one writer with O_DIRECT gets from
# the scratch disk. QEMU's throttle lets a burst through at first.
disk_speed()
{
	spawn direct write --file "$work/mnt/direct" --mode direct --block 1M --size 16M --seconds 3600
	must loop_until 30 disk_has_written $(($(disk_written "$SCRATCH") + 8 * M))
	rate_meanwhile sleep 5
	# shellcheck disable=SC2034 # For the measurements.
	disk=$rate
	halt direct F
	rm "$work"/mnt/direct.*
}

# rate_meanwhile COMMAND...: set rate to the bytes per second that the scratch disk
# wrote while COMMAND ran. A request is counted when it completes, which takes a slow
# disk some time, so measure from the end of one request to the end of another.
rate_meanwhile()
{
	local bytes us
	end_of_step
	bytes=$(disk_written "$SCRATCH") us=${EPOCHREALTIME/./}
	"$@"
	end_of_step
	bytes=$(($(disk_written "$SCRATCH") - bytes)) us=$((${EPOCHREALTIME/./} - us))
	rate=$((bytes * 1000000 / us))
}

# end_of_step: wait until a request to the scratch disk completes.
end_of_step()
{
	must loop_until 30 disk_has_written $(($(disk_written "$SCRATCH") + 1))
}

# cost_of CGROUP FILE OPERATION PAGES: set F[ns], see "workload cost".
cost_of()
{
	spawn cost cost --cgroup "$top/$1" --file "$work/$2" --op "$3" --pages "$4"
	collect cost F
}

# clean CGROUP...: remove the files, and then the cgroups once they have no dirty
# pages. Pages of deleted files need not be written.
clean()
{
	local name
	find "$work/mnt" -type f -exec rm {} +
	for name in "$@"; do
		must await below "$name" 0 60
		cg_remove "$name"
	done
}

# worker_us TRACE: the run time of the recharging worker in microseconds, according to
# the kernel's trace of the begin and end of each work item.
worker_us()
{
	awk '$NF ~ /^memcg_/ {
		for (i = 1; $(i + 1) !~ /^workqueue_/; i++)
			;
		if ($(i + 1) == "workqueue_execute_start:") begun = $i
		if ($(i + 1) == "workqueue_execute_end:") sum += $i - begun
	} END { printf "%.0f", sum * 1000000 }' "$1"
}
