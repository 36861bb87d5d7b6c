#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# containers-vm.sh: tests of container platforms with the module, in a guest. containerd with memcg-nri: the values of a pod's
# annotations are in the files of its containers' cgroups. podman: so are the values of the example unit. TAP on stdout.
# Usage: tests/containers-vm.sh      (after `make` and `make kernel`)
# RECORD=DIRECTORY: record the session of containerd and the plugin there, for userspace/memcg-nri/tests/recorded.
#
# containerd must have NRI, that is 1.7 or newer. If PATH has none, Debian 13's is downloaded to the cache, but not installed;
# likewise podman. Containers are started with crun; curl sends the requests of a kubelet to containerd.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/../tools/env.sh"
# shellcheck source=tools/apt.sh
source "$TOP/tools/apt.sh"
set +e
PATH=$PATH:/usr/sbin:/sbin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

skip() {
	echo '1..1'
	echo "ok 1 - containerd # SKIP $1"
	exit
}

# has_nri: the containerd on PATH is new enough.
has_nri() {
	local version
	version=$(containerd --version 2>/dev/null | awk '{ print $3 }')
	[[ $version ]] && at_least "$version" 1.7
}

for program in crun curl python3 ${RECORD:+socat}; do
	command -v "$program" >/dev/null || skip "$program is not installed here"
done
if ! has_nri; then
	kept=$CACHE/containerd
	if [[ ! -x $kept/usr/bin/containerd ]]; then
		command -v apt-get >/dev/null || skip "there is no containerd >= 1.7"
		deb=$(fetch_package containers-vm "$work/apt" trixie containerd) ||
			skip "there is no containerd >= 1.7, and none is available"
		mkdir -p "$(dirname "$kept")"
		dpkg-deb -x "$deb" "$work/containerd" && mv -T "$work/containerd" "$kept"
	fi
	PATH=$kept/usr/bin:$PATH
	has_nri || skip "the containerd of Debian 13 does not run here"
fi

# podman and its missing dependencies go to the cache, where its libraries are found as well.
podman=$(type -P podman)
if [[ ! $podman ]] && command -v apt-get >/dev/null; then
	kept=$CACHE/podman
	if [[ ! -x $kept/usr/bin/podman ]]; then
		mapfile -t packages < <(apt-get -s -q install --no-install-recommends podman 2>/dev/null | awk '/^Inst / { print $2 }')
		mkdir -p "$work/podman" "$work/debs"
		if (cd "$work/debs" && logged containers-vm apt-get download -q "${packages[@]}"); then
			for deb in "$work"/debs/*.deb; do
				dpkg-deb -x "$deb" "$work/podman"
			done
			mv -T "$work/podman" "$kept"
		fi
	fi
	[[ ! -x $kept/usr/bin/podman ]] || podman=$kept/usr/bin/podman
	PATH=$PATH:$kept/usr/bin
	export LD_LIBRARY_PATH=$kept/usr/lib/x86_64-linux-gnu:$kept/lib/x86_64-linux-gnu
fi

# Programs go to /opt, and their libraries to the same paths as on this machine.
mkdir -p "$root"/{opt,containerd,containers,requests,rootfs/{bin,dev,etc,proc,run,sys,tmp}}
memcg_nri=$("$TOP/tools/crates.sh" debug) || exit
for program in containerd ctr containerd-shim-runc-v2 crun curl "$memcg_nri" ${podman:+"$podman" conmon} ${RECORD:+socat}; do
	program=$(type -P "$program")
	install "$program" "$root/opt/"
	ldd "$program" 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// { print $3 }'
done | sort -u >"$work/libraries"
adds=()
while read -r library; do
	adds+=(--add "$(readlink -f "$library"):${library#"$CACHE/podman"}")
done <"$work/libraries"
unset LD_LIBRARY_PATH
# The shell script of the example's sidecar.
python3 -c '
import sys
import yaml
pod = yaml.safe_load(open(sys.argv[1]))
sys.stdout.write(pod["spec"]["initContainers"][0]["command"][2])
' "$TOP/packaging/examples/kubernetes/shared-memory.yaml" >"$root/requests/sidecar" || exit
python3 "$TOP/tests/containers/cri.py" "$(type -P busybox)" "$root/requests"
# A wrapper of crun: the kernel of the tests has neither BPF, which restricts access to devices, nor network namespaces, and
# the crun of Debian 12 only supports version 1.0 of the specification.
cat >"$root/opt/runtime" <<'END'
#!/bin/bash
for ((i = 1; i < $#; i++)); do
	[[ ${!i} != --bundle ]] || { ((i++)) && sed -i -E 's/("resources":\{"devices":\[)[^]]*/\1/
		s/,\{"type":"network"[^}]*\}//; s/"ociVersion":"[^"]*"/"ociVersion":"1.0.2"/' "${!i}/config.json"; }
