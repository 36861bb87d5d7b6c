# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # The variables are those of run.sh.
# Finds out how a run ended: time-outs, the kernel's complaints, the exit status and
# its message. Sourced by run.sh.

# How the kernel's complaints begin, after the time stamp and possibly the name of a
# subsystem. The same text elsewhere in a line is no complaint. Some complaints do not
# stop the kernel: a file system may continue after it finds an error, and the kernel
# continues without kmemleak, lockdep or object debugging if these run out of memory,
# or if lockdep finds an uninitialized lock.
splats='BUG[: ]|WARNING: |INFO: (possible|rcu|task|lockdep|trying)|KASAN|UBSAN|Oops|general protection|kernel BUG|Kernel panic|.*blocked for more than'
[[ $io_errors ]] ||
	splats+='|EXT4-fs error|EXT4-fs .*(Data will be lost|allocation failed)|JBD2:.*[Ee]rror|XFS .*([Cc]orrupt|[Ee]rror)|BTRFS:? (error|critical)|(Buffer )?I/O error'
splats+='|Kernel memory leak detector disabled|turning off the locking correctness validator|.*ODEBUG disabled'
splats="^\\[ *[0-9]+\\.[0-9]+\\] ([a-z]+: )?($splats)"

first_splat()
{
	grep -nEm1 -- "$splats" "$console" | tr -d '\r'
}

# time_out: send the guest an NMI. Guests that only wait and guests that spin with
# interrupts off both react with a panic that shows the processors' backtraces and the
# blocked tasks.
time_out()
{
	splat=$(first_splat) || true
	# In the background, because a pipe without a reader would block.
	echo nmi >"$work/monitor.in" &
	asked=$!
	sleep 5 &
	timer=$!
	wait -n "$qemu" "$timer" 2>/dev/null || true
	stop "$timer"
	timer=''
	kill -KILL "$qemu" 2>/dev/null || true
	stop "$asked"
}

# judge: print how the run ended, and exit with its status.
judge()
{
	local -A verdict=()
	local word text status result words
	while read -r word text; do
		verdict[$word]=${text:-yes}
	done <"$work/verdict"
	[[ $timed_out ]] || splat=$(first_splat) || true

	if [[ ${verdict[retry]-} && ${VM_TRIES:=1} -lt 5 ]]; then
		say "once more: ${verdict[retry]}"
		cleanup
		VM_TRIES=$((VM_TRIES + 1)) exec "$0" "${argv[@]}"
	fi

	if [[ $out && -s $work/out.tar ]]; then
		mkdir -p "$out"
		tar -x --no-same-owner -C "$out" -f "$work/out.tar" ||
			say "what COMMAND left in /out did not come through whole"
	fi

	# From the most to the least specific reason. What a kernel did after a complaint
	# does not matter.
	status=${verdict[exit]-}
	if [[ ${verdict[harness]-} ]]; then
		result=125 words="the guest could not be set up: ${verdict[harness]}"
	elif [[ ${verdict[retry]-} ]]; then
		result=125 words="the machine is too busy: ${verdict[retry]}"
	elif [[ $splat && $splat != *"Kernel panic"* ]]; then
		result=70 words="kernel splat: ${splat#*] }"
	elif [[ $splat ]]; then
		result=70 words="kernel panic: ${splat#*not syncing: }"
	elif [[ $timed_out ]]; then
		result=124
		if [[ $status ]]; then
			words="time-out: COMMAND ended with $status, but the guest did not come to its end"
		elif [[ ${verdict[command]-} ]]; then
			words="time-out: COMMAND did not end"
		else
			words="time-out: the guest never came to COMMAND"
		fi
		words+=" within $limit s"
	elif [[ ! ${verdict[end]-} && $qemu_status -ne 0 ]]; then
		result=125 words="QEMU failed with $qemu_status: $(tail -n 3 "$work/qemu.err")"
	elif [[ ! ${verdict[end]-} ]]; then
		result=125 words="silence: the guest ended without a verdict"
	elif [[ ${verdict[stuck]-} ]]; then
		result=70 words="the module cannot be removed: ${verdict[stuck]}"
	elif [[ ${verdict[blind]-} ]]; then
		result=70 words="leaks cannot be looked for: ${verdict[blind]}"
	elif [[ ${verdict[leak]-} ]]; then
		result=70 words="kernel memory leaked"
		splat=$(grep -nm1 '^unreferenced object' "$console") || true
	else
		result=$status words="COMMAND ended with $status"
	fi
	# Status 4 means that a test skips itself. Neither that nor the status of a shell's
	# last command needs an investigation.
	if [[ $result == "$status" ]]; then
		if [[ $interactive || $result == [04] ]]; then
			exit "$result"
		fi
	fi

	if [[ ! $log ]]; then
		mkdir -p "$top/build/log"
		log=$top/build/log/vm-$(date +%Y%m%d-%H%M%S)-$$.log
		mv "$console" "$log"
	fi
	say "$words"
	if [[ $splat ]]; then
		say "from $log, line ${splat%%:*}:"
		sed -n "${splat%%:*},+29p" "$log"
	else
		say "last lines of $log:"
		tail -n 15 "$log"
	fi | tr -d '\r' | sed 's/^/    /' >&2
	exit "$result"
}
