#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The files of recharging: their existence, modes and defaults, and the values that they
# accept and refuse. With all switches off, memory moves only on request.
# vm: --timeout 90 --shared
. "$(dirname "$0")/lib.sh"
setup_unloaded
must module_load
[[ -e $SWITCHES/recharge_mapped ]] || skip_all "the module does not recharge"
audited=1
cg_make p

# --- existence, mode, default ---------------------------------------------------
for name in mapped access adopt; do
	check_eq "recharge_$name: mode" "$(stat -c %a "$SWITCHES/recharge_$name")" 644
	check_eq "recharge_$name: default" "$(<"$SWITCHES/recharge_$name")" 0
done
check_eq "recharge_scope: mode" "$(stat -c %a "$SWITCHES/recharge_scope")" 644
check_eq "recharge_scope: default" "$(<"$SWITCHES/recharge_scope")" subtree
check_eq "recharge_drop_sec: mode" "$(stat -c %a "$SWITCHES/recharge_drop_sec")" 644
check_eq "recharge_drop_sec: default" "$(<"$SWITCHES/recharge_drop_sec")" 0
check_eq "recharge_stat: mode" "$(stat -c %a "$SWITCHES/recharge_stat")" 444
check_eq "recharge_stat: keys" "$(awk '{ printf "%s ", $1 }' "$SWITCHES/recharge_stat")" \
	"scanned moved failed deferred dropped freed "
check_eq "recharge_stat: all are zero" "$(awk '{ printf "%s ", $2 }' "$SWITCHES/recharge_stat")" \
	"0 0 0 0 0 0 "
for file in "recharge 200" "recharge_stat 444"; do
	check_eq "memory.${file% *}: mode" "$(stat -c %a "$top/p/memory.${file% *}")" "${file#* }"
	check "memory.${file% *}: the root cgroup has none" test ! -e "${top%/*}/memory.${file% *}"
done
check_eq "memory.recharge_stat: keys" "$(knob p recharge_stat | awk '{ printf "%s ", $1 }')" \
	"inherited recharged_in recharged_out recharge_failed "
check_eq "memory.recharge_stat: zeros" "$(knob p recharge_stat | awk '{ printf "%s ", $2 }')" \
	"0 0 0 0 "
check "memory.recharge cannot be read" test "$(knob p recharge 2>&1)" != ""

# --- the switches -----------------------------------------------------------------
# accepts NAME INPUT READ-BACK
accepts()
{
	check_eq "recharge_$1: '$2' is accepted" "$(put_to "$SWITCHES/recharge_$1" "$2")" ok
	check_eq "recharge_$1: '$2' reads back" "$(<"$SWITCHES/recharge_$1")" "$3"
}

# refuses NAME INPUT
refuses()
{
	local before
	before=$(<"$SWITCHES/recharge_$1")
	check_eq "recharge_$1: '${2:0:24}' is refused" "$(put_to "$SWITCHES/recharge_$1" "$2")" EINVAL
	check_eq "recharge_$1: '${2:0:24}' leaves the old value" \
		"$(<"$SWITCHES/recharge_$1")" "$before"
}

long=$(printf '%3000s' '' | tr ' ' 1)
for name in mapped access adopt; do
	accepts $name '1\n' 1
	for input in 2 -1 x ' ' '\n' '1 0' '1 1' y on 0x1 1.0 256 4294967297 '1\0junk' "$long"; do
		refuses $name "$input"
	done
	accepts $name 0 0
	accepts $name 1 1
	accepts $name '0\n' 0
done
accepts scope 'any\n' any
for input in x ' ' '\n' 0 1 sub subtrees ANY 'any any' 'any subtree' 'any\0junk' "$long"; do
	refuses scope "$input"
done
accepts scope subtree subtree
accepts scope any any
accepts scope 'subtree\n' subtree

accepts drop_sec '600\n' 600
accepts drop_sec 86400 86400
for input in 86401 -1 x ' ' '\n' 1s 1.5 '1 1' 4294967297 '1\0junk'; do
	refuses drop_sec "$input"
done
for input in 18446744073709551616 "$long"; do
	check_eq "recharge_drop_sec: '${input:0:24}' overflows" "$(put_to "$SWITCHES/recharge_drop_sec" "$input")" ERANGE
done
accepts drop_sec 0 0

# --- memory.recharge ----------------------------------------------------------------
for input in ' ' '\n' abc M -1 -4M +4M '4 M' '4M 4M' '4M max' 4MB 4Mx 0x1000 1.5M MAX \
	'4M\0junk' 18446744073709551616 16E; do
	got=$(put p recharge "$input")
	check "memory.recharge: '$input' is refused (got $got)" \
		test "$got" = EINVAL -o "$got" = ERANGE
done
for input in 4K 1M '64M\n' 8E; do
	check_eq "memory.recharge: $input, none inherited" "$(put p recharge "$input")" EAGAIN
done

# --- all switches off ---------------------------------------------------------------
size=$((4 * M))
tmpfs_make mnt
cg_make p/user
for file in read written mapped; do
	bequeath p/old mnt/$file "$size"
done
nothing_moves()
{
	[[ $(recharged p inherited) == "$inherited" && $(recharged p/user recharged_in) == 0 &&
		$(recharged p recharged_out) == 0 &&
		$(total moved) == "$moved" && $(total scanned) == "$scanned" ]]
}
# While switches were on above, memory that earlier tests left behind may have moved.
moved=$(total moved)
scanned=$(total scanned)
inherited=$(recharged p inherited)
read_as p/user mnt/read.0 "$size"
fill p/user mnt/written "$size" --overwrite
keep user p/user --file "$work/mnt/mapped.0" --size "$size"
check "nothing moves with all switches off" stays 3 nothing_moves
# On request, the same memory moves.
check_eq "mapped memory can be moved on request" "$(put p recharge 3M)" ok
check_num "the requested amount has moved" "$(memory_of p/user shmem)" '>=' $((3 * M))
check_eq "a request for too much returns EAGAIN" "$(put p recharge 64M)" EAGAIN
check "all mapped memory has moved" holds p/user shmem "$size"
check_num "no other memory has moved" "$(memory_of p/user shmem)" '<=' "$size"
check_num "unmapped memory stays" "$(recharged p inherited)" '>=' $((size * 2 * 99 / 100))
check_eq "recharged_out equals recharged_in" \
	"$(recharged p recharged_out)" "$(recharged p/user recharged_in)"
check_eq "recharge_stat counts the same amount" "$(total moved)" \
	$((moved + $(recharged p recharged_out)))

finish
