#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The dirty limit files of a cgroup: their existence, modes and defaults; the values that
# they accept and read back; the values that they refuse, and the errno.
# vm: --shared
. "$(dirname "$0")/lib.sh"
setup
cg_make a

# --- existence, mode, default; none in the root cgroup -------------------------
while read -r file mode default; do
	[[ $file ]] || continue
	check_eq "$file: mode" "$(stat -c %a "$top/a/memory.$file" 2>&1)" "$mode"
	[[ $default == - ]] ||
		check_eq "$file: default" "$(knob a "$file")" "$default"
	check "$file: the root cgroup has none" test ! -e "${top%/*}/memory.$file"
done <<<"$KNOBS"
check_eq "dirty_stat: keys" \
	"$(knob a dirty_stat | awk '{ printf "%s ", $1 }')" \
	"dirty writeback limit background_limit throttled_usec throttled_count throttled_now writeback_started pace_usec paced_usec "
check_eq "dirty_stat: each line is a key and a number, or pace_usec and max" \
	"$(knob a dirty_stat | grep -cvE '^([a-z_]+ [0-9]+|pace_usec max)$')" 0

# --- values that are accepted, and how they read back ---------------------------
# accepts FILE INPUT READ-BACK
accepts()
{
	check_eq "$1: '$2' is accepted" "$(put a "$1" "$2")" ok
	check_eq "$1: '$2' reads back" "$(knob a "$1")" "$3"
}

for file in dirty_limit_in_bytes dirty_background_limit_in_bytes; do
	while read -r input back; do
		[[ ! $input ]] || accepts "$file" "$input" "$back"
	done <<-END
		67108864   67108864
		64M\n      67108864
		64m        67108864
		65536k     67108864
		1G         1073741824
		2T         2199023255552
		8192       8192
		12287      8192
		1048577    1048576
		064M       67108864
		max        max
		64M        67108864
		max\n      max
	END
	accepts "$file" ' 8M\t\n' 8388608
	# A page of white space before the number is not an error.
	check_eq "$file: 4096 characters with a number at the end" \
		"$(put a "$file" "$(printf '%4094s9M' '')")" ok
	check_eq "$file: the number after white space reads back" "$(knob a "$file")" 9437184
	set_knob a "$file" max
done
for file in dirty_ratio dirty_background_ratio; do
	while read -r input back; do
		[[ ! $input ]] || accepts "$file" "$input" "$back"
	done <<-END
		10         10.00
		0.01       0.01
		0.5\n      0.50
		12.34      12.34
		99.99      99.99
		100        100.00
		100.00     100.00
		max        max
	END
done
while read -r input back; do
	[[ ! $input ]] || accepts dirty_min "$input" "$back"
done <<-END
	8M\n       8388608
	1048577    1048576
	1G         1073741824
	0          0
END

# --- values that are refused; the old value stays -------------------------------
# refuses FILE INPUT [ERRNO...]: INPUT is refused with one of the errnos, by default EINVAL.
refuses()
{
	local file=$1 input=$2 errnos before got after
	shift 2
	errnos=" ${*:-EINVAL} "
	read -r before <"$top/a/memory.$file"
	got=$(put a "$file" "$input")
	read -r after <"$top/a/memory.$file"
	if [[ $errnos == *" $got "* && $after == "$before" ]]; then
		ok "$file: '${input:0:24}' is refused, the old value stays"
	else
		not_ok "$file: '${input:0:24}' is refused, the old value stays"
		diag "got $got, wanted one of$errnos; $before became $after"
	fi
}

# A write of no bytes is not among them: it never reaches a cgroup file's handler.
junk=(' ' '\n' abc M -1 -64M +64M '64 M' '64M 64M' '64M max' 'max 64M' 64MB
	64MM 64Mx 0x4000000 1e6 1.5M "64M," maximum MAX nan '64M\0junk' '\0' '64M\n64M')
# Each value takes a second on the debug kernel. The host's tests and the release kernel cover
# the whole list.
[[ ! $quick ]] || junk=(' ' abc -1 '64M 64M' '64M\0junk')
nines=$(printf '%4096s' '' | tr ' ' 9)
for file in dirty_limit_in_bytes dirty_background_limit_in_bytes dirty_min; do
	set_knob a "$file" 32M
	for input in "${junk[@]}"; do
		refuses "$file" "$input"
	done
	refuses "$file" 18446744073709551616 EINVAL ERANGE
	refuses "$file" 18446744073709551615K EINVAL ERANGE
	refuses "$file" 16E EINVAL ERANGE
	refuses "$file" 17592186044416T EINVAL ERANGE
	refuses "$file" "$nines" EINVAL ERANGE
	# The kernel may refuse a write larger than its buffer without parsing it.
	refuses "$file" "${nines}9" EINVAL ERANGE E2BIG
