#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The mount option memcg=: what it takes and refuses, and in which words; who may
# use it; where it shows; what a remount and a second mount may say; that the module
# stays while such a mount is there.
# vm: --disk 512M --timeout 90 --shared
. "$(dirname "$0")/lib.sh"
setup_unloaded
audited=1
mkdir "$work/mnt" "$work/other"

# try [OPTION...]: mounts on $work/mnt; prints "ok" or the name of the errno, and
# leaves what the kernel had to say in $work/log.
try()
{
	local line
	line=$("$workload" mount "$work/mnt" "$@" 2>&1)
	echo "${line#*log=}" >"$work/log"
	line=${line#result=}
	echo "${line%% *}"
}

# accepts DESCRIPTION [OPTION...]
accepts()
{
	check_eq "$1 is accepted" "$(try "${@:2}")" ok
	[[ ! -s $work/log ]] || diag "$(cat "$work/log")"
	! mountpoint -q "$work/mnt" || must umount "$work/mnt"
}

# refuses DESCRIPTION ERRNO WORDS [OPTION...]: with that errno, and in such words.
refuses()
{
	check_eq "$1: errno" "$(try "${@:4}")" "$2"
	check "$1: the reason" grep -q -- "$3" "$work/log"
	diag "$(cat "$work/log")"
	! mountpoint -q "$work/mnt" || must umount "$work/mnt"
}

# shown PATH: the option of the mount on $work/mnt, in a file of /proc.
shown()
{
	sed -n "s|.* $work/mnt .*[ ,]memcg=\([^, ]*\).*|\1|p" "$1"
}

# --- without the module ------------------------------------------------------------
cg_make pod
refuses "without the module" EINVAL "load the module memcg_knobs" --option "memcg=$top/pod"
must module_load

# --- what it takes -------------------------------------------------------------------
cg_make pod/a other/b
must mkdir "$top/odd name, 100%"
cgroup=${top%/*}
accepts "a path" --option "memcg=$top/pod"
accepts "a descriptor" --descriptor "memcg=$top/pod"
accepts "a relative path" --option "memcg=.$top/pod"
accepts "another option behind it" --option "memcg=$top/pod" --option size=1M
accepts "another option before it" --option size=1M --option "memcg=$top/pod"
accepts "a leaf" --option "memcg=$top/pod/a"
accepts "an odd name" --option "memcg=$top/odd name, 100%"
must ln -s "$top/pod" "$work/link"
accepts "a symbolic link" --option "memcg=$work/link"

refuses "no such path" ENOENT "no way to that path" --option "memcg=$top/no"
refuses "a file" EINVAL "cgroup2" --option "memcg=$top/pod/cgroup.procs"
refuses "no cgroup2" EINVAL "cgroup2" --option "memcg=$work"
refuses "the root" EINVAL "root" --option "memcg=$cgroup"
refuses "no value" EINVAL "descriptor" --option memcg
refuses "an empty value" EINVAL "descriptor" --option memcg=
refuses "twice" EINVAL "twice" --option "memcg=$top/pod" --option "memcg=$top/pod"
refuses "the descriptor of a file" EINVAL "cgroup2" --descriptor "memcg=$top/pod/memory.max"
refuses "the descriptor of another directory" EINVAL "cgroup2" --descriptor "memcg=$work"
long=$(printf '%5000s' '' | tr ' ' x)
got=$(try --option "memcg=/$long")
check "5000 characters are refused (got $got)" test "$got" = EINVAL -o "$got" = ENAMETOOLONG
got=$(mount -t tmpfs -o "memcg=/$long" tmpfs "$work/mnt" 2>&1)
check "and by mount(2) as well" test $? != 0
diag "${got:0:80}"
mkdir "$top/other/b/none"
refuses "no memory controller" EINVAL "controller" --option "memcg=$top/other/b/none"
rmdir "$top/other/b/none"
if grep -qw hugetlbfs /proc/filesystems; then
	refuses "hugetlbfs" EINVAL "hugetlbfs" --fs hugetlbfs --option "memcg=$top/pod"
else
	skip "hugetlbfs" "not in this kernel"
fi

mkdir "$work/upper" "$work/lower"
must mount -t tmpfs tmpfs "$work/upper"
mkdir "$work/upper/u" "$work/upper/w"
refuses "overlayfs" EINVAL "upper layer" --fs overlay --option "lowerdir=$work/lower" \
	--option "upperdir=$work/upper/u" --option "workdir=$work/upper/w" --option "memcg=$top/pod"
must umount "$work/upper"

# A cgroup that is removed has no path, but a descriptor lives on.
must mkdir "$top/gone"
exec 9<"$top/gone"
accepts "a descriptor of a descriptor" --descriptor memcg=/proc/self/fd/9
must rmdir "$top/gone"
refuses "removed" ENODEV "was removed" --descriptor memcg=/proc/self/fd/9
exec 9<&-

# --- where it shows ------------------------------------------------------------------
must mount -t tmpfs -o "memcg=$top/pod,size=1M" tmpfs "$work/mnt"
path=/${top##*/}/pod
for file in mounts mountinfo; do
	check_eq "it shows in $file" "$(shown /proc/self/$file)" "$path"
done
got=$(unshare -C -m bash -c "cat /proc/self/mountinfo" | grep " $work/mnt ")
check "and in a cgroup namespace whose root is above" grep -q "memcg=${path}[, ]" <<<"$got"
diag "$got"
# The namespace's root is where who makes it is.
echo 0 >"$top/other/b/cgroup.procs"
got=$(unshare -C -m bash -c "cat /proc/self/mountinfo" | grep " $work/mnt ")
echo 0 >"$cgroup/cgroup.procs"
check "in another cgroup's namespace it is where that one sees it" \
	grep -q "memcg=/../../pod[, ]" <<<"$got"
diag "$got"

# --- remount -------------------------------------------------------------------------
# remount [OPTION...]
remount()
{
	try --remount "$@"
}
check_eq "a remount without the option" "$(remount --option size=2M)" ok
check_eq "with the same path" "$(remount --option "memcg=$top/pod")" ok
check_eq "with what is shown, as mount(8) does" "$(remount --option "memcg=$path")" ok
check_eq "with the same descriptor" "$(remount --descriptor "memcg=$top/pod")" ok
check_eq "with another path" "$(remount --option "memcg=$top/other")" EINVAL
check "is refused in words" grep -q "cannot be changed" "$work/log"
check_eq "with another descriptor" "$(remount --descriptor "memcg=$top/other")" EINVAL
check_eq "with no path" "$(remount --option "memcg=/no")" EINVAL
check_eq "it is what it was" "$(shown /proc/self/mounts)" "$path"
check "the module is in use" test "$(rmmod memcg_knobs 2>&1)" != ""
check "and stays" is_loaded
must umount "$work/mnt"
must mount -t tmpfs tmpfs "$work/mnt"
check_eq "a remount cannot bring it" "$(remount --option "memcg=$top/pod")" EINVAL
must umount "$work/mnt"

# --- one superblock, two mounts ------------------------------------------------------
must mke2fs -q -F -t ext4 "$SCRATCH" >/dev/null 2>&1
must mount -t ext4 -o "memcg=$top/pod" "$SCRATCH" "$work/other"
disk=(--fs ext4 --source "$SCRATCH")
check_eq "a second mount with the same" "$(try "${disk[@]}" --option "memcg=$top/pod")" ok
must umount "$work/mnt"
check_eq "a second mount without the option" "$(try "${disk[@]}")" ok
check_eq "shows what the first one said" "$(shown /proc/self/mounts)" "$path"
must umount "$work/mnt"
refuses "a second mount with another" EINVAL "charged differently" \
	"${disk[@]}" --option "memcg=$top/other"
must mount --bind "$work/other" "$work/mnt"
check_eq "a bind mount shows it as well" "$(shown /proc/self/mounts)" "$path"
must umount "$work/mnt"
must umount "$work/other"
must mount -t ext4 "$SCRATCH" "$work/other"
refuses "a second mount of what is charged as usual" EINVAL "charged differently" \
	"${disk[@]}" --option "memcg=$top/pod"
must umount "$work/other"

# --- who may ----------------------------------------------------------------------------
chmod 777 "$work" "$work/mnt"
# as_nobody [OPTION...]: in a user namespace of its own, as everybody may mount there.
as_nobody()
{
	try --uid 65534 --userns "$@"
}
refuses "somebody else's cgroup" EACCES "may not" --uid 65534 --userns --option "memcg=$top/pod"
refuses "by descriptor" EACCES "may not" --uid 65534 --userns --descriptor "memcg=$top/pod"
cg_make mine/from mine/to
# The target alone is not enough: the common ancestor has to be theirs, too.
chown 65534 "$top/mine/to/cgroup.procs"
check_eq "one's own, from outside" \
	"$(as_nobody --cgroup "$top/other/b" --option "memcg=$top/mine/to")" EACCES
chown 65534 "$top/mine/cgroup.procs"
check_eq "one's own, from within" \
	"$(as_nobody --cgroup "$top/mine/from" --option "memcg=$top/mine/to")" ok
chown 0 "$top/mine/to/cgroup.procs"
check_eq "not one's own, from within" \
	"$(as_nobody --cgroup "$top/mine/from" --option "memcg=$top/mine/to")" EACCES

# A bind mount stands for cgroup2 as a container sees it; read-only, nobody there may move
# to any cgroup by it.
must mkdir "$work/cg"
must mount --bind "${top%/*}" "$work/cg"
shown_there=$work/cg/${top##*/}/pod
accepts "where cgroup2 is mounted for writing" --option "memcg=$shown_there"
must mount -o remount,bind,ro "$work/cg"
refuses "where it is mounted read-only" EACCES "may not" --option "memcg=$shown_there"
refuses "likewise by descriptor" EACCES "may not" --descriptor "memcg=$shown_there"
must umount "$work/cg"

# --- memory.high of the target: who is not in it pays, not its own tasks -------------------
high=$((16 * M))
cg_make high/pod high/stranger
set_knob high/pod high $high
must mount -t tmpfs -o "memcg=$top/high/pod" tmpfs "$work/mnt"
got=$(
	echo $BASHPID >"$top/high/stranger/cgroup.procs"
	exec dd if=/dev/zero of="$work/mnt/f" bs=64k count=$((2 * high / 65536)) 2>&1
)
check "a stranger who fills it gets ENOSPC: ${got##*: }" grep -q "No space left" <<<"$got"
check_num "with half of memory.high" "$(memory_of high/pod shmem)" '<=' $((high / 2 + M))
check_num "and no less" "$(memory_of high/pod shmem)" '>=' $((high / 2 - M))
keep own high/pod --size $((high * 3 / 8))
halt own W
check_eq "the target's own tasks had room for theirs" "$(value_in "$top/high/pod/memory.events" max)" 0
check_num "and were not throttled" \
	"$(awk '$1 == "full" { sub("total=", "", $5); print $5 }' "$top/high/pod/memory.pressure")" \
	'<=' 1000000
must umount "$work/mnt"

# What was mounted in that namespace goes with it, and so does the module's use.
check "nothing is left that uses the module" loop_until 5 module_unload
must module_load
finish
