#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# install-vm.sh: tests of the installed files with the real programs, in a guest: systemd boots with the service, the module
# and the example drop-ins, and crun starts a container with the example configuration. TAP on stdout.
# Usage: tests/install-vm.sh      (after `make` and `make kernel`)
#
# The guest's root has this machine's systemd and crun with their libraries, and the files that install.sh installs. systemd
# runs as the first process of a PID namespace, as in a container, below the guest's init, which checks the kernel. Programs
# that this machine lacks are skipped.

set -uo pipefail
export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
EXAMPLES=$TOP/packaging/examples
unset PREFIX SYSCONFDIR DESTDIR DEBUG KDIR MODULE_SIGN_KEY MODULE_SIGN_CERT
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

for systemd in /usr/lib/systemd/systemd /lib/systemd/systemd ''; do
	[[ ! -x $systemd ]] || break
done
if [[ ! $systemd ]] || ! command -v systemctl modprobe >/dev/null; then
	echo '1..1'
	echo 'ok 1 - systemd # SKIP systemd is not installed here'
	exit
fi

# merged PATH: the path in the guest, which has everything in /usr.
merged() {
	echo "/usr/${1#/usr}" | sed 's|//*|/|g'
}

# with_libraries FILE...: copy programs and the libraries that they are linked with.
with_libraries() {
	local file
	for file in "$@" $({ ldd "$@" 2>/dev/null || true; } |
		awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// && $2 ~ /^\(/ { print $1 }' | sort -u); do
		install -D "$file" "$root$(merged "$file")"
	done
}

directory=$(dirname "$systemd")
mkdir -p "$root"/{dev,etc/systemd/system,proc,run,sys,tmp,usr/bin,usr/sbin,usr/lib,usr/lib64,var/lib/prometheus/node-exporter}
for link in bin sbin lib lib64; do
	ln -s "usr/$link" "$root/$link"
done
mapfile -t programs < <(find "$directory" -maxdepth 1 -type f -perm -100)
for program in systemctl bash cat grep sed sleep env; do
	programs+=("$(type -P "$program")")
done
with_libraries "${programs[@]}" "$(readlink -f "$(type -P modprobe)")"
ln -s "$(merged "$(readlink -f "$(type -P modprobe)")")" "$root/usr/sbin/modprobe"
# Some versions load these on demand.
for library in libmount.so.1 libkmod.so.2 libacl.so.1 libblkid.so.1; do
	library=$(ldconfig -p | awk -v name="$library" '$1 == name { print $NF; exit }')
	[[ ! $library ]] || with_libraries "$library"
done
cp -r "$directory/system" "$root/usr/lib/systemd/"
printf '%s\n' 'root:x:0:0:root:/root:/bin/bash' 'nobody:x:65534:65534:nobody:/:/bin/bash' >"$root/etc/passwd"
printf '%s\n' 'root:x:0:' 'nogroup:x:65534:' >"$root/etc/group"
: >"$root/etc/machine-id"

DESTDIR=$root PREFIX=/usr "$TOP/tools/install.sh" cli module >"$work/installing" 2>&1 ||
	{ cat "$work/installing" && exit 1; }
depmod -b "$root" "$(cat "$TOP/build/release/linux/include/config/kernel.release")" 2>"$work/depmod"

# The setup of Documentation/install.rst.
cp -r "$EXAMPLES"/systemd/*.d "$EXAMPLES"/systemd/*.service "$EXAMPLES"/node-exporter/* "$root/etc/systemd/system/"
cat >>"$root/etc/memcg-knobs.toml" <<'END'
[sysfs]
recharge_adopt = true
[cgroup."system.slice"]
dirty_limit_in_bytes = "256M"
END
# The service records the limits that it finds, as an unprivileged user.
cat >"$root/etc/systemd/system/backup.service" <<'END'
[Service]
Type=oneshot
Slice=backup.slice
User=nobody
ExecStart=/bin/bash -c "cd /sys/fs/cgroup/backup.slice/backup.service && grep -H . memory.dirty_*limit_in_bytes >/tmp/seen"
END
# A substitute for a container runtime records the settings at its start.
cat >"$root/etc/systemd/system/containerd.service" <<'END'
[Service]
Type=oneshot
ExecStart=/bin/bash -c "cat /sys/fs/cgroup/system.slice/memory.dirty_limit_in_bytes >/tmp/seen-by-runtime"
END
cat >"$root/etc/systemd/system/default.target" <<'END'
[Unit]
Wants=memcg-knobs.service containerd.service backup.service memcgctl-metrics.timer verify.service
AllowIsolate=yes
END
cat >"$root/etc/systemd/system/verify.service" <<'END'
[Unit]
After=memcg-knobs.service containerd.service backup.service backup-slice-limit.service
[Service]
Type=oneshot
ExecStart=/bin/bash /verify
END

if crun=$(type -P crun); then
	with_libraries "$crun"
	install "$crun" "$root/usr/bin/crun"
	mkdir -p "$root/bundle/rootfs"/{bin,dev,proc,sys}
	cp "$(type -P busybox)" "$root/bundle/rootfs/bin/"
	python3 - "$EXAMPLES/oci/config.json" >"$root/bundle/config.json" <<-'END'
		import json
		import sys

		with open(sys.argv[1]) as file:
		    example = json.load(file)
		linux = {"cgroupsPath": "/contained", "namespaces": [{"type": "pid"}, {"type": "mount"}], **example["linux"]}
		process = {"user": {"uid": 0, "gid": 0}, "args": ["/bin/busybox", "sleep", "1000"], "cwd": "/"}
		mounts = [{"destination": "/proc", "type": "proc", "source": "proc"}]
		json.dump({"ociVersion": "1.0.2", "process": process, "root": {"path": "rootfs"}, "mounts": mounts, "linux": linux}, sys.stdout)
	END
fi

# Installing the exporter's package would start its service, so only its program is extracted.
if ! exporter=$(type -P prometheus-node-exporter); then
	(cd "$work" && apt-get download -qq prometheus-node-exporter && dpkg -x prometheus-node-exporter_*.deb exporter) \
		>"$work/download" 2>&1
	exporter=$work/exporter/usr/bin/prometheus-node-exporter
fi
[[ ! -x $exporter ]] || with_libraries "$exporter"
[[ ! -x $exporter ]] || install "$exporter" "$root/usr/bin/prometheus-node-exporter"
cp "$(type -P busybox)" "$root/usr/bin/"

cp "$TOP/tests/tap.sh" "$root/"
cat >"$root/verify" <<'END'
exec >/result 2>&1
cd /sys/fs/cgroup
work=/tmp
source /tap.sh
limits=$'memory.dirty_background_limit_in_bytes:33554432\nmemory.dirty_limit_in_bytes:67108864'
is 'systemd: memcg-knobs.service has loaded the module and set a slice' 268435456 \
	cat system.slice/memory.dirty_limit_in_bytes
is 'systemd: memcg-knobs.service has set a switch' 1 cat /sys/kernel/mm/memcg_knobs/recharge_adopt
is 'systemd: limits are set before container runtimes start' 268435456 cat /tmp/seen-by-runtime
is 'systemd: drop-in of a service: in force before its first command' "$limits" cat /tmp/seen
is 'systemd: drop-in of a slice' 268435456 cat backup.slice/memory.dirty_limit_in_bytes
: >/tmp/seen
systemctl restart backup.service
is 'systemd: the service has its limits after a restart' "$limits" cat /tmp/seen
systemctl stop backup.slice
is 'systemd: what sets the slice stops with it' inactive systemctl is-active backup-slice-limit
systemctl start backup.service
is 'systemd: and sets it again with its next start' 268435456 cat backup.slice/memory.dirty_limit_in_bytes
sed -i s/256M/128M/ /etc/memcg-knobs.toml
is 'systemd: reload' '' systemctl reload memcg-knobs
is 'systemd: after a reload the new settings are in force' 134217728 cat system.slice/memory.dirty_limit_in_bytes
is 'systemd: metrics for the node exporter' '' systemctl start memcgctl-metrics
is 'systemd: they are in the format that the collector reads' '# TYPE memcg_dirty_throttles_total counter' \
	grep '^# TYPE memcg_dirty_throttles' /var/lib/prometheus/node-exporter/memcgctl.prom
# served: the exporter serves the figures of the file, and knows which of them are counters.
served() {
	busybox ip link set lo up
	prometheus-node-exporter --collector.disable-defaults --collector.textfile --web.listen-address=127.0.0.1:9100 \
		--collector.textfile.directory=/var/lib/prometheus/node-exporter &>/tmp/exporter &
	for ((i = 0; i < 300; i++)); do
		busybox wget -q -O /tmp/metrics http://127.0.0.1:9100/metrics 2>/dev/null && break
		sleep 0.1
	done
	kill $!
	grep -c '^memcg_dirty_limit_bytes' /tmp/metrics
	grep '^node_textfile_scrape_error' /tmp/metrics
	grep '^# TYPE memcg_dirty_throttles' /tmp/metrics
	grep -c '^# TYPE memcg_.* untyped' /tmp/metrics
}
if [[ -x /usr/bin/prometheus-node-exporter ]]; then
	is 'node exporter: serves what memcgctl wrote' \
		"$(grep -c '^memcg_dirty_limit_bytes' /var/lib/prometheus/node-exporter/memcgctl.prom)"$'\nnode_textfile_scrape_error 0\n# TYPE memcg_dirty_throttles_total counter\n0' served
else
	skip 'node exporter' 'it is neither installed nor available'
fi
is 'systemd: none of these units has failed' '' systemctl --state=failed --no-legend --plain list-units 'memcg*' 'backup*'
if [[ -d /bundle ]]; then
	cd /bundle
	crun --cgroup-manager=cgroupfs run --no-pivot contained >/tmp/crun 2>&1 &
	for ((i = 0; i < 100; i++)); do
		[[ $(crun state contained 2>/dev/null) == *'"running"'* ]] && break
		sleep 0.1
	done
	cd /sys/fs/cgroup/contained 2>/dev/null || cat /tmp/crun
	is 'crun: linux.resources.unified' "$limits" grep -H . memory.dirty_background_limit_in_bytes memory.dirty_limit_in_bytes
	cd /
	crun kill contained KILL
else
	skip 'crun: linux.resources.unified' 'crun is not installed here'
fi
echo "1..$number"
systemctl --no-block exit 7
END

# Without a result, print systemd's log.
cat >"$work/guest" <<'END'
# systemd gives services private roots, which needs a root that is a mount point.
mount --bind /root-of-systemd /root-of-systemd
mount -t tmpfs none /root-of-systemd/run
mount -t tmpfs none /root-of-systemd/tmp
chmod 1777 /root-of-systemd/tmp
mount --rbind /sys /root-of-systemd/sys
mount --rbind /dev /root-of-systemd/dev
timeout $((40 * VM_SLOWNESS)) busybox unshare -p -f -m sh -c 'mount -t proc proc /root-of-systemd/proc
	exec chroot /root-of-systemd /usr/bin/env container=test /usr/lib/systemd/systemd --log-target=console --log-level=warning' >/tmp/log 2>&1
status=$?
cat /root-of-systemd/result || sed 's/^/# /' /tmp/log
[ $status = 7 ]
END
"$TOP/tests/vm/run.sh" --timeout 60 --add "$root:/root-of-systemd" --add "$work/guest:/guest" -- sh /guest >"$work/result"
status=$?
cat "$work/result"
((status == 0)) || echo "not ok - the guest ended with status $status"
((status == 0)) && ! grep -q '^not ok' "$work/result"