done
[[ " $* " != *" update "* ]] || exec crun "$@" < <(sed -E 's/("devices":\[)[^]]*/\1/')
exec crun "$@"
END
chmod +x "$root/opt/runtime"
# The guest's root is the initial rootfs, from which pivot_root is not possible.
cat >"$root/containerd/config.toml" <<'END'
version = 2
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
	"io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.blockfile", "io.containerd.tracing.processor.v1.otlp"]
[plugins."io.containerd.nri.v1.nri"]
disable = false
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "localhost/busybox:1"
restrict_oom_score_adj = true
disable_apparmor = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
BinaryName = "/opt/runtime"
NoPivotRoot = true
END

cp "$(type -P busybox)" "$root/rootfs/bin/"
cat >"$root/containers/containers.conf" <<'END'
[engine]
cgroup_manager = "cgroupfs"
conmon_path = ["/opt/conmon"]
events_logger = "file"
no_pivot_root = true
runtime = "crun"
[engine.runtimes]
crun = ["/opt/runtime"]
END
printf '%s\n' '[storage]' 'driver = "vfs"' 'graphroot = "/var/lib/containers/storage"' 'runroot = "/run/containers/storage"' \
	>"$root/containers/storage.conf"
echo '{"default":[{"type":"insecureAcceptAnything"}]}' >"$root/containers/policy.json"
# The arguments that the example unit adds to podman's command.
sed -n 's/^PodmanArgs=//p' "$TOP/packaging/examples/oci/backup.container" >"$root/requests/podman"

cat >"$work/guest" <<'END'
PATH=/opt:$PATH
work=/tmp
source /tap.sh
# wait_for COMMAND...: wait until the command succeeds; the runner has the time limit.
wait_for() {
	until "$@" >/dev/null 2>&1; do
		kill -0 "$containerd" || give_up "containerd has ended"
		sleep 0.2
	done
}
give_up() {
	echo "Bail out! $*"
	tail -n 30 /tmp/containerd /tmp/nri | sed 's/^/# /'
	exit 1
}
# call METHOD BODY: send a request, with the placeholders for identifiers replaced. Sets $made to the new identifier.
call() {
	sed "s/P\{64\}/$pod/; s/C\{64\}/$container/" "/requests/$2" >/tmp/request
	curl -s --http2-prior-knowledge --unix-socket /run/containerd/containerd.sock -H 'content-type: application/grpc' \
		-H 'te: trailers' --data-binary @/tmp/request -D /tmp/headers -o /tmp/answer \
		"http://localhost/runtime.v1.RuntimeService/$1"
	grep -q '^grpc-status: 0' /tmp/headers || give_up "$1 $2: $(grep '^grpc-' /tmp/headers)"
	made=$(grep -aoE '[0-9a-f]{64}' /tmp/answer | head -n 1)
}
limits() {
	cd "/sys/fs/cgroup$(sed 's/^0:://' "/proc/$1/cgroup")" && cat memory.dirty_limit_in_bytes memory.dirty_background_ratio memory.max
}
pid_of() {
	ctr -n k8s.io tasks ls | awk -v id="$1" '$1 == id { print $2 }'
}

mkdir -p /out /var/run/nri /run
# podman copies these into containers.
touch /etc/hosts /etc/resolv.conf
containerd >/tmp/containerd 2>&1 &
containerd=$!
wait_for test -S /var/run/nri/nri.sock
wait_for ctr version
socket=/var/run/nri/nri.sock
if [ -x /opt/socat ]; then
	socket=/run/tap.sock
	socat -r /out/plugin -R /out/runtime UNIX-LISTEN:$socket UNIX-CONNECT:/var/run/nri/nri.sock &
	wait_for test -S $socket
