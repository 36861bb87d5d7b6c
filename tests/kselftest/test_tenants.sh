#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The files that a tenant may and may not write. Tenants are the owner of a delegated subtree,
# root of a user namespace, a container whose cgroup2 is read-only, and a service whose cgroup
# is the root of a cgroup namespace. No other task waits for work that a tenant requests from
# the kernel, and no code is patched each time. Documentation/admin-guide/memcg-tenants.rst has
# a line for each case.
# vm: --disk 512M,bps=2000000 --timeout 150
# vm-debug: --disk 512M,bps=500000
. "$(dirname "$0")/lib.sh"
setup
readonly TENANT=65534
cgroup2=${top%/*}

# attempt COMMAND...: write VALUE to FILE in a shell that COMMAND runs, and print "ok" or the
# shell's error message. VALUE and FILE are in the environment, which avoids double quoting.
attempt()
{
	local words
	# shellcheck disable=SC2016 # The other shell expands it.
	words=$("$@" bash -c 'echo "$VALUE" >"$FILE"' 2>&1) && words=ok
	echo "${words##*: }"
}

# writes WHO FILE VALUE: write as root, as tenant, or as userns (a tenant that is root of a
# user namespace of its own).
writes()
{
	local -a who=()
	[[ $1 == root ]] || who=(setpriv --reuid "$TENANT" --regid "$TENANT" --clear-groups)
	[[ $1 != userns ]] || who+=(unshare -U -r)
	FILE=$2 VALUE=$3 attempt "${who[@]}"
}

# Each file, with a valid value for a cgroup that has no dirty pages and has inherited nothing.
# Files that request work may also be written in the delegated cgroup itself; 0 bytes are no work.
readonly VALUES="
dirty_limit_in_bytes            64M
dirty_background_limit_in_bytes 32M
dirty_ratio                     10
dirty_background_ratio          5
dirty_min                       1M
dirty_pace_usec                 20000
persistent                      file
dirty_writeback                 0   ok
recharge                        0   ok
"

# --- a delegated subtree ------------------------------------------------------------------
# As systemd does, delegate the directory and the files that the kernel lists.
cg_make tenant neighbour
echo "+memory +io" >"$top/tenant/cgroup.subtree_control" || bail "no controllers"
must chown $TENANT "$top/tenant"
while read -r file; do
	[[ ! -e $top/tenant/$file ]] || must chown $TENANT "$top/tenant/$file"
done </sys/kernel/cgroup/delegate
must setpriv --reuid $TENANT --regid $TENANT --clear-groups mkdir "$top/tenant/own"

while read -r file value may; do
	[[ $file ]] || continue
	for who in tenant userns; do
		check_eq "$who: memory.$file of a cgroup of its own" \
			"$(writes $who "$top/tenant/own/memory.$file" "$value")" ok
		check_eq "$who: memory.$file of the delegated cgroup itself" \
			"$(writes $who "$top/tenant/memory.$file" "$value")" "${may:-Permission denied}"
		check_eq "$who: memory.$file of a neighbour" \
			"$(writes $who "$top/neighbour/memory.$file" "$value")" "Permission denied"
	done
done <<<"$VALUES"

# --- the system-wide switches --------------------------------------------------------------
for file in "$SWITCHES"/*; do
	before=$(<"$file")
	for who in tenant userns; do
		check_eq "$who: ${file##*/}" "$(writes $who "$file" 1)" "Permission denied"
	done
	[[ ${file##*/} == recharge_stat ]] ||
		check_eq "${file##*/} is unchanged" "$(<"$file")" "$before"
done

# --- a read-only cgroup2, as most containers have it ----------------------------------------
must mkdir "$work/ro"
must mount --bind "$cgroup2" "$work/ro"
at_undo=("umount $work/ro" "${at_undo[@]}")
must mount -o remount,bind,ro "$work/ro"
there=$work/ro/${top##*/}/tenant/own
while read -r file value _; do
	[[ ! $file ]] || check_eq "read-only: memory.$file, by root" \
		"$(writes root "$there/memory.$file" "$value")" "Read-only file system"
done <<<"$VALUES"
# Set a limit that does not depend on free memory, unlike the ratio above.
set_knob tenant/own dirty_limit_in_bytes 64M
check_eq "read-only: figures can be read" "$(value_in "$there/memory.dirty_stat" limit)" \
	"$(stat_of tenant/own limit)"

# --- the root of a cgroup namespace -----------------------------------------------------------
# inside FILE VALUE: write as root in a cgroup namespace whose root is tenant/own, to the
# cgroup2 that is mounted there.
inside()
{
	(
		echo $BASHPID >"$top/tenant/own/cgroup.procs" || exit
		export FILE=$work/ns/$1 VALUE=$2
		# shellcheck disable=SC2016 # Likewise.
		attempt unshare -C -m bash -c 'mount -t cgroup2 cgroup2 "$0" && exec "$@"' "$work/ns"
	)
}
must mkdir "$work/ns" "$top/tenant/own/below"
if ! grep -q "^[^ ]* $cgroup2 cgroup2 .*nsdelegate" /proc/mounts; then
	must mount -o remount,nsdelegate cgroup2 "$cgroup2"
	at_undo=("mount -o remount cgroup2 $cgroup2" "${at_undo[@]}")
fi
while read -r file value may; do
	[[ ! $file ]] || check_eq "cgroup namespace: memory.$file of its root" \
		"$(inside "memory.$file" "$value")" "${may:-Operation not permitted}"
done <<<"$VALUES"

# A mount in the namespace may only name cgroups that are visible there.
# mount_for TARGET: mount with memcg= in that namespace.
mount_for()
{
	local -A answer
	figures answer "$(
		echo $BASHPID >"$top/tenant/own/cgroup.procs" || exit
		unshare -C -m "$workload" mount "$work/ns" --option "memcg=$1" 2>&1
	)"
	echo "${answer[result]-}"
}
check_eq "cgroup namespace: memcg= may name its root" "$(mount_for "$top/tenant/own")" ok
check_eq "cgroup namespace: memcg= may not name an outsider" "$(mount_for "$top/neighbour")" EACCES
check_eq "cgroup namespace: memcg= may not name its parent" "$(mount_for "$top/tenant")" EACCES
check "the mount ends with the namespace" loop_until 5 grep -qx 0 /sys/module/memcg_knobs/refcnt

# --- others do not wait for work that a tenant requests ------------------------------------------
# Two tasks of the tenant wait for a slow disk, each in one of the files that request work.
fs_make ext4 mnt
tmpfs_make shm
no_periodic_writeback
no_periodic_commit mnt
cg_make slow/flushes slow/inherits/user neighbour/user
size=$(pick $((24 * M)) $((8 * M)))
set_knob slow dirty_limit_in_bytes $((8 * size)) dirty_background_limit_in_bytes $((7 * size))
fill slow/flushes mnt/f "$size"
bequeath slow/inherits/old mnt/old "$size"
bequeath neighbour/old shm/old $M
keep ours slow/inherits/user --file "$work/mnt/old.0" --size "$size"
keep theirs neighbour/user --file "$work/shm/old.0" --size $M
spawn flush put --file "$top/slow/flushes/memory.dirty_writeback" --value max
spawn recharge put --file "$top/slow/inherits/memory.recharge" --value max

both_write()
{
	stat_is slow/flushes writeback '>' 0 && stat_is slow/inherits writeback '>' 0
}
check "two tasks of a tenant wait for a slow disk" loop_until 20 both_write

# meanwhile DESCRIPTION COMMAND...: the command succeeds while the tenant's tasks still wait.
meanwhile()
{
	local what=$1 pid
	shift
	check "meanwhile: $what" "$@"
	for pid in "${running[flush]}" "${running[recharge]}"; do
		kill -0 "$pid" 2>/dev/null || {
			not_ok "meanwhile: $what: the tenant's tasks still wait"
			return
		}
	done
}

recharges()
{
	[[ $(put neighbour recharge max) == ok ]] && holds neighbour/user shmem "$M"
}

flushes()
{
	[[ $(put neighbour dirty_writeback max) == ok ]]
}
meanwhile "a neighbour is created and removed" eval "mkdir $top/next && rmdir $top/next"
meanwhile "a neighbour's limit is set" put_back "$top/neighbour/memory.dirty_limit_in_bytes" 64M
meanwhile "a neighbour's figures are read" cat "$top/neighbour/memory.dirty_stat"
meanwhile "a neighbour recharges what it inherited" recharges
meanwhile "a neighbour with nothing dirty writes back" flushes
meanwhile "a switch is set" put_back "$SWITCHES/recharge_scope" subtree
for name in flush recharge; do
	kill -USR1 "${running[$name]}"
	collect $name W
	check_eq "$name: a signal ends the wait" "${W[result]}" EINTR
done
halt ours W
halt theirs W

# --- no code patching and no interrupts of other processors at each write -------------------------
rounds=200
while read -r file on off; do
	[[ $file ]] || continue
	before=$(ipis)
	for ((i = 0; i < rounds; i++)); do
		echo "$on"
		echo "$off"
	done >"$top/tenant/own/memory.$file"
	skip_if "${quick:+on the debug kernel, processors interrupt each other for other reasons}" \
		check_num "memory.$file switched $rounds times causes few interrupts" \
		$(($(ipis) - before)) '<=' $((rounds / 2))
done <<-END
	dirty_limit_in_bytes 64M   max
	dirty_min            1M    0
	dirty_pace_usec      20000 default
END
finish
