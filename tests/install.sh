#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# install.sh: tests of installing and uninstalling, of the contents of the packages, and of error messages. TAP on stdout.
# Usage: tests/install.sh      (after `make`; only writes to a temporary directory and build/)
# The table in installed() is the reference for names and modes of files, not the installer.
# shellcheck disable=SC2317 # check calls functions by their names.

set -uo pipefail
export LC_ALL=C
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
INSTALL=$TOP/tools/install.sh
CTL=$TOP/build/bin/memcgctl
KDIR=${KDIR:-$TOP/build/release/linux}
unset PREFIX SYSCONFDIR DESTDIR DEBUG CONFIG DRY_RUN MODULE_SIGN_KEY MODULE_SIGN_CERT
export KDIR
# shellcheck source=tests/tap.sh
source "$TOP/tests/tap.sh"

# installed PREFIX: mode and path of each file of the CLI, below PREFIX and /etc.
installed() {
	local command
	cat <<-END
		644 /etc/memcg-knobs.toml
		755 $1/bin/memcgctl
		644 $1/lib/systemd/system/memcg-knobs.service
		644 $1/share/bash-completion/completions/memcgctl
		644 $1/share/fish/vendor_completions.d/memcgctl.fish
		644 $1/share/zsh/site-functions/_memcgctl
		644 $1/share/doc/memcgctl/examples/grafana/memcg-knobs.json
		644 $1/share/doc/memcgctl/examples/kubernetes/backup.yaml
		644 $1/share/doc/memcgctl/examples/kubernetes/nri-events/events.yaml
		644 $1/share/doc/memcgctl/examples/kubernetes/nri-events/kustomization.yaml
		644 $1/share/doc/memcgctl/examples/kubernetes/nri-events/rbac.yaml
		644 $1/share/doc/memcgctl/examples/kubernetes/nri/Containerfile
		644 $1/share/doc/memcgctl/examples/kubernetes/nri/daemonset.yaml
		644 $1/share/doc/memcgctl/examples/kubernetes/nri/kustomization.yaml
		644 $1/share/doc/memcgctl/examples/kubernetes/shared-memory.yaml
		644 $1/share/doc/memcgctl/examples/node-exporter/memcgctl-metrics.service
		644 $1/share/doc/memcgctl/examples/node-exporter/memcgctl-metrics.timer
		644 $1/share/doc/memcgctl/examples/nomad/backup.nomad.hcl
		644 $1/share/doc/memcgctl/examples/oci/backup.container
		644 $1/share/doc/memcgctl/examples/oci/config.json
		644 $1/share/doc/memcgctl/examples/prometheus/memcg-knobs.rules.yml
		644 $1/share/doc/memcgctl/examples/prometheus/memcg-knobs.test.yml
		644 $1/share/doc/memcgctl/examples/systemd/backup-slice-limit.service
		644 $1/share/doc/memcgctl/examples/systemd/backup.service.d/dirty-limit.conf
		644 $1/share/doc/memcgctl/examples/systemd/backup.slice.d/dirty-limit.conf
		644 $1/share/doc/memcgctl/examples/systemd/modules-load.conf
		644 $1/share/man/man1/memcgctl.1
		644 $1/share/man/man5/memcg-knobs.toml.5
		644 $1/share/man/man7/memcg-knobs.7
	END
	for command in $("$CTL" --help | awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }'); do
		echo "644 $1/share/man/man1/memcgctl-$command.1"
	done
}

files() {
	(cd "$1" && find . ! -type d -printf '%m /%P\n')
}

# fresh: create an empty root in $root.
fresh() {
	root=$(mktemp -d "$work/root.XXXXXX")
	export DESTDIR=$root
}

# says WORDS COMMAND...: the command fails with one line that contains these words.
says() {
	local words=$1 said
	shift
	said=$("$@" 2>&1) && return 1
	echo "$said"
	[[ $said == *"$words"* && $(wc -l <<<"$said") -eq 1 ]]
}

with_manifest() {
	installed "$1"
	echo "644 $1/share/memcg-knobs/manifest"
}

nothing_left() {
	same '' "$(cd "$root" && find . -mindepth 1)"
}

# --- the CLI ---

cli_files() {
	"$INSTALL" cli && same "$(with_manifest /usr/local)" "$(files "$root")"
}

