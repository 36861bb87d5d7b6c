# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # Variables of lib.sh and of the tests.
# Recharging: memory that a parent inherited from removed cgroups is charged to its users.

readonly SWITCHES=/sys/kernel/mm/memcg_knobs

readonly LRU_GEN_ENABLED=/sys/kernel/mm/lru_gen/enabled

# under SETTING: run the whole test again with this setting of the multi-generational LRU,
# and report its checks.
under()
{
	local line what status=0
	while IFS= read -r line; do
		what="MGLRU $1: ${line#* - }"
		case $line in
		"ok "*) ok "$what" ;;
		"not ok "*) not_ok "$what" ;;
		"1..0 # SKIP "*) skip "MGLRU $1: all" "${line#*SKIP }" ;;
		"TAP version "* | 1..*) ;;
		*) echo "$line" ;;
		esac
		[[ $line != "Bail out!"* ]] || status=1
	done < <(LRU_GEN=$1 bash "$0")
	finished=1
	((status == 0)) || exit 1
	finished=''
}

# setup_recharge: setup for tests of recharging. The multi-generational LRU keeps inherited
# pages on other lists, so these tests run with and without it; on the slow debug kernel,
# only with it, which is the default of distributions.
setup_recharge()
{
	if [[ -w $LRU_GEN_ENABLED && ! ${LRU_GEN-} ]]; then
		[[ $debug ]] || under n
		under y
		done_testing
	fi
	setup
	if [[ ${LRU_GEN-} ]]; then
		at_undo=("put_back $LRU_GEN_ENABLED $(<"$LRU_GEN_ENABLED")" "${at_undo[@]}")
		must put_back "$LRU_GEN_ENABLED" "$LRU_GEN"
	fi
	[[ -e $SWITCHES/recharge_mapped ]] || skip_all "the module does not recharge"
	audited=1
}

