#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Recharging of dirty pages and of pages under writeback to a slow disk: they are written
# first and move when they are clean, so that no task is throttled for pages that others
# dirtied.
# vm: --disk 512M,bps=20000000 --timeout 240
. "$(dirname "$0")/lib.sh"
setup_recharge
size=$(pick $((32 * M)) $((8 * M)))
limit=$((size / 4))
fs_make ext4 mnt
no_periodic_writeback
no_periodic_commit mnt

# agree DESCRIPTION NAME: both statistics agree exactly while nothing is written.
agree()
{
	check_eq "$1: dirty_stat and memory.stat of $2 agree" "$(stat_of "$2" dirty)" \
		"$(memory_of "$2" file_dirty)"
	check_eq "$1: the writeback figures agree" "$(stat_of "$2" writeback)" \
		"$(memory_of "$2" file_writeback)"
}

# --- dirty pages without writeback ---------------------------------------------------------
# Cgroups with a limit count dirty pages immediately; others use the statistics.
level()
{
	cg_make p/old p/user
	set_knob p dirty_background_limit_in_bytes $((size * 4)) dirty_limit_in_bytes $((size * 5))
}

level
fill p/old mnt/f "$size"
before=$(memory_of p file_dirty)
check_num "dirty: all pages are" "$before" '>=' $((size * 9 / 10))
cg_leave p/old "$size"
keep user p/user --file "$work/mnt/f.0" --size "$size"
agree "dirty" p
check_eq "dirty: everything can be moved" "$(put p recharge "$size")" ok
check_moves "dirty" p p/user file "$size" 1
check_eq "dirty: the pages were written first" "$(exactly_dirty p)" 0
check_eq "dirty: the user never waited" "$(stat_of p/user throttled_count)" 0
agree "dirty, moved" p
agree "dirty, moved" p/user
check_audit "dirty, moved"
halt user W
cg_remove p/user p
rm "$work/mnt/f.0"

# --- more dirty pages than the user's limit allows ----------------------------------------------
level
set_knob p/user dirty_limit_in_bytes "$limit"
bequeath p/old mnt/f "$size"
keep user p/user --file "$work/mnt/f.0" --size "$size"
watch_limit samples p/user "$limit"
moved()
{
	put p recharge "$(recharged p inherited)" >/dev/null
	holds p/user file "$size"
}
check "above the limit: everything can be moved in the time of the disk" loop_until 30 moved
halt samples S
diag "max=${S[max]} above=${S[above]}/${S[n]}"
check_num "above the limit: the user never exceeds its limit" "${S[max]}" '<=' $((limit + slack))

hold p/user "$limit" "$(pick 4 3)" mnt/g --writers 2
check_held "a limit, afterwards" S "$limit"
check_progress "the writers make progress" "${W[bytes]}" "$size"
halt user W
sync
agree "after writeback" p
agree "after writeback" p/user
check_eq "after writeback: nothing is dirty" "$(stat_of p dirty) $(stat_of p writeback)" "0 0"
check_audit "after writeback"
cg_remove p/user p
rm "$work"/mnt/*.*

# --- pages under writeback -----------------------------------------------------------------------
level
bequeath p/old mnt/f "$size"
keep user p/user --file "$work/mnt/f.0" --size "$size"
# Without a pace, all pages are under writeback at once.
set_knob p dirty_pace_usec max
sync &
running[sync]=$!
must loop_until 30 stat_is p writeback '>' $M
# The request may wait for writeback, or fail because not everything can be moved.
got=$(put p recharge $((size * 99 / 100)))
if [[ $got == EAGAIN ]]; then
	check_num "under writeback: pages that could not be moved are counted" \
		"$(recharged p recharge_failed)" '>' 0
else
	check_eq "under writeback: everything can be moved" "$got" ok
fi
reap sync
put p recharge max >/dev/null
check_moves "under writeback" p p/user file "$size" 1
agree "under writeback" p
agree "under writeback" p/user
check_eq "under writeback: nothing is dirty" "$(stat_of p dirty) $(stat_of p writeback)" "0 0"
check_audit "under writeback"

# --- a restarted service that writes immediately ----------------------------------------------
halt user W
cg_remove p/user
rm "$work"/mnt/*.*
switch adopt 1
cg_make p/user
fill p/user mnt/f "$size"
cg_remove p/user
cg_make p/user
set_knob p/user max $((2 * size))
fill p/user mnt/g $((size / 4))
check_eq "adoption: a writer does not wait for its predecessor's dirty pages" \
	"$(stat_of p/user throttled_count)" 0
check "adoption: written pages are adopted" loop_until 30 holds p/user file "$size"
switch adopt 0
cg_remove p/user
rm "$work"/mnt/*.*

# --- repeated attempts through the switches ----------------------------------------------------
switch access 1
cg_make p/user
for round in $(seq "$(pick 4 2)"); do
	cg_make p/old
	fill p/old "mnt/$round" $((size / 4))
	cg_remove p/old
	sync &
	running[sync]=$!
	fill p/user "mnt/$round" $((size / 4)) --overwrite
	reap sync
done
sync
# Pages that were under writeback at every attempt were left with the parent.
for ((i = 1; i <= round; i++)); do
	read_as p/user "mnt/$i.0" $((size / 4))
done
check "written again meanwhile: a read moves everything to the user" loop_until 10 \
	holds p/user file $((round * size / 4))
agree "written again meanwhile" p
agree "written again meanwhile" p/user

finish
