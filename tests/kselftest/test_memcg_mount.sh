#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The mount option memcg=: the values that it accepts and refuses, with which messages; who
# may use it; where it is shown; what remounts and second mounts may specify; the module
# cannot be removed while such a mount exists.
# vm: --disk 512M --timeout 90 --shared
. "$(dirname "$0")/lib.sh"
setup_unloaded
audited=1
mkdir "$work/mnt" "$work/other"

# try [OPTION...]: mount on $work/mnt.
try()
{
	try_mount mnt "$@"
}

# accepts DESCRIPTION [OPTION...]
accepts()
{
	check_eq "$1 is accepted" "$(try "${@:2}")" ok
	[[ ! -s $work/log ]] || diag "$(cat "$work/log")"
	! mountpoint -q "$work/mnt" || must umount "$work/mnt"
}

# refuses DESCRIPTION ERRNO WORDS [OPTION...]: the mount fails with ERRNO and a message that
# contains WORDS.
refuses()
{
	check_eq "$1: errno" "$(try "${@:4}")" "$2"
	check "$1: the message" grep -q -- "$3" "$work/log"
	diag "$(cat "$work/log")"
	! mountpoint -q "$work/mnt" || must umount "$work/mnt"
}

# shown PATH: the memcg= option of the mount on $work/mnt, in a file of /proc.
shown()
{
	sed -n "s|.* $work/mnt .*[ ,]memcg=\([^, ]*\).*|\1|p" "$1"
}

# --- without the module ------------------------------------------------------------
cg_make pod
refuses "without the module" EINVAL "load the module memcg_knobs" --option "memcg=$top/pod"
must module_load

# --- accepted and refused values -----------------------------------------------------
cg_make pod/a other/b
must mkdir "$top/odd name, 100%"
cgroup=${top%/*}
accepts "a path" --option "memcg=$top/pod"
accepts "a descriptor" --descriptor "memcg=$top/pod"
accepts "a relative path" --option "memcg=.$top/pod"
accepts "another option after memcg=" --option "memcg=$top/pod" --option size=1M
accepts "another option before memcg=" --option size=1M --option "memcg=$top/pod"
accepts "a leaf" --option "memcg=$top/pod/a"
accepts "an odd name" --option "memcg=$top/odd name, 100%"
must ln -s "$top/pod" "$work/link"
accepts "a symbolic link" --option "memcg=$work/link"

refuses "a path that does not exist" ENOENT "no way to that path" --option "memcg=$top/no"
refuses "a file" EINVAL "cgroup2" --option "memcg=$top/pod/cgroup.procs"
refuses "a directory outside of cgroup2" EINVAL "cgroup2" --option "memcg=$work"
refuses "the root cgroup" EINVAL "root" --option "memcg=$cgroup"
refuses "no value" EINVAL "descriptor" --option memcg
refuses "an empty value" EINVAL "descriptor" --option memcg=
refuses "memcg= twice" EINVAL "twice" --option "memcg=$top/pod" --option "memcg=$top/pod"
refuses "the descriptor of a file" EINVAL "cgroup2" --descriptor "memcg=$top/pod/memory.max"
refuses "the descriptor of another directory" EINVAL "cgroup2" --descriptor "memcg=$work"
long=$(printf '%5000s' '' | tr ' ' x)
got=$(try --option "memcg=/$long")
check "5000 characters are refused (got $got)" test "$got" = EINVAL -o "$got" = ENAMETOOLONG
got=$(mount -t tmpfs -o "memcg=/$long" tmpfs "$work/mnt" 2>&1)
check "5000 characters are refused by mount(2) as well" test $? != 0
diag "${got:0:80}"
mkdir "$top/other/b/none"
refuses "a cgroup without the controller" EINVAL "controller" --option "memcg=$top/other/b/none"
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

# A removed cgroup has no path, but a descriptor can still refer to it.
must mkdir "$top/gone"
exec 9<"$top/gone"
accepts "a descriptor of a descriptor" --descriptor memcg=/proc/self/fd/9
must rmdir "$top/gone"
refuses "a removed cgroup" ENODEV "was removed" --descriptor memcg=/proc/self/fd/9
exec 9<&-

# --- where it is shown ---------------------------------------------------------------
must mount -t tmpfs -o "memcg=$top/pod,size=1M" tmpfs "$work/mnt"
path=/${top##*/}/pod
for file in mounts mountinfo; do
	check_eq "$file shows the option" "$(shown /proc/self/$file)" "$path"
done
got=$(unshare -C -m bash -c "cat /proc/self/mountinfo" | grep " $work/mnt ")
check "a cgroup namespace whose root is above shows it" grep -q "memcg=${path}[, ]" <<<"$got"
diag "$got"
# The root of a new cgroup namespace is the cgroup of the task that creates it.
echo 0 >"$top/other/b/cgroup.procs"
got=$(unshare -C -m bash -c "cat /proc/self/mountinfo" | grep " $work/mnt ")
echo 0 >"$cgroup/cgroup.procs"
check "another cgroup's namespace shows the path relative to its root" \
	grep -q "memcg=/../../pod[, ]" <<<"$got"
diag "$got"