# switch NAME VALUE...: set recharge_NAME until the end of the test, in this order.
switch()
{
	local file
	while (($# > 0)); do
		file=$SWITCHES/recharge_$1
		at_undo=("put_back $file $(cat "$file")" "${at_undo[@]}")
		echo "$2" >"$file" || bail "cannot set recharge_$1 to $2"
		shift 2
	done
}

put_back()
{
	# The switches do not exist without the module.
	[[ ! -e $1 ]] || echo "$2" >"$1"
}

# recharged NAME KEY: the value of KEY in memory.recharge_stat.
recharged()
{
	value_in "$top/$1/memory.recharge_stat" "$2"
}

# total KEY: a system-wide recharging figure, in bytes.
total()
{
	local pages
	pages=$(value_in "$SWITCHES/recharge_stat" "$1")
	[[ ! $pages ]] || echo $((pages * PAGE))
}

# tmpfs_make DIRECTORY [OPTIONS]: create a tmpfs, mounted in $work.
tmpfs_make()
{
	mount_at tmpfs "$1" -t tmpfs -o "${2:-size=90%}"
}

# fill CGROUP FILE BYTES [OPTION...]: write FILE.0 once from the cgroup.
fill()
{
	write_as "$1" "$2" --size "$3" --block 64k "${@:4}"
}

# read_as CGROUP FILE BYTES: read the file once from the cgroup.
read_as()
{
	spawn read_as read --cgroup "$top/$1" --file "$work/$2" --size "$3"
	collect read_as W
}

# keep NAME CGROUP [OPTION...]: start a process that holds memory (see "workload keep"), and
# wait until it has all of it.
keep()
{
	spawn "$1" keep --cgroup "$top/$2" "${@:3}"
	await_word "$1" ready=1
}

# tell NAME SIGNAL WORD: send a signal to a load, and wait until it prints WORD.
tell()
{
	kill "-$2" "${running[$1]}"
	await_word "$1" "$3"
}

# await_word NAME WORD: wait until the load has printed the word.
await_word()
{
	loop_until 60 has_said "$1" "$2" || bail "$1 did not print $2: $(cat "$work/$1.err")"
}

has_said()
{
	grep -qw "$2" "$work/$1.out" && return
	kill -0 "${running[$1]}" 2>/dev/null || bail "$1 has ended: $(cat "$work/$1.err")"
	return 1
}

# holds NAME KEY BYTES: KEY in the cgroup's memory.stat is at least 99 % of BYTES.
holds()
{
	compare "$(memory_of "$1" "$2")" '>=' $(($3 * 99 / 100))
}

# inherits NAME BYTES: the cgroup has inherited at least 99 % of BYTES.
inherits()
{
	compare "$(recharged "$1" inherited)" '>=' $(($2 * 99 / 100))
}

# cg_leave NAME BYTES: remove a cgroup, and wait until its parent has inherited BYTES.
cg_leave()
{
	local parent=${1%/*}
	cg_remove "$1"
	loop_until 10 inherits "$parent" "$2" ||
		bail "$parent has not inherited what $1 left: $(cat "$top/$parent/memory.recharge_stat")"
}

# bequeath CGROUP FILE BYTES [OPTION...]: create a cgroup, write FILE.0 from it, and remove
# it. On return its parent has inherited the pages.
bequeath()
{
	local had
	cg_make "$1"
	had=$(recharged "${1%/*}" inherited)
	fill "$@"
	cg_leave "$1" $((had + $3))
}

# has_left NAME BYTES: at most BYTES of inherited memory are left.
has_left()
{
	compare "$(recharged "$1" inherited)" '<=' "$2"
}

# check_moves DESCRIPTION PARENT USER KEY BYTES SECONDS: within SECONDS, BYTES of inherited
# memory move from the parent to the user, and little else stays inherited: for files on a
# disk, some metadata pages of the file system.
check_moves()
{
	local begin=${EPOCHREALTIME/[.,]/} what=$1 parent=$2 user=$3 key=$4 bytes=$5
	local most_left=$(($5 / 100 + M / 8))
	loop_until "$6" holds "$user" "$key" "$bytes"
	check_num "$what: the user is charged for at least 99 %" \
		"$(memory_of "$user" "$key")" '>=' $((bytes * 99 / 100))
	diag "after $(((${EPOCHREALTIME/[.,]/} - begin) / 1000)) ms, in all:" \
		"$(paste -s -d ' ' "$SWITCHES/recharge_stat")"
	loop_until 1 has_left "$parent" "$most_left"
	check_num "$what: the parent has little left" "$(recharged "$parent" inherited)" '<=' "$most_left"
}

# rests: recharging has stopped scanning pages, so the number of its attempts is bounded.
rests()
{
	local scanned
	scanned=$(total scanned)
	stays 2 total_is scanned "$scanned"
}

# total_is KEY BYTES
total_is()
{
	[[ $(total "$1") == "$2" ]]
}

# usage NAME: memory.current once it is stable. The charges of a removed cgroup are released
# some time after its removal.
usage()
{
	local last='' now same=0 polls=500
	while ((same < 10 && polls-- > 0)); do
		now=$(<"$top/$1/memory.current")
		if [[ $now == "$last" ]]; then same=$((same + 1)); else same=0; fi
		last=$now
		sleep 0.02
	done
	echo "$last"
}

# nothing_dies: no removed cgroup is still referenced.
nothing_dies()
{
	grep -qx 'nr_dying_descendants 0' "$top/cgroup.stat"
}

# events NAME KEY: the value of KEY in memory.events, for the whole subtree.
events()
{
	value_in "$top/$1/memory.events" "$2"
}

# join NAME CGROUP: move a load to the cgroup.
join()
{
	echo "${running[$1]}" >"$top/$2/cgroup.procs" || bail "cannot move $1 to $2"
}

# keep_moved NAME OLD NEW [OPTION...]: create the cgroup OLD, keep memory there, and move the load to NEW.
keep_moved()
{
	cg_make "$2"
	keep "$1" "$2" "${@:4}"
	join "$1" "$3"
}

# watch_kills CGROUP: start to watch for OOM kills. no_kill checks that no task in the system
# was OOM-killed since then, and that the cgroup had no OOM event.
watch_kills()
{
	spared=$1 kills=$(value_in /proc/vmstat oom_kill)
}

# no_kill DESCRIPTION
no_kill()
{
	check_eq "$1: no task is killed" "$(value_in /proc/vmstat oom_kill)" "$kills"
	check_eq "$1: no OOM event" "$(events "$spared" oom)" 0
}

# swap_make: use the scratch disk as swap space. Unlike with zram, pages that are swapped in by
# read faults and read-ahead stay in the swap cache.
swap_make()
{
	must mkswap "$SCRATCH" >/dev/null
	must swapon "$SCRATCH"
	at_undo=("swap_drop" "${at_undo[@]}")
}

swap_drop()
{
	! grep -q "^$SCRATCH " /proc/swaps || swapoff "$SCRATCH"
}

# zram_make BYTES: use compressed memory as swap space.
zram_make()
{
	local device=/dev/zram0
	[[ -b $device ]] || skip_all "no zram"
	must put_back /sys/block/zram0/disksize "$1"
	must mkswap "$device" >/dev/null
	must swapon "$device"
	at_undo=("swapoff $device" "put_back /sys/block/zram0/reset 1" "${at_undo[@]}")
}
