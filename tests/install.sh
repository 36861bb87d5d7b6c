#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# install.sh: tests that installing puts every file in its place, that uninstalling leaves nothing behind, that the packages
# hold what they should, and that what is refused is refused with one line. TAP on stdout.
# Usage: tests/install.sh      (after `make`; nothing outside of a temporary directory and build/ is written)
# The reference for how files are called and what they may be is the table in installed() here, not the installer.
# shellcheck disable=SC2317 # check calls functions by their names.

set -uo pipefail
export LC_ALL=C
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
INSTALL=$TOP/tools/install.sh
CTL=$TOP/build/bin/memcgctl
KDIR=${KDIR:-$TOP/build/release/linux}
unset PREFIX SYSCONFDIR DESTDIR DEBUG CONFIG DRY_RUN MODULE_SIGN_KEY MODULE_SIGN_CERT
export KDIR
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0 failed=0

# check NAME COMMAND...: one test. What the command prints is shown if it fails.
check() {
	local name=$1
	shift
	number=$((number + 1))
	if "$@" >"$work/said" 2>&1; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		sed 's/^/# /' "$work/said"
		failed=1
	fi
}

skip() {
	number=$((number + 1))
	echo "ok $number - $1 # SKIP $2"
}

# installed PREFIX: mode and path of each file that belongs to the CLI, below that PREFIX and /etc.
installed() {
	local command
	cat <<-END
		644 /etc/memcg-knobs.toml
		755 $1/bin/memcgctl
		644 $1/lib/systemd/system/memcg-knobs.service
		644 $1/share/bash-completion/completions/memcgctl
		644 $1/share/fish/vendor_completions.d/memcgctl.fish
		644 $1/share/zsh/site-functions/_memcgctl
		644 $1/share/doc/memcgctl/examples/node-exporter/memcgctl-metrics.service
		644 $1/share/doc/memcgctl/examples/node-exporter/memcgctl-metrics.timer
		644 $1/share/doc/memcgctl/examples/oci/backup.container
		644 $1/share/doc/memcgctl/examples/oci/config.json
		644 $1/share/doc/memcgctl/examples/systemd/backup-slice-limit.service
		644 $1/share/doc/memcgctl/examples/systemd/backup.service.d/dirty-limit.conf
		644 $1/share/doc/memcgctl/examples/systemd/backup.slice.d/dirty-limit.conf
		644 $1/share/doc/memcgctl/examples/systemd/modules-load.conf
		644 $1/share/man/man1/memcgctl.1
	END
	for command in $("$CTL" --help | awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }'); do
		echo "644 $1/share/man/man1/memcgctl-$command.1"
	done
}

# same WANTED FOUND: two lists, in any order.
same() {
	diff <(sort <<<"$1") <(sort <<<"$2")
}

files() {
	(cd "$1" && find . ! -type d -printf '%m /%P\n')
}

# fresh: an empty root in $root.
fresh() {
	root=$(mktemp -d "$work/root.XXXXXX")
	export DESTDIR=$root
}

# says WORDS COMMAND...: it fails, and says so in one line with these words.
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

# With what means something to sed or to systemd in it.
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

# A page that a former version had.
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
check "install-cli: a PREFIX that a unit can not have" says 'which mean something in a unit' env PREFIX='/opt/%n' "$INSTALL" cli
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

# kernel_tree RELEASE OPTION...: a directory that looks like that kernel's build tree.
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
	skip "install: root is needed" "takes root to try, and a checkout that others can read"
fi

# not_built: a checkout in which nothing has been built.
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

# dkms_says TREE: what its dkms.conf says for this kernel, sourced as dkms does; and whether the kernel is excluded.
dkms_says() {
	# shellcheck disable=SC2016 # The inner shell expands it.
	bash -c 'kernelver=$1 kernel_source_dir=$2; . "$3" >/dev/null; echo "excluded: ${BUILD_EXCLUSIVE_KERNEL:-no}"' \
		- "$(cat "$1/include/config/kernel.release")" "$1" "$root/usr/src/memcg-knobs-$version/dkms.conf" 2>&1
}

