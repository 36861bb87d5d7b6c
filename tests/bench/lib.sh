# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the measurements share, in the guest. Cgroups, limits, loads and samplers
# are those of the tests' library; what differs is that nothing is judged here:
# a measurement that cannot be made fails, the others print rows of CSV.
#
# Two lines in the head of each measurement are for run.sh:
#   # columns: NAMES    of the CSV file that its rows make
#   # vm: OPTIONS -- ARGUMENTS    one guest: options of tests/vm/run.sh, then
#                                 what the script is called with (repeatable)
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

# begin FS: mounts the scratch disk on $work/mnt. Its file system was made by
# the host, which costs a slow disk nothing.
begin()
{
	begin_without_disk
	must mkdir "$work/mnt"
	must mount -t "$1" -o noatime "$SCRATCH" "$work/mnt"
}

# warm_up MIB: the file system's own pages are in memory from now on, and charged to
# none of the cgroups that are removed later. Files of that size need no more.
warm_up()
{
	must dd if=/dev/zero of="$work/mnt/warm" bs=1M count="$1" status=none
	sync
	rm "$work/mnt/warm"
	sync
}

# row VALUE...: in the order of the columns.
row()
{
	local IFS=,
	echo "$*"
}

# What a load or a wait said, where only few of its figures, or none, matter.
# shellcheck disable=SC2034 # For the measurements.
declare -A F=()

# disk_speed: sets disk to the bytes that the scratch disk takes in a second, by
# one writer with O_DIRECT. QEMU's throttle lets a burst through at first.
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

# disk_has_written BYTES: so far.
disk_has_written()
{
	(($(disk_written "$SCRATCH") >= $1))
}

# rate_meanwhile COMMAND...: sets rate to the bytes per second that the scratch
# disk wrote while COMMAND ran. A request counts when all of it is done, which takes
# a slow disk some time, so it is measured from the end of one to that of another.
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

# end_of_step: waits until a request to the scratch disk ends.
end_of_step()
{
	must loop_until 30 disk_has_written $(($(disk_written "$SCRATCH") + 1))
}

# cost_of CGROUP FILE OPERATION PAGES: sets F[ns], see "workload cost".
cost_of()
{
	spawn cost cost --cgroup "$top/$1" --file "$work/$2" --op "$3" --pages "$4"
	collect cost F
}

# until_above CGROUP BYTES: until the writers in it came that far.
until_above()
{
	spawn above wait-above --cgroup "$top/$1" --bytes "$2" \
		--timeout $((30 * ${VM_SLOWNESS:-1}))
	collect above F
}

# until_below CGROUP BYTES: until it holds no more than that; sets F[ms].
until_below()
{
	spawn below wait-below --cgroup "$top/$1" --bytes "$2" \
		--timeout $((60 * ${VM_SLOWNESS:-1}))
	collect below F
}

# clean CGROUP...: removes the files, then the cgroups, when nothing of them is
# left to be written: what was deleted has not to be.
clean()
{
	local name
	find "$work/mnt" -type f -exec rm {} +
	for name in "$@"; do
		until_below "$name" 0
		cg_remove "$name"
	done
}

# worker_us TRACE: microseconds that the worker of recharging ran, according to the
# kernel's trace of when each work begins and ends.
worker_us()
{
	awk '$NF ~ /^memcg_/ {
		for (i = 1; $(i + 1) !~ /^workqueue_/; i++)
			;
		if ($(i + 1) == "workqueue_execute_start:") begun = $i
		if ($(i + 1) == "workqueue_execute_end:") sum += $i - begun
	} END { printf "%.0f", sum * 1000000 }' "$1"
}