# prefix_is_heeded: PREFIX may have characters that are special to sed or systemd.
prefix_is_heeded() {
	PREFIX='/opt/m k&|' "$INSTALL" cli &&
		same "$(with_manifest '/opt/m k&|')" "$(files "$root")" &&
		grep -Fqx 'ExecStart="/opt/m k&|/bin/memcgctl" apply "/etc/memcg-knobs.toml"' \
			"$root/opt/m k&|/lib/systemd/system/memcg-knobs.service"
}

no_writable_directories() {
	same '' "$(cd "$root" && find . -mindepth 1 -type d ! -perm 755)"
}

uninstall_leaves_nothing() {
	"$INSTALL" uninstall && nothing_left
}

what_others_put_there_stays() {
	mkdir -p "$root/usr/local/bin" && touch "$root/usr/local/bin/other"
	"$INSTALL" cli && touch "$root/usr/local/share/man/man1/other.1" && "$INSTALL" uninstall &&
		same $'644 /usr/local/bin/other\n644 /usr/local/share/man/man1/other.1' "$(files "$root")"
}

settings_are_kept() {
	"$INSTALL" cli && echo '[sysfs]' >"$root/etc/memcg-knobs.toml" &&
		"$INSTALL" cli && "$INSTALL" uninstall &&
		same '644 /etc/memcg-knobs.toml' "$(files "$root")" && [[ $(<"$root/etc/memcg-knobs.toml") == '[sysfs]' ]]
}

# upgrade_removes_what_is_gone: an upgrade removes a man page of an earlier version.
upgrade_removes_what_is_gone() {
	local page=/usr/local/share/man/man1/memcgctl-former.1
	"$INSTALL" cli && touch "$root$page" &&
		echo "file cli $page" >>"$root/usr/local/share/memcg-knobs/manifest" &&
		"$INSTALL" cli && same "$(with_manifest /usr/local)" "$(files "$root")"
}

installed_program_runs() {
	[[ $("$root/usr/local/bin/memcgctl" --version) == "$("$CTL" --version)" ]]
}

fresh
check "install-cli: every file and its mode" cli_files
check "install-cli: directories have mode 755" no_writable_directories
check "install-cli: the program runs" installed_program_runs
check "install-cli: once more changes nothing" cli_files
check "uninstall leaves nothing" uninstall_leaves_nothing
check "uninstall: nothing is installed" says 'nothing is installed' "$INSTALL" uninstall
fresh
check "install-cli: PREFIX" prefix_is_heeded
check "install-cli: a PREFIX that a unit can not have" says 'which are special in a unit' env PREFIX='/opt/%n' "$INSTALL" cli
fresh
check "uninstall leaves what others put there" what_others_put_there_stays
fresh
check "memcg-knobs.toml is neither overwritten nor removed" settings_are_kept
fresh
check "installing removes what a former version had" upgrade_removes_what_is_gone

# --- the module ---

release=$(cat "$KDIR/include/config/kernel.release")

module_files() {
	"$INSTALL" cli module &&
		same "$(with_manifest /usr/local)
644 /lib/modules/$release/updates/memcg_knobs.ko" "$(files "$root")" &&
		cmp "$TOP/build/release/memcg_knobs.ko" "$root/lib/modules/$release/updates/memcg_knobs.ko"
}

# kernel_tree RELEASE OPTION...: a mock build tree of a kernel.
kernel_tree() {
	local tree=$work/tree-$1
	mkdir -p "$tree/include/config"
	echo "$1" >"$tree/include/config/kernel.release"
	printf '%s\n' "${@:2}" >"$tree/include/config/auto.conf"
	echo "$tree"
}

without_root() {
	unset DESTDIR
	setpriv --reuid 65534 --clear-groups "$INSTALL" cli
}

fresh
check "install: module for the kernel of KDIR" module_files
check "uninstall leaves nothing of it" uninstall_leaves_nothing
check "install: KDIR is no build tree" says "is not a kernel's build tree" env KDIR=/nowhere "$INSTALL" module
check "install: module built for another kernel" says "the module was built for $release, not for 6.1.0" \
	env KDIR="$(kernel_tree 6.1.0)" "$INSTALL" module
check "install: a failed attempt leaves nothing" nothing_left
if ((EUID == 0)) && command -v setpriv >/dev/null && setpriv --reuid 65534 --clear-groups test -x "$INSTALL"; then
	check "install: root is needed" says 'this needs root' without_root