# --- remount -------------------------------------------------------------------------
# remount [OPTION...]
remount()
{
	try --remount "$@"
}
check_eq "remount: no option is accepted" "$(remount --option size=2M)" ok
check_eq "remount: the same path is accepted" "$(remount --option "memcg=$top/pod")" ok
check_eq "remount: the shown path is accepted" "$(remount --option "memcg=$path")" ok
check_eq "remount: the same descriptor is accepted" "$(remount --descriptor "memcg=$top/pod")" ok
check_eq "remount: another path is refused" "$(remount --option "memcg=$top/other")" EINVAL
check "remount: the refusal has a message" grep -q "cannot be changed" "$work/log"
check_eq "remount: a new descriptor is refused" "$(remount --descriptor "memcg=$top/other")" EINVAL
check_eq "remount: a path that does not exist is refused" "$(remount --option "memcg=/no")" EINVAL
check_eq "remount: the target is unchanged" "$(shown /proc/self/mounts)" "$path"
check "the module is in use" test "$(rmmod memcg_knobs 2>&1)" != ""
check "the module stays loaded" is_loaded
must umount "$work/mnt"
must mount -t tmpfs tmpfs "$work/mnt"
check_eq "remount: the option cannot be added" "$(remount --option "memcg=$top/pod")" EINVAL
must umount "$work/mnt"

# --- one superblock, two mounts ------------------------------------------------------
must mke2fs -q -F -t ext4 "$SCRATCH" >/dev/null 2>&1
must mount -t ext4 -o "memcg=$top/pod" "$SCRATCH" "$work/other"
disk=(--fs ext4 --source "$SCRATCH")
check_eq "second mount: same target is accepted" "$(try "${disk[@]}" --option "memcg=$top/pod")" ok
must umount "$work/mnt"
check_eq "second mount: no option is accepted" "$(try "${disk[@]}")" ok
check_eq "second mount: it shows the target of the first one" "$(shown /proc/self/mounts)" "$path"
must umount "$work/mnt"
refuses "second mount: another target" EINVAL "charged differently" \
	"${disk[@]}" --option "memcg=$top/other"
must mount --bind "$work/other" "$work/mnt"
check_eq "a bind mount shows the target as well" "$(shown /proc/self/mounts)" "$path"
must umount "$work/mnt"
must umount "$work/other"
must mount -t ext4 "$SCRATCH" "$work/other"
refuses "second mount: memcg= when the first one has none" EINVAL "charged differently" \
	"${disk[@]}" --option "memcg=$top/pod"
must umount "$work/other"

# --- permissions ------------------------------------------------------------------------
chmod 777 "$work" "$work/mnt"
# as_nobody [OPTION...]: as an unprivileged user in a user namespace of its own, where any user
# may mount.
as_nobody()
{
	try --uid 65534 --userns "$@"
}
refuses "another user's cgroup" EACCES "may not" --uid 65534 --userns --option "memcg=$top/pod"
refuses "its descriptor" EACCES "may not" --uid 65534 --userns --descriptor "memcg=$top/pod"
cg_make mine/from mine/to
# Permission for the target is not enough: the common ancestor must belong to the user, too.
chown 65534 "$top/mine/to/cgroup.procs"
check_eq "the user's own cgroup, from outside" \
	"$(as_nobody --cgroup "$top/other/b" --option "memcg=$top/mine/to")" EACCES
chown 65534 "$top/mine/cgroup.procs"
check_eq "the user's own cgroup, from within" \
	"$(as_nobody --cgroup "$top/mine/from" --option "memcg=$top/mine/to")" ok
chown 0 "$top/mine/to/cgroup.procs"
check_eq "another user's cgroup, from within" \
	"$(as_nobody --cgroup "$top/mine/from" --option "memcg=$top/mine/to")" EACCES

# A bind mount stands for cgroup2 as a container sees it. If it is read-only, tasks in the
# container cannot be moved between cgroups through it.
must mkdir "$work/cg"
must mount --bind "${top%/*}" "$work/cg"
shown_there=$work/cg/${top##*/}/pod
accepts "a path in a writable cgroup2 mount" --option "memcg=$shown_there"
must mount -o remount,bind,ro "$work/cg"
refuses "a path in a read-only cgroup2 mount" EACCES "may not" --option "memcg=$shown_there"
refuses "a descriptor in a read-only mount" EACCES "may not" --descriptor "memcg=$shown_there"
must umount "$work/cg"

# --- memory.high of the target: outsiders get ENOSPC, its own tasks are not throttled ------
high=$((16 * M))
cg_make high/pod high/stranger
set_knob high/pod high $high
must mount -t tmpfs -o "memcg=$top/high/pod" tmpfs "$work/mnt"
got=$(
	echo $BASHPID >"$top/high/stranger/cgroup.procs"
	exec dd if=/dev/zero of="$work/mnt/f" bs=64k count=$((2 * high / 65536)) 2>&1
)
check "an outside writer gets ENOSPC: ${got##*: }" grep -q "No space left" <<<"$got"
check_num "half of memory.high is used (max)" "$(memory_of high/pod shmem)" '<=' $((high / 2 + M))
check_num "half of memory.high is used (min)" "$(memory_of high/pod shmem)" '>=' $((high / 2 - M))
keep own high/pod --size $((high * 3 / 8))
halt own W
check_eq "the target's own tasks had room" "$(value_in "$top/high/pod/memory.events" max)" 0
check_num "the target's own tasks were not throttled" \
	"$(awk '$1 == "full" { sub("total=", "", $5); print $5 }' "$top/high/pod/memory.pressure")" \
	'<=' 1000000
must umount "$work/mnt"

# The mounts of a namespace end with it, and so do their references to the module.
check "no reference to the module is left" loop_until 5 module_unload
must module_load
finish