fi
ctr -n k8s.io images import /requests/image.tar >/tmp/import 2>&1 || give_up "$(cat /tmp/import)"
memcg-nri --socket $socket >/tmp/nri 2>&1 &
wait_for grep 'serving containerd' /tmp/nri
check "containerd accepts the plugin" true
call RunPodSandbox run
pod=$made
is "a bad annotation is reported" 1 grep -c 'pod default/web: memcg-knobs.io/dirty-min is ignored: "lots" is not a size' /tmp/nri
call CreateContainer app
container=$made app=$made
call StartContainer start
is "a container has the limit of its pod's annotation" $'67108864\nmax\nmax' limits "$(pid_of "$app")"
call CreateContainer db
container=$made
call StartContainer start
is "another container has the values of its own annotations" $'1073741824\n2.50\nmax' limits "$(pid_of "$container")"
echo max >"/sys/fs/cgroup$(sed 's/^0:://' "/proc/$(pid_of "$container")/cgroup")/memory.dirty_limit_in_bytes"
call UpdateContainerResources update
is "an update applies them again" $'1073741824\n2.50\n268435456' limits "$(pid_of "$container")"
# The example of shared memory that a pod pays for, in a mock cgroup of a pod.
mkdir -p /sys/fs/cgroup/pod/pay /sys/fs/cgroup/pod/writer /shared
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
echo +memory >/sys/fs/cgroup/pod/cgroup.subtree_control
(echo $BASHPID >/sys/fs/cgroup/pod/pay/cgroup.procs && SHARED=/shared SIZE=16M exec sh -ec "$(cat /requests/sidecar)") &
sidecar=$!
wait_for grep -q ' /shared tmpfs .*memcg=/pod' /proc/mounts
bash -c 'echo $$ >/sys/fs/cgroup/pod/writer/cgroup.procs && exec dd if=/dev/zero of=/shared/data bs=1M count=8 status=none'
shmem() {
	awk '$1 == "shmem" { print $2 }' /sys/fs/cgroup/pod/memory.stat /sys/fs/cgroup/pod/writer/memory.stat
}
is "shared memory is charged to the pod, not to the writer" $'8388608\n0' shmem
kill -TERM $sidecar
wait $sidecar
is "the sidecar unmounts it" 0 grep -c ' /shared ' /proc/mounts
# A container without an image, in the guest's network and without features that its kernel lacks.
podman_run() {
	local id
	# shellcheck disable=SC2046 # They are several words.
	id=$(podman run -d --network=host --ipc=host --security-opt=seccomp=unconfined $(cat /requests/podman) \
		--rootfs /rootfs /bin/busybox sleep 1000 2>/tmp/podman) || { cat /tmp/podman && return; }
	cat "/sys/fs/cgroup/libpod_parent/libpod-$id/"memory.dirty_{limit,background_limit}_in_bytes
}
if [ -x /opt/podman ]; then
	mkdir -p /var/tmp
	is "podman: the example's arguments" $'67108864\n33554432' podman_run
else
	skip "podman: the example's arguments" "podman is neither installed nor available"
fi
# Without the module the files are missing. Another pod of the same kind still starts.
rmmod memcg_knobs
sed -i 's/web/off/g' /requests/run /requests/app
call RunPodSandbox run
pod=$made
call CreateContainer app
container=$made
call StartContainer start
check "without the module the pod starts" kill -0 "$(pid_of "$container")"
is "and the reason is logged" 1 \
	grep -c 'pod default/off: memcg-knobs.io/dirty-limit is ignored: cgroups of this node have no memory.dirty_limit_in_bytes' /tmp/nri
done_testing
END
"$TOP/tests/vm/run.sh" --insmod --mem 2048 --timeout 60 ${RECORD:+--out "$RECORD"} \
	"${adds[@]}" --add "$root/opt:/opt" --add "$root/containerd:/etc/containerd" --add "$root/requests:/requests" \
	--add "$root/containers:/etc/containers" --add "$root/rootfs:/rootfs" \
	--add "$TOP/tests/tap.sh:/tap.sh" --add "$work/guest:/guest" -- bash /guest >"$work/result"
status=$?
cat "$work/result"
((status == 0)) || echo "not ok - the guest ended with status $status"
((status == 0))
