#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# One file, written by two cgroups. The kernel writes a file back for one
# cgroup, its owner; what the other dirtied counts against the other's limit
# all the same, and the other is neither let over it nor stuck, also if the
# owner was removed.
# vm: --disk 512M,bps=20000000
. "$(dirname "$0")/lib.sh"
setup
fs_make ext4 mnt

# both OWNER-LIMIT: the owner writes the first part, the guest the rest.
both()
{
	cg_make owner guest
	set_knob guest dirty_limit_in_bytes 4M
	set_knob owner dirty_limit_in_bytes "$1"
	# The owner is whoever dirtied the file first.
	spawn_writers first owner mnt/f --size 1M
	collect first W
	spawn_writers owner owner mnt/f --overwrite --size 16M --seconds 600
	hold guest $((4 * M)) "$(pick 5 4)" mnt/f --overwrite --offset 32M
	check_held "the guest's limit, the owner's is $1" S $((4 * M))
	check_progress "the guest makes progress, the owner's limit is $1" "${W[bytes]}" $((8 * M))
	halt owner W
	cg_remove owner guest
	rm "$work/mnt/f.0"
}

both 4M
both max

# A service that is started again goes on with the file that its last instance left dirty,
# which nobody writes for as long as the other is remembered as its owner.
no_periodic_writeback
cg_make p/first p/next
set_knob p/next dirty_limit_in_bytes 4M
spawn_writers first p/first mnt/log --size 1M
collect first W
check_num "the owner leaves it dirty" "$(dirty_of p/first)" '>=' $((M / 2))
cg_remove p/first
hold p/next $((4 * M)) "$(pick 5 4)" mnt/log --overwrite --offset 32M
check_held "the next one's limit" S $((4 * M))
check_progress "the next one makes progress" "${W[bytes]}" $((8 * M))
check_eq "what is left can be written" "$(put p/next dirty_writeback max)" ok
check_num "nothing is left" "$(exactly_dirty p/next)" '<=' "$slack"

# Nor does it escape its limit by writing over what that one left in the page cache,
# which is their parent's.
cg_remove p/next
cg_make p/first
spawn_writers first p/first mnt/old --size 24M
collect first W
sync
cg_remove p/first
cg_make p/next
set_knob p/next dirty_limit_in_bytes 4M
watch_limit both p $((4 * M))
spawn_writers next p/next mnt/old --size 24M --overwrite --seconds "$(pick 5 4)"
collect next W
halt both S
check_held "the next one's limit, for pages that are not its own" S $((4 * M))
check_progress "it makes progress" "${W[bytes]}" $((8 * M))
check_num "it is throttled" "$(stat_of p/next throttled_count)" '>' 0

# Who owns what others write to cannot hold them up by a small limit.
cg_make owner guest
spawn_writers first owner mnt/owned --size 4M
collect first W
sync
set_knob owner dirty_limit_in_bytes 16k
spawn_writers first owner mnt/owned --size 4M --overwrite --writers 8 --seconds 600
# shellcheck disable=SC2317 # loop_until calls it.
owner_waits()
{
	(($(stat_of owner throttled_count) > 0))
}
check "the owner's own writers wait" loop_until 20 owner_waits
spawn_writers guest guest mnt/owned --size 4M --overwrite --seconds "$(pick 5 4)"
collect guest W
halt first S
# A fourth of the disk's speed is left to who only writes what is somebody else's.
check_progress "the guest is not stopped" "${W[bytes]}" $((4 * M))

# Whom the owner and the guest have above them may be another one by the time that a page
# was written. What the guest dirtied counts against its own limit only, up to the first
# that they have in common, and is counted no more there and nowhere else.
#
#        p  8M
#        |
#        q  6M, then none
#       / \
#   owner  guest 4M
#
cg_make p/q/owner p/q/guest
set_knob p dirty_limit_in_bytes 8M
set_knob p/q/guest dirty_limit_in_bytes 4M
for round in {1..8}; do
	set_knob p/q dirty_limit_in_bytes 6M
	fill p/q/owner "mnt/round$round" "$M"
	sync
	fill p/q/guest "mnt/round$round" "$M" --overwrite
	check_num "the owner's pages are dirty" "$(exactly_dirty p/q/owner)" '>=' $((M / 2))
	set_knob p/q dirty_limit_in_bytes max
	sync
done
hold p/q/owner $((8 * M)) "$(pick 4 3)" mnt/more
check_held "the limit above them, when one between went" S $((8 * M))
check_used "the limit above them, when one between went" S $((8 * M))

finish
