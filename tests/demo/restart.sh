#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The second act's part in the guest: a service is restarted, twice, without and
# with recharging. Leaves a row of figures for each restart in /out/restart.csv.
# Usage: restart.sh BYTES
# shellcheck source=tests/bench/lib.sh
. /bench/lib.sh
size=$1
begin ext4
warm_up $((size * 2 / M))
top=/sys/fs/cgroup

# disk_read: bytes read from the disk so far.
disk_read()
{
	awk '{ print $3 * 512 }' "/sys/class/block/${SCRATCH##*/}/stat"
}

show()
{
	echo
	echo "\$ memcgctl tree --charges web     # $1"
	memcgctl tree --charges web || bail "memcgctl tree failed"
}

# restart RUN: the service goes and comes back, and reads its file.
restart()
{
	local before after read ms
	before=$(memory_of web/app file)
	read=$(disk_read)
	cg_remove web/app
	must loop_until 10 inherits web "$size"
	ms=${EPOCHREALTIME/./}
	cg_make web/app
	if [[ $1 == adopt ]]; then
		loop_until 2 has_left web $((size / 100)) || echo "Not all was adopted."
	fi
	ms=$(((${EPOCHREALTIME/./} - ms) / 1000))
	read_as web/app mnt/app.0 "$size"
	after=$(memory_of web/app file)
	row "$1" "$before" "$after" "$(recharged web inherited)" $(($(disk_read) - read)) "$ms" \
		>>/out/restart.csv
}

must mkdir -p /out
echo "A slice web with two services: app has a file of $((size / M)) MiB in memory, db one of $((size / M / 4)) MiB."
cg_make web/app web/db
fill web/app mnt/app "$size"
fill web/db mnt/db $((size / 4))
sync
show "at first"
restart plain
show "app was removed, made again, and has read its file"

# As at first: what the first restart left goes, and app brings its file in itself.
rm "$work/mnt/app.0"
fill web/app mnt/app "$size"
sync
echo
echo "\$ echo 1 >/sys/kernel/mm/memcg_knobs/recharge_adopt"
switch adopt 1
show "as at first"
restart adopt
show "app was removed, made again, and has read its file"