done
for file in dirty_limit_in_bytes dirty_background_limit_in_bytes; do
	for input in 0 1 4K 8191; do
		refuses "$file" "$input"
	done
done
for file in dirty_ratio dirty_background_ratio; do
	set_knob a "$file" 25
	for input in "${junk[@]}" 0 0.0 0.00 0.001 0.019 100.01 101 1000 -5 5% 5K 1.2.3 \
		"1,5" "$nines" 18446744073709551617; do
		refuses "$file" "$input"
	done
done
for input in "${junk[@]}" 18446744073709551616; do
	got=$(put a dirty_writeback "$input")
	check "dirty_writeback: '${input:0:24}' is refused" test "$got" = EINVAL -o "$got" = ERANGE
done
# A huge value may be accepted or refused, but must not wrap around to a small one.
set_knob a dirty_limit_in_bytes 32M
for input in 15E 9E 8E 7E 18446744073709551615; do
	got=$(put a dirty_limit_in_bytes "$input")
	back=$(knob a dirty_limit_in_bytes)
	case $got in
	ok) check "dirty_limit_in_bytes: $input does not wrap around" \
		test "$back" = max -o "${#back}" -ge 19 ;;
	*) check_eq "dirty_limit_in_bytes: $input is refused, the value stays" "$back" 33554432 ;;
	esac
	set_knob a dirty_limit_in_bytes 32M
done

got=$(put a dirty_stat 1 2>&1)
check "dirty_stat: writes are refused" test "$got" != ok

# --- bytes and ratio exclude each other ---------------------------------
for pair in "dirty_limit_in_bytes dirty_ratio" \
	"dirty_background_limit_in_bytes dirty_background_ratio"; do
	read -r bytes ratio <<<"$pair"
	set_knob a "$bytes" 32M "$ratio" 10
	check_eq "$ratio resets $bytes" "$(knob a "$bytes")" max
	set_knob a "$bytes" 16M
	check_eq "$bytes resets $ratio" "$(knob a "$ratio")" max
	put a "$ratio" 101 >"$work/ignored"
	check_eq "a refused $ratio does not change $bytes" "$(knob a "$bytes")" 16777216
	set_knob a "$ratio" max
	check_eq "$ratio of max does not change $bytes" "$(knob a "$bytes")" 16777216
	set_knob a "$ratio" 10 "$bytes" max
	check_eq "$bytes of max does not change $ratio" "$(knob a "$ratio")" 10.00
	set_knob a "$ratio" max
done

# --- limits in force ----------------------------------------------------
# in_force LIMIT BACKGROUND WANTED-LIMIT WANTED-BACKGROUND
in_force()
{
	set_knob a dirty_limit_in_bytes "$1" dirty_background_limit_in_bytes "$2"
	check_eq "limit $1, background $2: limit in force" "$(stat_of a limit)" $(($3 * M))
	check_eq "limit $1, background $2: background in force" \
		"$(stat_of a background_limit)" $(($4 * M))
}
in_force 64M max 64 32
in_force 64M 16M 64 16
in_force 64M 63M 64 63
in_force 64M 64M 64 32
in_force 64M 100M 64 32
in_force 8M 16M 8 4
set_knob a dirty_limit_in_bytes max dirty_background_limit_in_bytes max

# The same with ratios. The memory they refer to changes between the reads, hence the margins.
set_knob a dirty_ratio 10 dirty_background_ratio 10
check_num "equal ratios: the background limit is half the limit (not less)" \
	"$(stat_of a background_limit)" '>=' $(($(stat_of a limit) * 7 / 16))
check_num "equal ratios: the background limit is half the limit (not more)" \
	"$(stat_of a background_limit)" '<=' $(($(stat_of a limit) * 9 / 16))
set_knob a dirty_background_ratio 2.5
check_num "a quarter of the ratio: the background limit is a quarter (not less)" \
	"$(stat_of a background_limit)" '>=' $(($(stat_of a limit) * 3 / 16))
check_num "a quarter of the ratio: the background limit is a quarter (not more)" \
	"$(stat_of a background_limit)" '<=' $(($(stat_of a limit) * 5 / 16))
set_knob a dirty_ratio max dirty_background_ratio max

# --- values are per cgroup, neither the parent's nor the neighbour's ------------
cg_make b a/c
check_eq "a new cgroup has no limit" "$(knob b dirty_limit_in_bytes)" max
check_eq "a new child has no limit of its own" "$(knob a/c dirty_limit_in_bytes)" max

finish