else
	skip "install: root is needed" "needs root, and a checkout that other users can read"
fi

# not_built: the message in a checkout without build/.
not_built() {
	mkdir -p "$work/checkout"
	cp -r "$TOP/tools" "$TOP/packaging" "$work/checkout/"
	mkdir -p "$work/checkout/userspace"
	cp "$TOP/userspace/Cargo.toml" "$work/checkout/userspace/"
	says "is not built: run \`make $1" "$work/checkout/tools/install.sh" "$2"
}
check "install: program is not built" not_built userland cli
check "install: module is not built" not_built module module

# --- DKMS ---

# dkms_says TREE: the output of dkms.conf for this kernel, sourced as dkms does; and whether the kernel is excluded.
dkms_says() {
	# shellcheck disable=SC2016 # The inner shell expands it.
	bash -c 'kernelver=$1 kernel_source_dir=$2; . "$3" >/dev/null; echo "excluded: ${BUILD_EXCLUSIVE_KERNEL:-no}"' \
		- "$(cat "$1/include/config/kernel.release")" "$1" "$root/usr/src/memcg-knobs-$version/dkms.conf" 2>&1
}

refused() {
	local said
	said=$(dkms_says "$(kernel_tree "$@")")
	echo "$said"
	# One line of dkms.conf besides the test's; the pattern in that matches no kernel.
	[[ $(wc -l <<<"$said") -eq 2 && $said == "memcg-knobs: no module is built for kernel $1"*$'\n'excluded:\ ^* ]]
}

accepted() {
	local said
	said=$(dkms_says "$KDIR")
	echo "$said"
	[[ $said == "excluded: no" ]]
}

dkms_is_whole() {
	local file
	"$INSTALL" dkms && "$root/usr/src/memcg-knobs-$version/check-kernel.sh" "$KDIR" "$release" &&
		for file in "$TOP"/rust/*.rs "$TOP"/rust/policy/src/*.rs "$TOP/Kbuild" "$TOP/tools/env.sh" "$TOP/tools/module.sh"; do
			cmp "$file" "$root/usr/src/memcg-knobs-$version/${file#"$TOP/"}" || return
		done
	grep -qx "PACKAGE_VERSION=$version" "$root/usr/src/memcg-knobs-$version/dkms.conf"
}

# dkms_builds: build as dkms does when a patched kernel is installed, but in separate directories.
dkms_builds() {
	local dkms=(dkms --dkmstree "$work/dkms" --sourcetree "$root/usr/src")
	mkdir -p "$work/dkms"
	"${dkms[@]}" add "memcg-knobs/$version" || return
	if ! "${dkms[@]}" build "memcg-knobs/$version" -k "$release" --kernelsourcedir "$(readlink -f "$KDIR")"; then
		cat "$work/dkms/memcg-knobs/$version/build/make.log"
		return 1
	fi
	[[ $(PATH=$PATH:/usr/sbin:/sbin modinfo -F vermagic "$work/dkms/memcg-knobs/$version/$release/"*/module/memcg_knobs.ko) == "$release "* ]]
}

version=$("$CTL" --version | cut -d ' ' -f 2)
fresh
check "install-dkms: what building takes" dkms_is_whole
check "dkms: the patched kernel is accepted" accepted
check "dkms: a kernel without patches is refused in one line" refused 6.1.0 CONFIG_RUST=y
check "dkms: a kernel without Rust is refused in one line" refused 6.1.1 CONFIG_MEMCG_POLICY=y
check "dkms: headers without Rust are refused in one line" refused 6.1.2 CONFIG_MEMCG_POLICY=y CONFIG_RUST=y
if command -v dkms >/dev/null && ((EUID == 0)); then
	check "dkms: builds the module for the patched kernel" dkms_builds
else
	skip "dkms: builds the module for the patched kernel" "needs dkms and root"
fi
check "uninstall leaves nothing of DKMS" uninstall_leaves_nothing

# --- examples and units ---

