#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The examples in the administrator's guides do what the guides say. The examples are the
# blocks that begin with ".. code-block:: console". In these blocks:
#   - a line "# COMMAND" is run as root, and "> ..." continues it. All commands of a guide
#     run in one shell, in a directory of their own;
#   - the lines that follow are the expected output: each must be printed, in this order,
#     regardless of white space; "..." stands for anything. Numbers may differ by a tenth,
#     numbers below a thousand by any amount, but zero must be zero;
#   - the command must fail if the first line is an error ("PROGRAM: ..."), and succeed
#     otherwise.
# This test provides what the guides assume: a disk in /srv, and some files.
# vm: --disk 512M,bps=20000000,fs=ext4 --add Documentation/admin-guide:/guides --timeout 180 --shared
. "$(dirname "$0")/lib.sh"
guides=${GUIDES:-/guides}
[[ ${VM_FLAVOR-} ]] || skip_all "it uses the cgroups at the top; for the virtual machine only"
compgen -G "$guides/*.rst" >/dev/null || skip_all "no guides in $guides"
type -P memcgctl >/dev/null || skip_all "no memcgctl"
setup

# commands GUIDE: write each command to N.command and its expected output to N.shown, and
# print the number of commands.
commands()
{
	awk -v work="$work/docs" '
		/^\.\. code-block:: console$/ { inside = 1; next }
		inside && /^[^ \t]/ { inside = 0 }
		!inside || /^[ \t]*$/ { next }
		{ sub(/^  /, "") }
		/^# / { n++; out = work "/" n ".command" }
		/^[#>] / { print substr($0, 3) >out; printf "" >(work "/" n ".shown"); next }
		{ print >(work "/" n ".shown") }
		END { print n + 0 }' "$1"
}

# shows SHOWN PRINTED: all lines of SHOWN are in PRINTED. Print the first one that is not.
shows()
{
	awk '
		function same(a, b,  x, y) {
			x = a + 0; y = b + 0
			if (!x || !y)
				return x == y
			return (x < 1000 && y < 1000) || (y <= x * 1.1 && y >= x * 0.9)
		}
		# match_line WANTED GOT: from left to right, a number or a character each.
		function match_line(w, g,  a, b, i) {
			while (w != "") {
				if (substr(w, 1, 3) == "...") {
					sub(/^\.+/, "", w)
					for (i = 1; i <= length(g) + 1; i++)
						if (match_line(w, substr(g, i)))
							return 1
					return 0
				}
				if (match(w, /^[0-9]+(\.[0-9]+)?/)) {
					a = substr(w, 1, RLENGTH); w = substr(w, RLENGTH + 1)
					if (!match(g, /^[0-9]+(\.[0-9]+)?/))
						return 0
					b = substr(g, 1, RLENGTH); g = substr(g, RLENGTH + 1)
					if (!same(a, b))
						return 0
				} else {
					if (substr(w, 1, 1) != substr(g, 1, 1))
						return 0
					w = substr(w, 2); g = substr(g, 2)
				}
			}
			return g == ""
		}
		{ gsub(/[ \t]+/, " "); sub(/^ /, ""); sub(/ $/, "") }
		FILENAME == ARGV[1] { wanted[++n] = $0; next }
		at < n && match_line(wanted[at + 1], $0) { at++ }
		END { if (at < n) print wanted[at + 1]; exit at < n }' "$1" "$2"
}

# is_error SHOWN COMMAND: the first line begins with the name of the shell or of a program in
# the command. A program that sets a switch prints a line that begins with the switch's name,
# which is not an error.
is_error()
{
	local line
	read -r line <"$1"
	[[ $line =~ ^([a-z0-9_.-]+):\  ]] && ! grep -qF -- " ${BASH_REMATCH[1]}=" "$2" &&
		grep -qw -- "${BASH_REMATCH[1]}" - "$2" <<<bash
}

# run_commands COUNT: run the commands in one shell, with their output in N.out and their
# status in N.status.
run_commands()
{
	local n count=$1
	{
		echo "cd $work/docs/home"
		# The debug kernel takes longer than a real machine.
		echo "sleep() { command sleep \$((\$1 * $(pick 1 5))); }"
		for ((n = 1; n <= count; n++)); do
			echo "{"
			cat "$work/docs/$n.command"
			echo "} >$work/docs/$n.out 2>&1 </dev/null"
			echo "echo \$? >$work/docs/$n.status"
		done
		echo wait
	} >"$work/docs/script"
	# From standard input: the shell's messages would contain the name of a script file.
	bash <"$work/docs/script"
	sed -i 's/^bash: line [0-9]*: /bash: /' "$work"/docs/*.out
}

# The examples load the module with modprobe, as on a real machine.
mkdir "$work/bin"
cat >"$work/bin/modprobe" <<-END
	#!/bin/sh
	[ -d /sys/module/\$1 ] || exec insmod $module
END
chmod +x "$work/bin/modprobe"
export PATH=$work/bin:$PATH

must mkdir -p /srv
must mount -t ext4 "$SCRATCH" /srv
must dd if=/dev/zero of=/srv/model bs=1M count=16 conv=fsync status=none
cgroup=${top%/*}

for guide in "$guides"/memcg-*.rst; do
	name=${guide##*/}
	rm -rf "$work/docs"
	mkdir -p "$work/docs/home"
	# Drop the page cache, so that no cgroup is charged yet for the files that are read.
	sync
	echo 3 >/proc/sys/vm/drop_caches
	count=$(commands "$guide")
	check_num "$name: the guide has examples" "$count" '>' 0
	run_commands "$count" 2>"$work/stderr"
	[[ ! -s $work/stderr ]] || diag "$(cat "$work/stderr")"
	for ((n = 1; n <= count; n++)); do
		file=$work/docs/$n
		what="$name: $(head -n 1 "$file.command")"
		status=$(cat "$file.status" 2>/dev/null)
		if missing=$(shows "$file.shown" "$file.out"); then
			if is_error "$file.shown" "$file.command"; then
				check "$what: fails" test "${status:-0}" != 0
			else
				check "$what: succeeds" test "${status:-1}" = 0
			fi
		else
			not_ok "$what: prints what the guide says"
			diag "status ${status:-none}; not there: $missing"
		fi
		[[ ! -s $file.out ]] || diag "$(cat "$file.out")"
	done
	# The examples clean up after themselves.
	check_eq "$name: no cgroup is left" \
		"$(find "$cgroup" -mindepth 1 -maxdepth 1 -type d ! -path "$top")" ""
	for ((n = 0; n < 5; n++)); do
		find "$cgroup" -mindepth 1 -depth -type d ! -path "$top" -exec rmdir {} + 2>/dev/null
	done
	check_eq "$name: no switch is on" "$(cat "$SWITCHES"/recharge_{mapped,access,adopt} | sort -u)" 0
done

at_undo=("umount /srv")
finish
