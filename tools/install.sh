#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# install.sh: install the built files, and uninstall them.
# Usage: tools/install.sh cli|module|dkms...     install these parts, over existing files
#        tools/install.sh uninstall              remove everything that was installed under PREFIX
#   cli      memcgctl with its man pages and completions, memcg-knobs.service, the examples, and an example
#            memcg-knobs.toml unless there is one
#   module   memcg_knobs.ko, for the kernel whose build tree is KDIR
#   dkms     the module's sources, where `dkms add memcg-knobs/VERSION` looks for them
# Nothing is built here, so that building does not need root.
#
# The installed files are recorded in a manifest, which uninstalling relies on: it lists files of earlier versions that this
# one lacks, and the kernels that a module was installed for. Its lines, without DESTDIR:
#   dir - PATH             a directory that did not exist before
#   file PART PATH
#   config SHA256 PATH     kept if it has been changed since
#
# Environment: PREFIX (/usr/local), SYSCONFDIR (/etc), DESTDIR (a directory to install into instead of /; systemd and depmod
# are not run then), KDIR, DEBUG, MODULE_SIGN_KEY and MODULE_SIGN_CERT (sign the module with these).

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

PREFIX=${PREFIX:-/usr/local}
SYSCONFDIR=${SYSCONFDIR:-/etc}
DESTDIR=${DESTDIR:-}
DESTDIR=${DESTDIR%/}
FLAVOR=${DEBUG:+debug}
FLAVOR=${FLAVOR:-release}
VERSION=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$TOP/userspace/Cargo.toml")
MANIFEST=$PREFIX/share/memcg-knobs/manifest
umask 022

declare -A manifest # Its lines; "old" are those that the current run has not written.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

read_manifest() {
	local line
	[[ -e $DESTDIR$MANIFEST ]] || return 0
	while IFS= read -r line; do
		manifest[$line]=old
	done <"$DESTDIR$MANIFEST"
}

write_manifest() {
	make_dir "$(dirname "$MANIFEST")"
	printf '%s\n' "${!manifest[@]}" | sort >"$DESTDIR$MANIFEST.new"
	mv "$DESTDIR$MANIFEST.new" "$DESTDIR$MANIFEST"
}

# make_dir PATH: create it and its parents, and record those that are new, except for DESTDIR itself.
make_dir() {
	[[ ! -d $DESTDIR$1 ]] || return 0
	if [[ $1 == / || ! $1 ]]; then
		mkdir -p "$DESTDIR/"
		return
	fi
	make_dir "$(dirname "$1")"
	mkdir "$DESTDIR$1"
	manifest["dir - $1"]=new
}

# put PART MODE SOURCE PATH: install a file. It is renamed into place, so that a running memcgctl can be replaced.
put() {
	local new=$DESTDIR$4.memcg-knobs-new
	make_dir "$(dirname "$4")"
	cat "$3" >"$new"
	chmod "$2" "$new"
	mv -f "$new" "$DESTDIR$4"
	manifest["file $1 $4"]=new
}