example_settings() {
	local said status=0
	# 3: this machine lacks the feature, which is checked after the file has been parsed.
	"$CTL" apply --dry-run "$TOP/packaging/memcg-knobs.toml" || status=$?
	((status == 0 || status == 3)) || return
	# The file has no errors with all of its comments removed either.
	sed -E 's/^#(\[|[a-z_]+ = )/\1/' "$TOP/packaging/memcg-knobs.toml" >"$work/all.toml"
	grep -q '^dirty_ratio' "$work/all.toml" || return
	said=$("$CTL" apply --dry-run "$work/all.toml" 2>&1 | grep -vE ': no such (file|cgroup)|is in use by cgroup v1|^(would change|skipped) ')
	same '' "$said"
}

# Missing programs and system units are not errors here.
units() {
	local said unit all=$work/units
	mkdir -p "$all/backup.service.d" "$all/backup.slice.d"
	cp "$root/usr/local/lib/systemd/system/memcg-knobs.service" "$all/"
	cp -r "$TOP"/packaging/examples/systemd/backup* "$TOP"/packaging/examples/node-exporter/* "$all/"
	printf '%s\n' '[Service]' 'Type=oneshot' 'ExecStart=/bin/true' >"$all/backup.service"
	printf '%s\n' '[Slice]' >"$all/backup.slice"
	for unit in "$all"/*.{service,slice,timer}; do
		said=$(SYSTEMD_UNIT_PATH="$all:" systemd-analyze verify --man=no "$unit" 2>&1 |
			grep -E "^(${unit##*/}|$all/)" | grep -vE 'Command \S+ is not executable|Unit \S+\.target not found')
		same '' "$said" || return
	done
}

fresh
"$INSTALL" cli >/dev/null
# unit_is_confined: the scale ends at "10.0 UNSAFE"; --threshold is in tenths.
unit_is_confined() {
	systemd-analyze security --offline=yes --no-pager --threshold=29 \
		"$root/usr/local/lib/systemd/system/memcg-knobs.service"
}

check "example settings" example_settings
check "example of the OCI runtime's configuration" python3 -m json.tool "$TOP/packaging/examples/oci/config.json"
# kubernetes: the manifests are valid YAML; the plugin needs no access to the cluster, and a single right for events; the
# files that a kustomization names exist.
kubernetes() {
	python3 - "$TOP/packaging/examples/kubernetes" <<-'END'
		import pathlib
		import sys
		import yaml

		top = pathlib.Path(sys.argv[1])
		manifests = {}
		for path in top.rglob("*.yaml"):
		    manifests[str(path.relative_to(top))] = list(yaml.safe_load_all(path.read_text()))
		assert [one["kind"] for one in manifests["nri/daemonset.yaml"]] == ["DaemonSet"]
		spec = manifests["nri/daemonset.yaml"][0]["spec"]["template"]["spec"]
		assert spec["automountServiceAccountToken"] is False and "serviceAccountName" not in spec
		for name, documents in manifests.items():
		    for document in documents:
		        if document["kind"] == "Kustomization":
		            named = document["resources"] + [patch["path"] for patch in document.get("patches", [])]
		            assert all(((top / name).parent / one).exists() for one in named), name
		rules = [one["rules"] for one in manifests["nri-events/rbac.yaml"] if one["kind"] == "ClusterRole"]
		assert rules == [[{"apiGroups": [""], "resources": ["events"], "verbs": ["create"]}]], rules
	END
}

# podman's generator accepts the example; not every release of podman has it.
quadlet() {
	local said
	mkdir -p "$work/quadlet" && cp "$TOP/packaging/examples/oci/backup.container" "$work/quadlet/" || return
	said=$(QUADLET_UNIT_DIRS=$work/quadlet /usr/libexec/podman/quadlet -dryrun 2>&1)
	echo "$said"
	[[ $said == *"ExecStart=/usr/bin/podman run "*" --cgroup-conf=memory.dirty_limit_in_bytes=64M "* ]]
}

[[ ! -x /usr/libexec/podman/quadlet ]] || check "example for podman's generator" quadlet
if python3 -c 'import yaml' 2>/dev/null; then
	check "examples for Kubernetes" kubernetes
else
	skip "examples for Kubernetes" "python3-yaml is missing"
fi
if command -v systemd-analyze >/dev/null; then
	check "units and drop-ins" units
	check "memcg-knobs.service: exposure below 3 of 10" unit_is_confined
else
	skip "units and drop-ins" "systemd-analyze is not installed"
	skip "memcg-knobs.service: exposure below 3 of 10" "systemd-analyze is not installed"
fi

# --- packages ---

