#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# One file is written by two cgroups. The kernel attributes writeback of a file to one cgroup,
# its owner. Pages that the other cgroup dirties still count against the limit of the other,
# which neither exceeds it nor gets stuck, even if the owner was removed.
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
	# The cgroup that dirties the file first becomes its owner.
	write_as owner mnt/f --size 1M
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

# A restarted service continues to write the file that its last instance left dirty. The file
# is not written back as long as the removed cgroup is recorded as its owner.
no_periodic_writeback
cg_make p/first p/next
set_knob p/next dirty_limit_in_bytes 4M
write_as p/first mnt/log --size 1M
check_num "the owner leaves the file dirty" "$(dirty_of p/first)" '>=' $((M / 2))
cg_remove p/first
hold p/next $((4 * M)) "$(pick 5 4)" mnt/log --overwrite --offset 32M
check_held "the next one's limit" S $((4 * M))
check_progress "the next one makes progress" "${W[bytes]}" $((8 * M))
check_eq "the remaining dirty pages can be written" "$(put p/next dirty_writeback max)" ok
check_num "nothing is dirty" "$(exactly_dirty p/next)" '<=' "$slack"

# Nor does a successor escape its limit by overwriting its predecessor's page cache, which is
# charged to the parent.
cg_remove p/next
cg_make p/first
write_as p/first mnt/old --size 24M
sync
cg_remove p/first
cg_make p/next
set_knob p/next dirty_limit_in_bytes 4M
watch_limit both p $((4 * M))
write_as p/next mnt/old --size 24M --overwrite --seconds "$(pick 5 4)"
halt both S
check_held "the next one's limit, for pages that are not its own" S $((4 * M))
check_progress "the next one makes progress on those pages" "${W[bytes]}" $((8 * M))
check_num "the next one is throttled" "$(stat_of p/next throttled_count)" '>' 0

# The owner of a file cannot hold up other writers with a small limit.
cg_make owner guest
write_as owner mnt/owned --size 4M
sync
set_knob owner dirty_limit_in_bytes 16k
spawn_writers first owner mnt/owned --size 4M --overwrite --writers 8 --seconds 600
check "the owner's own writers wait" loop_until 20 stat_is owner throttled_count '>' 0
write_as guest mnt/owned --size 4M --overwrite --seconds "$(pick 5 4)"
halt first S
# A cgroup that writes only pages of others gets a quarter of the disk's speed.
check_progress "the guest is not stopped" "${W[bytes]}" $((4 * M))

# The common ancestor with a limit of owner and guest may change before a page is written.
# Pages that the guest dirties count against the levels below the common one; when they are
# written, they are subtracted there, and nowhere else.
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
check_limit "the upper limit, after one in between was removed" S $((8 * M))

finish