# filled FILE: print a template with its values filled in, which may have any characters.
filled() {
	local text
	text=$(<"$1")
	text=${text//@BINDIR@/"$PREFIX/bin"}
	text=${text//@SYSCONFDIR@/"$SYSCONFDIR"}
	printf '%s\n' "${text//@VERSION@/"$VERSION"}"
}

# replace PART [NAME]: install PART, and remove files that an earlier version of it installed and this one does not.
replace() {
	local line
	"$1"
	for line in "${!manifest[@]}"; do
		[[ $line == "file ${2:-$1} "* && ${manifest[$line]} == old ]] || continue
		rm -f "$DESTDIR${line#file * }"
		unset 'manifest[$line]'
	done
}

cli() {
	local file sum
	"$BUILD/bin/memcgctl" generate "$work/share"
	put cli 755 "$BUILD/bin/memcgctl" "$PREFIX/bin/memcgctl"
	while read -r file; do
		put cli 644 "$work/share/$file" "$PREFIX/share/$file"
	done < <(cd "$work/share" && find . -type f -printf '%P\n')
	put cli 644 <(filled "$TOP/packaging/systemd/memcg-knobs.service") "$PREFIX/lib/systemd/system/memcg-knobs.service"
	while read -r file; do
		put cli 644 "$TOP/packaging/examples/$file" "$PREFIX/share/doc/memcgctl/examples/$file"
	done < <(cd "$TOP/packaging/examples" && find . -type f -printf '%P\n')
	file=$SYSCONFDIR/memcg-knobs.toml
	if [[ -e $DESTDIR$file ]]; then
		step install "$DESTDIR$file exists and is not changed"
	else
		make_dir "$SYSCONFDIR"
		install -m 644 "$TOP/packaging/memcg-knobs.toml" "$DESTDIR$file"
		sum=$(sha256sum <"$DESTDIR$file")
		manifest["config ${sum%% *} $file"]=new
	fi
}

# The kernel is in the part's name, so that a module for one kernel does not replace that for another.
module() {
	cp "$BUILD/$FLAVOR/memcg_knobs.ko" "$work/memcg_knobs.ko"
	if [[ ${MODULE_SIGN_KEY:-} ]]; then
		"$kdir/scripts/sign-file" sha256 "$MODULE_SIGN_KEY" "$MODULE_SIGN_CERT" "$work/memcg_knobs.ko" ||
			die install "the module could not be signed with $MODULE_SIGN_KEY"
	fi
	put "module:$release" 644 "$work/memcg_knobs.ko" "/lib/modules/$release/updates/memcg_knobs.ko"
}

dkms() {
	local to=/usr/src/memcg-knobs-$VERSION file
	put dkms 644 <(filled "$TOP/packaging/dkms/dkms.conf") "$to/dkms.conf"
	put dkms 755 "$TOP/packaging/dkms/check-kernel.sh" "$to/check-kernel.sh"
	put dkms 755 "$TOP/tools/module.sh" "$to/tools/module.sh"
	for file in tools/env.sh Kbuild COPYING; do
		put dkms 644 "$TOP/$file" "$to/$file"
	done
	for file in "$TOP"/rust/*.rs "$TOP"/rust/policy/src/*.rs; do
		put dkms 644 "$file" "$to/${file#"$TOP/"}"
	done
}

# check_cli: everything that could prevent the installation of a part is checked before anything is written.
check_cli() {
	[[ -x $BUILD/bin/memcgctl ]] || die install "build/bin/memcgctl is not built: run \`make userland\` first, as yourself"
}

check_module() {
	local built
	kdir=${KDIR:-$BUILD/$FLAVOR/linux}
	release=$(cat "$kdir/include/config/kernel.release" 2>/dev/null) ||
		die install "$kdir is not a kernel's build tree: give KDIR=, for the running kernel KDIR=/lib/modules/\$(uname -r)/build"
	[[ -e $BUILD/$FLAVOR/memcg_knobs.ko ]] ||
		die install "build/$FLAVOR/memcg_knobs.ko is not built: run \`make module KDIR=$kdir\` first, as yourself"
	built=$(PATH=$PATH:/usr/sbin:/sbin modinfo -F vermagic "$BUILD/$FLAVOR/memcg_knobs.ko")
	[[ ${built%% *} == "$release" ]] ||
		die install "the module was built for ${built%% *}, not for $release: run \`make module KDIR=$kdir\` first"
	[[ $DESTDIR || -d /lib/modules/$release ]] ||
		die install "kernel $release is not installed here: there is no /lib/modules/$release"
	[[ ! ${MODULE_SIGN_KEY:-} || ${MODULE_SIGN_CERT:-} ]] || die install "MODULE_SIGN_KEY needs MODULE_SIGN_CERT"
}

check_dkms() { :; }

# systemd and depmod are run, unless DESTDIR is another root.
tell_systemd() {
	[[ ! $DESTDIR && -d /run/systemd/system ]] || return 0
	systemctl "$@" || step install "\`systemctl $*\` failed"
}

tell_depmod() {
	[[ ! $DESTDIR && -d /lib/modules/$1 ]] || return 0
	PATH=$PATH:/usr/sbin:/sbin depmod "$1" || die install "depmod $1 failed"
}

uninstall() {
	local line path kernels=()
	[[ -e $DESTDIR$MANIFEST ]] ||
		die uninstall "nothing is installed under PREFIX=$PREFIX: there is no $DESTDIR$MANIFEST"
	read_manifest
	tell_systemd --quiet disable memcg-knobs.service
	for line in "${!manifest[@]}"; do
		case $line in
		file\ *)
			line=${line#file }
			path=${line#* }
			rm -f "$DESTDIR$path"
			[[ $line != module:* ]] || { line=${line%% *} && kernels+=("${line#module:}"); }
			;;
		config\ *)
			line=${line#config }
			path=${line#* }
			if sha256sum --status -c - <<<"${line%% *}  $DESTDIR$path" 2>/dev/null; then
				rm "$DESTDIR$path"
			elif [[ -e $DESTDIR$path ]]; then
				step uninstall "$DESTDIR$path has been changed since and is kept"
			fi
			;;
		esac
	done
	rm -f "$DESTDIR$MANIFEST"
	# Deepest first; directories with other files stay.
	while read -r path; do
		rmdir --ignore-fail-on-non-empty "$DESTDIR$path" 2>/dev/null || true
	done < <(printf '%s\n' "${!manifest[@]}" | sed -n 's/^dir - //p' | sort -r)
	for line in "${kernels[@]}"; do
		tell_depmod "$line"
	done
	tell_systemd daemon-reload
	step uninstall "done"
	[[ $DESTDIR || ! -d /sys/module/memcg_knobs ]] ||
		step uninstall "the module is still loaded, with its limits in force: \`modprobe -r memcg_knobs\` removes it"
}

[[ $PREFIX == /* && $SYSCONFDIR == /* ]] || die install "PREFIX and SYSCONFDIR have to be absolute paths"
# Spaces are quoted there.
[[ $PREFIX$SYSCONFDIR != *[\"\\\$%$'\n']* ]] ||
	die install "PREFIX and SYSCONFDIR must not contain quotes, backslashes, \$, % or newlines, which are special in a unit"
(($# > 0)) || die install "usage: tools/install.sh cli|module|dkms...|uninstall"
[[ $DESTDIR || $EUID -eq 0 ]] || die install "this needs root: use sudo, or DESTDIR=DIR to install into DIR"
[[ ! $DESTDIR || $DESTDIR == /* ]] || DESTDIR=$PWD/$DESTDIR
if [[ $1 == uninstall ]]; then
	uninstall
	exit
fi
for part in "$@"; do
	case $part in
	cli | module | dkms) "check_$part" ;;
	*) die install "there is no part \"$part\"; the parts are cli, module and dkms" ;;
	esac
done
read_manifest
for part in "$@"; do
	case $part in
	module)
		replace module "module:$release"
		tell_depmod "$release"
		;;
	*) replace "$part" ;;
	esac
	[[ $part != cli ]] || tell_systemd daemon-reload
	write_manifest
	case $part in
	cli) step install "memcgctl: $DESTDIR$PREFIX/bin/memcgctl; settings at boot: $SYSCONFDIR/memcg-knobs.toml, \`systemctl enable --now memcg-knobs\`" ;;
	module) step install "module: $DESTDIR/lib/modules/$release/updates/memcg_knobs.ko; \`modprobe memcg_knobs\`, \`memcgctl check\`" ;;
	dkms) step install "sources: $DESTDIR/usr/src/memcg-knobs-$VERSION; \`dkms install memcg-knobs/$VERSION\`" ;;
	esac
done