refused() {
	local said
	said=$(dkms_says "$(kernel_tree "$@")")
	echo "$said"
	# One line of ours besides that of the test; the pattern in it matches no kernel.
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
		for file in "$TOP"/rust/*.rs "$TOP/Kbuild" "$TOP/tools/env.sh" "$TOP/tools/module.sh"; do
			cmp "$file" "$root/usr/src/memcg-knobs-$version/${file#"$TOP/"}" || return
		done
	grep -qx "PACKAGE_VERSION=$version" "$root/usr/src/memcg-knobs-$version/dkms.conf"
}

version=$("$CTL" --version | cut -d ' ' -f 2)
fresh
check "install-dkms: what building takes" dkms_is_whole
check "dkms: the patched kernel is accepted" accepted
check "dkms: a kernel without patches is refused in one line" refused 6.1.0 CONFIG_RUST=y
check "dkms: a kernel without Rust is refused in one line" refused 6.1.1 CONFIG_MEMCG_EXT=y
check "dkms: headers without Rust are refused in one line" refused 6.1.2 CONFIG_MEMCG_EXT=y CONFIG_RUST=y
check "uninstall leaves nothing of DKMS" uninstall_leaves_nothing

# --- what is installed is good ---

example_settings() {
	local said
	"$CTL" apply --dry-run "$TOP/packaging/memcg-knobs.toml" || return
	# With all in it put into force: this machine may lack what it takes, but the file has no mistakes.
	sed -E 's/^#(\[|[a-z_]+ = )/\1/' "$TOP/packaging/memcg-knobs.toml" >"$work/all.toml"
	grep -q '^dirty_ratio' "$work/all.toml" || return
	said=$("$CTL" apply --dry-run "$work/all.toml" 2>&1 | grep -vE ': no such (file|cgroup)|^(would change|skipped) ')
	same '' "$said"
}

# That the programs are installed, and the system's own units beside ours, is not what is looked at here.
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
check "example settings" example_settings
check "example of the OCI runtime's configuration" python3 -m json.tool "$TOP/packaging/examples/oci/config.json"
if command -v systemd-analyze >/dev/null; then
	check "units and drop-ins" units
else
	skip "units and drop-ins" "there is no systemd-analyze here"
fi

# --- packages ---

# Man pages are compressed, and what dpkg does by itself is not in it.
deb_files() {
	local deb
	deb=$TOP/build/memcgctl_${version}_$(dpkg --print-architecture).deb
	rm -f "$deb"
	"$TOP/tools/deb.sh" || return
	same "$({
		installed /usr | sed '/\/man1\//s/$/.gz/'
		echo "644 /usr/share/doc/memcgctl/changelog.Debian.gz"
		echo "644 /usr/share/doc/memcgctl/copyright"
		echo "644 /usr/share/lintian/overrides/memcgctl"
	})" "$(dpkg-deb --fsys-tarfile "$deb" | tar -t -v --numeric-owner | awk '
		!/^d/ {
			if ($2 != "0/0") print "owner " $2
			print ($1 == "-rwxr-xr-x" ? 755 : $1 == "-rw-r--r--" ? 644 : $1), substr($6, 2)
		}')" &&
		same /etc/memcg-knobs.toml "$(dpkg-deb -I "$deb" conffiles)" &&
		same "$version" "$(dpkg-deb -f "$deb" Version)" &&
		same "memcgctl ($version)" "$(sed -n '1s/).*/)/p' "$TOP/packaging/debian/changelog")"
}

if command -v dpkg-deb >/dev/null && { command -v cargo-deb || [[ -x ~/.cargo/bin/cargo-deb ]]; } >/dev/null; then
	unset DESTDIR
	check "deb: every file, its mode and owner" deb_files
else
	skip "deb: every file, its mode and owner" "cargo-deb is missing; \`make deb\` installs it"
fi

# headers: those that kernel-deb.sh's packages have, as bindeb-pkg takes them out of a build tree, are good for the module.
headers() {
	local source tree
	tree=$(realpath "$KDIR")
	source=$(realpath "$tree/source") || return
	mkdir -p "$work/patched/scripts/package"
	cp "$source/scripts/package/install-extmod-build" "$work/patched/scripts/package/"
	GIT_CEILING_DIRECTORIES=$work git -C "$work/patched" apply "$TOP/packaging/kernel/rust-headers.patch" || return
	# The same compiler for both, so that the tree's programs for the host are taken as they are.
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

echo "1..$number"
exit "$failed"