# in_deb FILE: mode and path of each file, and owners other than root.
in_deb() {
	dpkg-deb --fsys-tarfile "$1" | tar -t -v --numeric-owner | awk '
		!/^d/ {
			if ($2 != "0/0") print "owner " $2
			print ($1 == "-rwxr-xr-x" ? 755 : $1 == "-rw-r--r--" ? 644 : $1), substr($6, 2)
		}'
}

# Debian has different directories for units and for zsh completions. Man pages are compressed, and the manifest is left out.
deb_files() {
	local deb
	deb=$TOP/build/deb/memcgctl_${version}_$(dpkg --print-architecture).deb
	same "$({
		installed /usr | sed -E '/\/man[0-9]\//s/$/.gz/; s,zsh/site-functions,zsh/vendor-completions,; s,/usr(/lib/systemd),\1,'
		echo "644 /usr/share/doc/memcgctl/changelog.gz"
		echo "644 /usr/share/doc/memcgctl/copyright"
		echo "644 /usr/share/lintian/overrides/memcgctl"
	})" "$(in_deb "$deb" | sed 's,/usr/lib/systemd,/lib/systemd,')" &&
		same /etc/memcg-knobs.toml "$(dpkg-deb -I "$deb" conffiles)" &&
		same "$version" "$(dpkg-deb -f "$deb" Version)"
}

# The package has the files that `make install-dkms` installs.
deb_dkms_files() {
	local deb=$TOP/build/deb/memcg-knobs-dkms_${version}_all.deb
	fresh
	"$INSTALL" dkms &&
		same "$({
			files "$root" | grep -vE '/(COPYING|manifest)$'
			echo "644 /usr/share/doc/memcg-knobs-dkms/changelog.gz"
			echo "644 /usr/share/doc/memcg-knobs-dkms/copyright"
		})" "$(in_deb "$deb")" &&
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$work" --strip-components=4 "./usr/src/memcg-knobs-$version/dkms.conf" &&
		cmp "$work/dkms.conf" "$root/usr/src/memcg-knobs-$version/dkms.conf" &&
		[[ $(dpkg-deb -I "$deb" postinst) == *dkms*memcg-knobs*"$version"* ]]
}

if dpkg-query -W debhelper dh-dkms >/dev/null 2>&1; then
	unset DESTDIR
	check "deb: dpkg-buildpackage, and lintian finds nothing" "$TOP/tools/deb.sh"
	check "deb: memcgctl: every file, its mode and owner" deb_files
	check "deb: memcg-knobs-dkms: every file, its mode and owner" deb_dkms_files
else
	for name in "dpkg-buildpackage" "memcgctl" "memcg-knobs-dkms"; do
		skip "deb: $name" "debhelper or dh-dkms is missing"
	done
fi

# --- the kernel's packages ---

# headers: the module can be built against the headers of kernel-deb.sh's packages, as bindeb-pkg copies them from a tree.
headers() {
	local source tree
	tree=$(realpath "$KDIR")
	source=$(realpath "$tree/source") || return
	mkdir -p "$work/patched/scripts/package"
	cp "$source/scripts/package/install-extmod-build" "$work/patched/scripts/package/"
	GIT_CEILING_DIRECTORIES=$work git -C "$work/patched" apply "$TOP/packaging/kernel/rust-headers.patch" || return
	# The same compiler for both, so that the tree's host programs are used.
	(cd "$tree" && srctree=$source SRCARCH=x86 CC=cc HOSTCC=cc \
		sh "$work/patched/scripts/package/install-extmod-build" "$work/headers") || return
	"$TOP/packaging/dkms/check-kernel.sh" "$work/headers" "$release" || return
	mkdir -p "$work/module"
	cp -r "$TOP/tools" "$TOP/rust" "$TOP/Kbuild" "$work/module/"
	KDIR=$work/headers "$work/module/tools/module.sh" release &&
		cmp "$work/module/build/release/memcg_knobs.ko" "$TOP/build/release/memcg_knobs.ko"
}

check "kernel-deb: its headers give the same module as the build tree" headers
check "kernel-deb: CONFIG is missing" says 'CONFIG= is missing' "$TOP/tools/kernel-deb.sh"
check "kernel-deb: CONFIG is no configuration" says 'is not the configuration of a 64-bit kernel' \
	env CONFIG=/etc/passwd "$TOP/tools/kernel-deb.sh"

done_testing
